package verify_test

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

const origin = "audit.example/log"

// now of every test.
var now = time.Unix(1_790_000_000, 0).UTC()

// fatal is what a test and a check of a property have in common.
type fatal interface {
	Fatalf(format string, args ...any)
}

// memory is a log in memory: its events, and every hash of its tree as package tlog stores them.
type memory struct {
	events [][]byte
	nonces [][]byte
	hashes []tlog.Hash
}

// newMemory is a log of n events; seed tells logs apart.
func newMemory(t fatal, seed string, n int) *memory {
	m := &memory{}
	for i := range n {
		m.add(t, fmt.Sprintf("%s event %d", seed, i))
	}
	return m
}

// branch is another log with the same first n events.
func (m *memory) branch(t fatal, n int) *memory {
	b := &memory{}
	for i := range n {
		b.addLeaf(t, m.nonces[i], m.events[i])
	}
	return b
}

func (m *memory) add(t fatal, event string) {
	nonce := sha256.Sum256([]byte("nonce of " + event))
	m.addLeaf(t, nonce[:], []byte(event))
}

func (m *memory) addLeaf(t fatal, nonce, event []byte) {
	leaf, err := verify.LeafHash(nonce, event)
	if err != nil {
		t.Fatalf("leaf: %v", err)
	}
	hashes, err := tlog.StoredHashesForRecordHash(int64(len(m.events)), leaf, m)
	if err != nil {
		t.Fatalf("hashes: %v", err)
	}
	m.events, m.nonces, m.hashes = append(m.events, event), append(m.nonces, nonce), append(m.hashes, hashes...)
}

// ReadHashes makes memory a tlog.HashReader.
func (m *memory) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		out[i] = m.hashes[x]
	}
	return out, nil
}

func (m *memory) size() int64 { return int64(len(m.events)) }

func (m *memory) leaf(i int64) tlog.Hash { return m.hashes[tlog.StoredHashIndex(0, i)] }

func (m *memory) checkpoint(t fatal, size int64) verify.Checkpoint {
	root, err := tlog.TreeHash(size, m)
	if err != nil {
		t.Fatalf("root: %v", err)
	}
	return verify.Checkpoint{Origin: origin, Size: size, Root: root}
}

func (m *memory) inclusion(t fatal, size, index int64) []tlog.Hash {
	p, err := tlog.ProveRecord(size, index, m)
	if err != nil {
		t.Fatalf("prove inclusion: %v", err)
	}
	return p
}

// consistency is empty where nothing needs to be shown.
func (m *memory) consistency(t fatal, older, newer int64) []tlog.Hash {
	if older == 0 || older == newer {
		return nil
	}
	p, err := tlog.ProveTree(newer, older, m)
	if err != nil {
		t.Fatalf("prove consistency: %v", err)
	}
	return p
}

// tile gives the content of a tile, as a server would.
func (m *memory) tile(t tlog.Tile) ([]byte, error) { return tlog.ReadTileData(t, m) }

// keys of a log or of a witness.
type keys struct{ private, public string }

func logKeys(t fatal) keys {
	private, public, err := verify.GenerateLogKey(rand.Reader, origin)
	if err != nil {
		t.Fatalf("key: %v", err)
	}
	return keys{private, public}
}

func witnessKeys(t fatal, name string) keys {
	private, public, err := verify.GenerateWitnessKey(rand.Reader, name)
	if err != nil {
		t.Fatalf("key: %v", err)
	}
	return keys{private, public}
}

// sign makes a signed checkpoint.
func sign(t fatal, c verify.Checkpoint, by ...keys) []byte {
	signers := make([]note.Signer, len(by))
	for i, k := range by {
		var err error
		if signers[i], err = note.NewSigner(k.private); err != nil {
			t.Fatalf("signer: %v", err)
		}
	}
	msg, err := note.Sign(&note.Note{Text: c.Text()}, signers...)
	if err != nil {
		t.Fatalf("sign: %v", err)
	}
	return msg
}

// cosign adds a witness's line.
func cosign(t fatal, message []byte, c verify.Checkpoint, by keys) []byte {
	w, err := verify.NewCosigner(by.private)
	if err != nil {
		t.Fatalf("cosigner: %v", err)
	}
	line, err := w.Cosign(c.Text(), now)
	if err != nil {
		t.Fatalf("cosign: %v", err)
	}
	return append(message[:len(message):len(message)], line...)
}

func trust(t fatal, log []keys, witnesses []keys, quorum int) *verify.Trust {
	public := func(all []keys) (out []string) {
		for _, k := range all {
			out = append(out, k.public)
		}
		return out
	}
	made, err := verify.NewTrust(public(log), public(witnesses), quorum)
	if err != nil {
		t.Fatalf("trust: %v", err)
	}
	return made
}

// number in eight bytes, to make events that differ.
func number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }
