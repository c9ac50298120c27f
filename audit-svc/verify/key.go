package verify

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/note"
)

// Types of keys in signed notes (C2SP signed-note).
const (
	algorithmLog         = 0x01 // Ed25519 over the text
	algorithmCosignature = 0x04 // Ed25519 over time and text: cosignature/v1
)

// privatePrefix begins every encoded private key, so that nobody publishes one by mistake.
const privatePrefix = "PRIVATE+KEY+"

// ErrKey is returned for text that is no key of the kind that is wanted. It does not quote the text.
var ErrKey = errors.New("this is no key of the kind that is wanted")

// Keys lists the keys of a file: one on a line; empty lines and those that begin with # are left out.
func Keys(text string) []string {
	var keys []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			keys = append(keys, line)
		}
	}
	return keys
}

// GenerateLogKey makes the key pair of a log in the format of signed notes: origin is its name, private
// signs checkpoints (note.NewSigner reads it), public is given to everybody.
func GenerateLogKey(random io.Reader, origin string) (private, public string, err error) {
	if !validName(origin) {
		return "", "", fmt.Errorf("%w: a name has no spaces and no +", ErrKey)
	}
	return note.GenerateKey(random, origin)
}

// GenerateWitnessKey makes the key pair of a witness: name is what it signs as, private is read by
// NewCosigner, public is given to everybody.
func GenerateWitnessKey(random io.Reader, name string) (private, public string, err error) {
	if !validName(name) {
		return "", "", fmt.Errorf("%w: a name has no spaces and no +", ErrKey)
	}
	pub, priv, err := ed25519.GenerateKey(random)
	if err != nil {
		return "", "", fmt.Errorf("make key: %w", err)
	}
	hash := keyHash(name, algorithmCosignature, pub)
	private = fmt.Sprintf("%s%s+%08x+%s", privatePrefix, name, hash, encodeKey(algorithmCosignature, priv.Seed()))
	public = fmt.Sprintf("%s+%08x+%s", name, hash, encodeKey(algorithmCosignature, pub))
	return private, public, nil
}

// encodedKey is a key taken apart.
type encodedKey struct {
	name      string
	hash      uint32
	algorithm byte
	key       []byte
}

// decodeKey takes "name+hash+data" apart. Data may hold plus signs, names may not.
func decodeKey(s string) (encodedKey, error) {
	parts := strings.SplitN(s, "+", 3)
	if len(parts) != 3 || !validName(parts[0]) || len(parts[1]) != 8 {
		return encodedKey{}, ErrKey
	}
	hash, err := strconv.ParseUint(parts[1], 16, 32)
	if err != nil {
		return encodedKey{}, ErrKey
	}
	data, err := base64.StdEncoding.Strict().DecodeString(parts[2])
	if err != nil || len(data) < 1 {
		return encodedKey{}, ErrKey
	}
	return encodedKey{name: parts[0], hash: uint32(hash), algorithm: data[0], key: data[1:]}, nil
}

func encodeKey(algorithm byte, key []byte) string {
	return base64.StdEncoding.EncodeToString(append([]byte{algorithm}, key...))
}

// keyHash is the number by which signatures name a key.
func keyHash(name string, algorithm byte, public []byte) uint32 {
	h := sha256.New()
	h.Write([]byte(name + "\n"))
	h.Write([]byte{algorithm})
	h.Write(public)
	return binary.BigEndian.Uint32(h.Sum(nil))
}

func validName(name string) bool {
	return name != "" && utf8.ValidString(name) && !strings.ContainsFunc(name, unicode.IsSpace) && !strings.ContainsFunc(name, unicode.IsControl) && !strings.Contains(name, "+")
}
