package verify_test

import (
	"errors"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

// TestInclusion: a proof holds for its leaf, index and tree, and for no other.
func TestInclusion(t *testing.T) {
	t.Parallel()
	m := newMemory(t, "a", 600)
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.Int64Range(1, m.size()).Draw(t, "size")
		index := rapid.Int64Range(0, size-1).Draw(t, "index")
		c, proof := m.checkpoint(t, size), m.inclusion(t, size, index)
		if err := verify.CheckInclusion(c, index, m.leaf(index), proof); err != nil {
			t.Fatalf("true proof: %v", err)
		}
		leaf := m.leaf(index)
		switch rapid.SampledFrom([]string{"leaf", "index", "size", "hash", "longer", "shorter", "root"}).Draw(t, "wrong") {
		case "leaf":
			leaf = flip(t, leaf)
		case "index":
			other := rapid.Int64Range(-1, size).Draw(t, "other")
			if other == index {
				return
			}
			index = other
		case "size":
			c.Size = rapid.SampledFrom([]int64{0, -1, index, verify.MaxSize + 1, 1 << 62}).Draw(t, "bad size")
		case "hash":
			if len(proof) == 0 {
				return
			}
			i := rapid.IntRange(0, len(proof)-1).Draw(t, "i")
			proof[i] = flip(t, proof[i])
		case "longer":
			proof = append(proof, m.leaf(0))
		case "shorter":
			if len(proof) == 0 {
				return
			}
			proof = proof[1:]
		case "root":
			c.Root = flip(t, c.Root)
		}
		if err := verify.CheckInclusion(c, index, leaf, proof); !errors.Is(err, verify.ErrInclusion) {
			t.Fatalf("false proof: %v", err)
		}
	})
}

// TestConsistency: a log that grew can show it; one that changed anything that was there cannot.
func TestConsistency(t *testing.T) {
	t.Parallel()
	m := newMemory(t, "a", 600)
	rapid.Check(t, func(t *rapid.T) {
		newer := rapid.Int64Range(0, m.size()).Draw(t, "newer")
		older := rapid.Int64Range(0, newer).Draw(t, "older")
		a, b, proof := m.checkpoint(t, older), m.checkpoint(t, newer), m.consistency(t, older, newer)
		if err := verify.CheckConsistency(a, b, proof); err != nil {
			t.Fatalf("true proof %d to %d: %v", older, newer, err)
		}
		if older == 0 {
			return
		}
		if err := verify.CheckConsistency(verify.Checkpoint{Origin: origin, Size: older, Root: flip(t, a.Root)}, b, proof); err == nil {
			t.Fatalf("another past was believed, %d to %d", older, newer)
		}
		if err := verify.CheckConsistency(a, verify.Checkpoint{Origin: origin, Size: newer, Root: flip(t, b.Root)}, proof); err == nil {
			t.Fatalf("another present was believed, %d to %d", older, newer)
		}
	})
}

// TestForkCannotProve: no proof that a branched log can make connects it with what was seen before.
func TestForkCannotProve(t *testing.T) {
	t.Parallel()
	m := newMemory(t, "a", 300)
	rapid.Check(t, func(t *rapid.T) {
		at := rapid.IntRange(0, 299).Draw(t, "branches at")
		seen := rapid.Int64Range(int64(at)+1, 300).Draw(t, "seen")
		fork := m.branch(t, at)
		for range rapid.IntRange(int(seen)-at, 350-at).Draw(t, "more") {
			fork.add(t, "fork"+string(number(uint64(fork.size()))))
		}
		err := verify.CheckConsistency(m.checkpoint(t, seen), fork.checkpoint(t, fork.size()), fork.consistency(t, seen, fork.size()))
		if !errors.Is(err, verify.ErrConsistency) && !errors.Is(err, verify.ErrFork) {
			t.Fatalf("a fork at %d passed after %d: %v", at, seen, err)
		}
	})
}

// TestConsistencyNames: which way a log went wrong is told apart.
func TestConsistencyNames(t *testing.T) {
	t.Parallel()
	m, other := newMemory(t, "a", 20), newMemory(t, "b", 20)
	stranger := m.checkpoint(t, 20)
	stranger.Origin = "other.example"
	for name, tt := range map[string]struct {
		older, newer verify.Checkpoint
		proof        []tlog.Hash
		want         error
	}{
		"smaller":           {m.checkpoint(t, 20), m.checkpoint(t, 19), nil, verify.ErrRollback},
		"same size":         {m.checkpoint(t, 20), other.checkpoint(t, 20), nil, verify.ErrFork},
		"another log":       {m.checkpoint(t, 10), stranger, m.consistency(t, 10, 20), verify.ErrConsistency},
		"needless proof":    {m.checkpoint(t, 20), m.checkpoint(t, 20), []tlog.Hash{{}}, verify.ErrConsistency},
		"proof of nothing":  {m.checkpoint(t, 0), m.checkpoint(t, 20), []tlog.Hash{{}}, verify.ErrConsistency},
		"proof is missing":  {m.checkpoint(t, 10), m.checkpoint(t, 20), nil, verify.ErrConsistency},
		"size beyond limit": {m.checkpoint(t, 10), verify.Checkpoint{Origin: origin, Size: 1 << 62}, m.consistency(t, 10, 20), verify.ErrConsistency},
	} {
		if err := verify.CheckConsistency(tt.older, tt.newer, tt.proof); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
}

// flip changes one bit.
func flip(t *rapid.T, h tlog.Hash) tlog.Hash {
	h[rapid.IntRange(0, len(h)-1).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
	return h
}
