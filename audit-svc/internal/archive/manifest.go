package archive

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"time"
)

const (
	// ManifestName is the manifest's inside the folder.
	ManifestName = "manifest.json"
	// format is what this release writes and reads.
	format = "dcr-audit-archive/1"
	// maxManifest bounds what is read of a manifest: a month of a hundred million events has some thousand files of
	// events, and half a million tiles.
	maxManifest = 256 << 20
)

// ErrArchive is returned for a folder that is not a whole archive, or whose content is not what it should be.
var ErrArchive = errors.New("this is not a whole archive")

// Manifest says what an archive holds. It repeats what the files prove; the files' digests are its own.
type Manifest struct {
	Format string `json:"format"`
	// Month as 2026-01.
	Month string `json:"month"`
	// Origin is the name of the log.
	Origin string `json:"origin"`
	// Events in the archive.
	Events int64 `json:"events"`
	// LeavesSHA256 is over index (8 bytes, big endian) and hash of each leaf, in order, in hex.
	LeavesSHA256 string `json:"leaves_sha256"`
	// TreeSize of the checkpoint.
	TreeSize int64     `json:"tree_size"`
	MadeAt   time.Time `json:"made_at"`
	// Files but the manifest, in the order of their names.
	Files []File `json:"files"`
}

// File is one file of an archive.
type File struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// leaves digests leaves in order.
type leaves struct {
	hash  hash.Hash
	count int64
}

func newLeaves() *leaves { return &leaves{hash: sha256.New()} }

func (l *leaves) add(index int64, leaf []byte) {
	var at [8]byte
	binary.BigEndian.PutUint64(at[:], uint64(index)) //nolint:gosec // an index is never negative
	l.hash.Write(at[:])
	l.hash.Write(leaf)
	l.count++
}

func (l *leaves) sum() []byte { return l.hash.Sum(nil) }

func (l *leaves) text() string { return hex.EncodeToString(l.sum()) }

// readManifest gives the manifest of a folder and its digest.
func readManifest(dir string) (*Manifest, []byte, error) {
	f, err := os.Open(filepath.Join(dir, ManifestName))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil, fmt.Errorf("%w: it has no manifest: it was interrupted, archive the month again into this folder", ErrArchive)
	}
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxManifest))
	if err != nil {
		return nil, nil, err
	}
	var m Manifest
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil || d.More() || m.Format != format {
		return nil, nil, fmt.Errorf("%w: its manifest is none", ErrArchive)
	}
	sum := sha256.Sum256(data)
	return &m, sum[:], nil
}
