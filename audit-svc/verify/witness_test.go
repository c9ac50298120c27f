package verify_test

import (
	"errors"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

// TestJudge is C2SP tlog-witness, answer by answer.
func TestJudge(t *testing.T) {
	t.Parallel()
	m, other := newMemory(t, "a", 30), newMemory(t, "b", 30)
	at := func(n int64) verify.Checkpoint { return m.checkpoint(t, n) }
	var none verify.Checkpoint
	for name, tt := range map[string]struct {
		last, next verify.Checkpoint
		old        int64
		proof      []tlog.Hash
		want       verify.Ruling
		status     int
	}{
		"first":                  {none, at(20), 0, nil, verify.Accept, 200},
		"first, empty":           {none, at(0), 0, nil, verify.Accept, 200},
		"grown":                  {at(20), at(30), 20, m.consistency(t, 20, 30), verify.Accept, 200},
		"the same again":         {at(20), at(20), 20, nil, verify.Accept, 200},
		"after the empty log":    {at(0), at(9), 0, nil, verify.Accept, 200},
		"asks what we know":      {at(20), at(30), 0, nil, verify.OutOfStep, 409},
		"knows an older one":     {at(20), at(30), 10, m.consistency(t, 10, 30), verify.OutOfStep, 409},
		"knows more than we":     {at(20), at(30), 25, m.consistency(t, 25, 30), verify.OutOfStep, 409},
		"old larger than new":    {at(20), at(30), 31, nil, verify.Malformed, 400},
		"set back":               {at(20), at(10), 0, nil, verify.Rollback, 409},
		"set back, old as known": {at(20), at(10), 20, nil, verify.Rollback, 400},
		"same size, other root":  {at(20), other.checkpoint(t, 20), 20, nil, verify.Fork, 409},
		"fork, old unknown":      {at(20), other.checkpoint(t, 20), 0, nil, verify.Fork, 409},
		"rewritten and grown":    {at(20), other.checkpoint(t, 30), 20, other.consistency(t, 20, 30), verify.Inconsistent, 422},
		"without proof":          {at(20), at(30), 20, nil, verify.Inconsistent, 422},
		"needless proof":         {none, at(20), 0, []tlog.Hash{{}}, verify.Inconsistent, 422},
	} {
		got, status := verify.Judge(tt.last, tt.next, verify.Submission{Old: tt.old, Proof: tt.proof})
		if got != tt.want || status != tt.status {
			t.Errorf("%s: %v %d, want %v %d", name, got, status, tt.want, tt.status)
		}
		if got.Alarming() != (got == verify.Rollback || got == verify.Fork || got == verify.Inconsistent) {
			t.Errorf("%s: alarming %v", name, got.Alarming())
		}
	}
}

// TestWitnessAcceptsOneHistory sends a witness random checkpoints of two histories that part somewhere, with
// the best proofs that either can make: all that it ever accepts lies on one of them.
func TestWitnessAcceptsOneHistory(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		trunk := newMemory(t, "trunk", rapid.IntRange(1, 60).Draw(t, "size"))
		parts := rapid.IntRange(0, int(trunk.size())-1).Draw(t, "parts at")
		fork := trunk.branch(t, parts)
		for fork.size() < trunk.size() {
			fork.add(t, "fork"+string(number(uint64(fork.size()))))
		}
		var last verify.Checkpoint
		var accepted []verify.Checkpoint
		for range rapid.IntRange(1, 12).Draw(t, "tries") {
			m := rapid.SampledFrom([]*memory{trunk, fork}).Draw(t, "history")
			size := rapid.Int64Range(0, m.size()).Draw(t, "to")
			s := verify.Submission{Old: rapid.SampledFrom([]int64{last.Size, 0, size}).Draw(t, "old")}
			if s.Old <= size {
				s.Proof = m.consistency(t, s.Old, size)
			}
			if r, _ := verify.Judge(last, m.checkpoint(t, size), s); r == verify.Accept {
				last = m.checkpoint(t, size)
				accepted = append(accepted, last)
			}
		}
		if !lieOn(t, accepted, trunk) && !lieOn(t, accepted, fork) {
			t.Fatalf("accepted %d checkpoints of two histories", len(accepted))
		}
	})
}

func lieOn(t fatal, all []verify.Checkpoint, m *memory) bool {
	for i, c := range all {
		if c.Root != m.checkpoint(t, c.Size).Root || i > 0 && c.Size < all[i-1].Size {
			return false
		}
	}
	return true
}

func TestSubmission(t *testing.T) {
	t.Parallel()
	m, log := newMemory(t, "a", 30), logKeys(t)
	s := verify.Submission{Old: 11, Proof: m.consistency(t, 11, 30), Checkpoint: sign(t, m.checkpoint(t, 30), log)}
	back, err := verify.ParseSubmission(s.Format())
	if err != nil || string(back.Format()) != string(s.Format()) || verify.OriginOf(back.Checkpoint) != origin {
		t.Errorf("%+v, %v", back, err)
	}
	good := string(s.Format())
	for name, text := range map[string]string{
		"empty":           "",
		"no old":          strings.Replace(good, "old 11", "new 11", 1),
		"odd old":         strings.Replace(good, "old 11", "old 011", 1),
		"no checkpoint":   good[:strings.Index(good, "\n\n")+2],
		"no hash":         strings.Replace(good, "old 11\n", "old 11\nhash\n", 1),
		"too many hashes": "old 1\n" + strings.Repeat("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n", 64) + "\nx",
		"too large":       good + strings.Repeat("x", verify.MaxSubmission),
	} {
		if s, err := verify.ParseSubmission([]byte(text)); !errors.Is(err, verify.ErrSubmission) {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
}
