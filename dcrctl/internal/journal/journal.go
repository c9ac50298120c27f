// Package journal remembers which bundles, or rows of a register, a gateway has taken, so that an import which was
// cut off goes on where it stopped. It is a convenience and no promise: the same may be sent twice, so a journal may
// be deleted at any time.
//
// A line is the hash of a bundle's path and content: the file names nobody, and a bundle that changed is sent
// again.
package journal

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// ext of a journal's file, which says also what a line means.
const ext = ".v1"

// Key is a bundle as it was sent.
type Key [sha256.Size]byte

// KeyOf is the key of a path and its content.
func KeyOf(path string, content []byte) Key {
	of := sha256.Sum256(content)
	return sha256.Sum256(append([]byte(path+"\x00"), of[:]...))
}

// Journal is open for one import. It is safe for use by several goroutines.
type Journal struct {
	mu   sync.Mutex
	file *os.File
	sent map[Key]bool
}

// Open opens the journal of a folder and a gateway in stateDir, and makes it when there is none. With again, what
// it holds is forgotten.
func Open(stateDir, folder, gateway string, again bool) (*Journal, error) {
	whole, err := filepath.Abs(folder)
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	if err := os.MkdirAll(stateDir, 0o700); err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	name := sha256.Sum256([]byte(gateway + "\x00" + whole))
	flags := os.O_CREATE | os.O_RDWR | os.O_APPEND
	if again {
		flags |= os.O_TRUNC
	}
	file, err := os.OpenFile(filepath.Join(stateDir, hex.EncodeToString(name[:12])+ext), flags, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	j := &Journal{file: file, sent: map[Key]bool{}}
	if err := j.read(); err != nil {
		return nil, errors.Join(fmt.Errorf("read journal: %w", err), file.Close())
	}
	return j, nil
}

// read takes every whole line. A line that was torn by a crash says nothing, and is ended so that the next one
// stands alone.
func (j *Journal) read() error {
	lines := bufio.NewScanner(j.file)
	for lines.Scan() {
		var k Key
		if n, err := hex.Decode(k[:], bytes.TrimSpace(clip(lines.Bytes()))); err == nil && n == len(k) {
			j.sent[k] = true
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	_, err := j.file.WriteString("\n")
	return err
}

// clip bounds what is decoded of a line that is none of ours.
func clip(line []byte) []byte { return line[:min(len(line), 2*sha256.Size)] }

// Has tells whether the bundle was taken before.
func (j *Journal) Has(k Key) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.sent[k]
}

// Add remembers that the bundles were taken, on the disk when it returns.
func (j *Journal) Add(keys ...Key) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	var lines strings.Builder
	for _, k := range keys {
		lines.WriteString(hex.EncodeToString(k[:]) + "\n")
	}
	if _, err := j.file.WriteString(lines.String()); err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	if err := j.file.Sync(); err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	for _, k := range keys {
		j.sent[k] = true
	}
	return nil
}

// Path of the journal's file.
func (j *Journal) Path() string { return j.file.Name() }

// Close ends the writing.
func (j *Journal) Close() error { return j.file.Close() }
