package pagetoken

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"time"
)

const (
	keyBytes = 32
	maxKeys  = 2
)

// Load reads the keys that all replicas share: a file of one or two lines, each
// the base64 of 32 random bytes. The first seals and both open, so that keys
// rotate without a token refused: add the new key as the second line on every
// replica, then swap the lines on every replica, then drop the old one an hour
// later. It fails on anything else in the file.
func Load(file string, now func() time.Time) (*Book, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("load page token keys: %w", err)
	}
	b, err := parse(text, now)
	if err != nil {
		return nil, fmt.Errorf("load page token keys: %w", err)
	}
	return b, nil
}

func parse(text []byte, now func() time.Time) (*Book, error) {
	lines := bytes.Fields(text)
	if len(lines) == 0 || len(lines) > maxKeys {
		return nil, fmt.Errorf("the file has %d keys, not one or two", len(lines))
	}
	if len(lines) == maxKeys && bytes.Equal(lines[0], lines[1]) {
		return nil, errors.New("both keys are the same")
	}
	book := &Book{now: now}
	for i, line := range lines {
		key, err := base64.StdEncoding.DecodeString(string(line))
		if err != nil || len(key) != keyBytes {
			// The decoder's error would quote the key.
			return nil, fmt.Errorf("key %d is not the base64 of %d bytes", i+1, keyBytes)
		}
		if bytes.Equal(key, make([]byte, keyBytes)) {
			return nil, fmt.Errorf("key %d is all zero", i+1)
		}
		sealer, err := newSealer(key)
		if err != nil {
			return nil, err
		}
		book.keys = append(book.keys, sealer)
	}
	return book, nil
}

// newSealer draws a random nonce for each token: at 2^32 tokens under one key a
// nonce would repeat with a chance of 2^-32, which at a county's million pages a
// month is centuries away.
func newSealer(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("use key: %w", err)
	}
	sealer, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("use key: %w", err)
	}
	return sealer, nil
}
