// Package logtest is a log in memory, for tests: it can be honest, branch, and be served over HTTP as the
// gateway serves the real one.
package logtest

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

// Origin of every log.
const Origin = "audit.example/log"

// Log is a log in memory.
type Log struct {
	// Public key of the log.
	Public string

	signer note.Signer
	events [][]byte
	nonces [][]byte
	hashes []tlog.Hash
}

// New is an honest log of n events.
func New(t testing.TB, n int) *Log {
	t.Helper()
	private, public, err := verify.GenerateLogKey(rand.Reader, Origin)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	l := &Log{Public: public, signer: signer}
	l.Grow(t, "", n)
	return l
}

// Branch is a log with the same key and the same first n events.
func (l *Log) Branch(t testing.TB, n int) *Log {
	t.Helper()
	b := &Log{Public: l.Public, signer: l.signer}
	for i := range n {
		b.Add(t, l.events[i])
	}
	return b
}

// Grow adds n events; word tells histories apart.
func (l *Log) Grow(t testing.TB, word string, n int) {
	t.Helper()
	for range n {
		l.Add(t, fmt.Appendf(nil, "event %d %s", len(l.events), word))
	}
}

// Add adds an event.
func (l *Log) Add(t testing.TB, event []byte) {
	t.Helper()
	nonce := sha256.Sum256(append([]byte("nonce of "), event...))
	leaf, err := verify.LeafHash(nonce[:], event)
	if err != nil {
		t.Fatal(err)
	}
	hashes, err := tlog.StoredHashesForRecordHash(l.Size(), leaf, l)
	if err != nil {
		t.Fatal(err)
	}
	l.events, l.nonces, l.hashes = append(l.events, event), append(l.nonces, nonce[:]), append(l.hashes, hashes...)
}

// Size of the log.
func (l *Log) Size() int64 { return int64(len(l.events)) }

// ReadHashes makes it a tlog.HashReader.
func (l *Log) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		out[i] = l.hashes[x]
	}
	return out, nil
}

// Checkpoint of a size, signed.
func (l *Log) Checkpoint(t testing.TB, size int64) []byte {
	t.Helper()
	root, err := tlog.TreeHash(size, l)
	if err != nil {
		t.Fatal(err)
	}
	message, err := note.Sign(&note.Note{Text: verify.Checkpoint{Origin: Origin, Size: size, Root: root}.Text()}, l.signer)
	if err != nil {
		t.Fatal(err)
	}
	return message
}

// Consistency is the best proof that the log can make.
func (l *Log) Consistency(t testing.TB, older, newer int64) []tlog.Hash {
	t.Helper()
	if older == 0 || older >= newer {
		return nil
	}
	proof, err := tlog.ProveTree(newer, older, l)
	if err != nil {
		t.Fatal(err)
	}
	return proof
}

// Receipt of an event in the whole log.
func (l *Log) Receipt(t testing.TB, index int64) verify.Receipt {
	t.Helper()
	proof, err := tlog.ProveRecord(l.Size(), index, l)
	if err != nil {
		t.Fatal(err)
	}
	return verify.Receipt{Nonce: l.nonces[index], Event: l.events[index], Index: index, Proof: proof, Checkpoint: l.Checkpoint(t, l.Size())}
}

// Trust in the log's key alone.
func (l *Log) Trust(t testing.TB) *verify.Trust {
	t.Helper()
	trust, err := verify.NewTrust([]string{l.Public}, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	return trust
}

// Export writes the whole log into a folder.
func (l *Log) Export(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, data []byte) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(verify.ExportCheckpoint, l.Checkpoint(t, l.Size()))
	for tile := range verify.Tiles(l.Size()) {
		data, err := tlog.ReadTileData(tile, l)
		if err != nil {
			t.Fatal(err)
		}
		write(verify.TilePath(tile), data)
	}
	var lines []byte
	for i := range l.events {
		line, err := json.Marshal(verify.ExportedEvent{Index: int64(i), Nonce: l.nonces[i], Event: l.events[i]})
		if err != nil {
			t.Fatal(err)
		}
		lines = append(append(lines, line...), '\n')
	}
	write(verify.ExportEvents+"/all"+verify.ExportSuffix, lines)
	return dir
}

// Handler serves checkpoint and tiles below /tlog. An unfinished tile is gone once it is finished, as
// tlog-tiles allows.
func (l *Log) Handler(t testing.TB) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /tlog/checkpoint", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(l.Checkpoint(t, l.Size())) })
	mux.HandleFunc("GET /tlog/tile/", func(w http.ResponseWriter, r *http.Request) {
		want, err := verify.ParseTilePath(strings.TrimPrefix(r.URL.Path, "/tlog/"))
		if err != nil {
			http.Error(w, "no tile", http.StatusBadRequest)
			return
		}
		for tile := range verify.Tiles(l.Size()) {
			if tile == want || tile.L == want.L && tile.N == want.N && want.W < tile.W && tile.W < verify.TileWidth {
				data, _ := tlog.ReadTileData(want, l)
				_, _ = w.Write(data)
				return
			}
		}
		http.NotFound(w, r)
	})
	return mux
}
