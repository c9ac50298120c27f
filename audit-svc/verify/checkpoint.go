package verify

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/tlog"
)

// MaxSize is the largest tree that is read, in leaves. Larger sizes overflow the arithmetic of package
// tlog, which then does not end; a thousand years of England's events stay far below it.
const MaxSize = 1 << 48

// maxCheckpoint bounds a checkpoint with all its signatures, in bytes.
const maxCheckpoint = 64 << 10

// ErrCheckpoint is returned for text that is no checkpoint (C2SP tlog-checkpoint).
var ErrCheckpoint = errors.New("this is no checkpoint")

// Checkpoint is what a log says of itself at one moment: its name, how many leaves it has, and the root
// of the tree over them.
type Checkpoint struct {
	// Origin names the log, for ever.
	Origin string
	// Size is the number of leaves.
	Size int64
	// Root of the tree of that size (RFC 6962 section 2.1).
	Root tlog.Hash
	// Extensions are further lines. Ours has none; they are signed with the rest, and nothing rests on them.
	Extensions []string
}

// Text is the note that is signed, ending in a newline.
func (c Checkpoint) Text() string {
	lines := append([]string{c.Origin, strconv.FormatInt(c.Size, 10), base64.StdEncoding.EncodeToString(c.Root[:])}, c.Extensions...)
	return strings.Join(lines, "\n") + "\n"
}

// ParseCheckpoint reads the text of a checkpoint, without its signatures. Only the one way to write it is
// read, so that two texts are equal when they say the same. It returns ErrCheckpoint.
func ParseCheckpoint(text string) (Checkpoint, error) {
	lines := strings.Split(text, "\n")
	if len(lines) < 4 || lines[len(lines)-1] != "" || len(text) > maxCheckpoint || !utf8.ValidString(text) {
		return Checkpoint{}, ErrCheckpoint
	}
	lines = lines[:len(lines)-1]
	for _, l := range lines {
		if l == "" {
			return Checkpoint{}, ErrCheckpoint
		}
	}
	size, err := ParseSize(lines[1])
	if err != nil {
		return Checkpoint{}, fmt.Errorf("%w: %w", ErrCheckpoint, err)
	}
	root, err := parseHash(lines[2])
	if err != nil {
		return Checkpoint{}, fmt.Errorf("%w: %w", ErrCheckpoint, err)
	}
	c := Checkpoint{Origin: lines[0], Size: size, Root: root}
	if len(lines) > 3 {
		c.Extensions = lines[3:]
	}
	if size == 0 && root != emptyRoot() {
		return Checkpoint{}, fmt.Errorf("%w: the root of the empty tree is wrong", ErrCheckpoint)
	}
	return c, nil
}

// ParseSize reads the size of a tree as checkpoints and witnesses write it: decimal, no leading zeroes, at
// most MaxSize.
func ParseSize(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || n > MaxSize || strconv.FormatInt(n, 10) != s {
		return 0, errors.New("a size is a decimal number without leading zeroes")
	}
	return n, nil
}

// parseHash reads a hash in base64, written the one way that it can be.
func parseHash(s string) (tlog.Hash, error) {
	raw, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil || len(raw) != HashSize || base64.StdEncoding.EncodeToString(raw) != s {
		return tlog.Hash{}, errors.New("a hash is 32 bytes in base64")
	}
	return tlog.Hash(raw), nil
}

// emptyRoot is the root of a tree without leaves.
func emptyRoot() tlog.Hash {
	root, _ := tlog.TreeHash(0, nil) // reads nothing, and never fails: documented
	return root
}
