package archive_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/archive"
	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

// TestTamperedArchive: whatever is changed in an archive, it does not verify, and the month is not deleted for it.
func TestTamperedArchive(t *testing.T) {
	t.Parallel()
	log := newLog(t)
	dir, v := written(t, log)
	refused := func(what string, want error) {
		t.Helper()
		if err := drop(t, log, dir, later); !errors.Is(err, want) {
			t.Errorf("%s: %v", what, err)
		}
		if n := stored(t, log); n != inMonth {
			t.Fatalf("%s: the month was deleted", what)
		}
	}
	for _, f := range v.Manifest.Files {
		edit(t, dir, f.Name, func(data []byte) []byte { data[len(data)/2] ^= 1; return data }, func() {
			refused("a byte of "+f.Name, archive.ErrArchive)
		})
		edit(t, dir, f.Name, func([]byte) []byte { return nil }, func() { refused(f.Name+" is gone", archive.ErrArchive) })
	}
	edit(t, dir, archive.ManifestName, func([]byte) []byte { return nil }, func() { refused("no manifest", archive.ErrArchive) })
	edit(t, dir, archive.ManifestName, func([]byte) []byte { return []byte(`{"format":"other"}`) }, func() { refused("another format", archive.ErrArchive) })
	extra := filepath.Join(dir, "events", "999.jsonl")
	if err := os.WriteFile(extra, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	refused("a file more", archive.ErrArchive)
	if err := os.Remove(extra); err != nil {
		t.Fatal(err)
	}
	changed := v.Manifest.Files[1].Name // of events
	edit(t, dir, changed, otherNonce, func() {
		agree(t, dir, v, func() { refused("an event, with the manifest", verify.ErrExport) })
	})
	// A part of the month is an archive in which everything fits. It is only not the month.
	edit(t, dir, changed, func([]byte) []byte { return nil }, func() {
		agree(t, dir, v, func() {
			if _, err := archive.Verify(dir, log.Trust, nil); err != nil {
				t.Errorf("a part of the month: %v", err)
			}
			refused("events are missing", archive.ErrUncovered)
		})
	})
	if err := drop(t, log, dir, later); err != nil {
		t.Errorf("with everything as it was: %v", err)
	}
}

// otherNonce changes the nonce of a file's first event.
func otherNonce(data []byte) []byte {
	line, rest, _ := bytes.Cut(data, []byte("\n"))
	var x verify.ExportedEvent
	if err := json.Unmarshal(line, &x); err != nil {
		return data
	}
	x.Nonce[0] ^= 1
	line, err := json.Marshal(x)
	if err != nil {
		return data
	}
	return slices.Concat(line, []byte("\n"), rest)
}

// edit changes a file, or takes it away, and puts it back.
func edit(t *testing.T, dir, name string, change func([]byte) []byte, then func()) {
	t.Helper()
	path := filepath.Join(dir, name)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if changed := change(append([]byte(nil), data...)); changed == nil {
		err = os.Remove(path)
	} else {
		err = os.WriteFile(path, changed, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	then()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// agree makes the manifest say what the folder holds, as somebody who tampers would.
func agree(t *testing.T, dir string, v *archive.Verified, then func()) {
	t.Helper()
	m := *v.Manifest
	m.Files, m.Events = nil, 0
	for _, f := range v.Manifest.Files {
		data, err := os.ReadFile(filepath.Join(dir, f.Name))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(data)
		m.Files = append(m.Files, archive.File{Name: f.Name, Bytes: int64(len(data)), SHA256: hex.EncodeToString(sum[:])})
	}
	h := sha256.New()
	_ = verify.EachExported(os.DirFS(dir), func(x verify.ExportedEvent) error {
		leaf, err := verify.LeafHash(x.Nonce, x.Event)
		h.Write([]byte{0, 0, 0, 0, 0, 0, byte(x.Index >> 8), byte(x.Index)})
		h.Write(leaf[:])
		m.Events++
		return err
	})
	m.LeavesSHA256 = hex.EncodeToString(h.Sum(nil))
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	edit(t, dir, archive.ManifestName, func([]byte) []byte { return text }, then)
}
