package tree_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/tree"
)

func TestParseSnapshot(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]tree.Snapshot{
		"1:1:":                             {Next: 1},
		"10:20:10,14":                      {Next: 20, Open: []uint64{10, 14}},
		"10:20:12":                         {Next: 20, Open: []uint64{12}},
		"4294967297:4294967299:4294967297": {Next: 1<<32 + 3, Open: []uint64{1<<32 + 1}},
	} {
		got, err := tree.ParseSnapshot(text)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v %s", text, err, diff)
		}
	}
	for _, text := range []string{"", "1", "1:2", "a:2:", "1:b:", "0:1:", "3:2:", "1:5:c", "1:5:5", "2:5:1", "1:5:3,3", "1:5:4,3", "1:5:3,", "-1:5:"} {
		if _, err := tree.ParseSnapshot(text); !errors.Is(err, tree.ErrSnapshot) {
			t.Errorf("%q: %v, want ErrSnapshot", text, err)
		}
	}
}

func TestUnseen(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		seen, now string
		want      []tree.Span
	}{
		"nothing new":           {"7:7:", "7:7:", nil},
		"new ones":              {"7:7:", "9:9:", []tree.Span{{7, 9}}},
		"an old one finished":   {"3:7:3,5", "5:7:5", []tree.Span{{3, 4}}},
		"neighbours finished":   {"3:7:3,4,5", "7:8:", []tree.Span{{3, 6}, {7, 8}}},
		"an old one is running": {"3:7:3", "3:9:3,8", []tree.Span{{7, 9}}},
	} {
		seen, _ := tree.ParseSnapshot(c.seen)
		now, _ := tree.ParseSnapshot(c.now)
		got, err := tree.Unseen(seen, now)
		if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v %s", name, err, diff)
		}
	}
	if _, err := tree.Unseen(tree.Snapshot{Next: 9}, tree.Snapshot{Next: 8}); !errors.Is(err, tree.ErrWentBack) {
		t.Errorf("numbers went back: %v", err)
	}
}

// server is a database as far as the sequencer can tell: transactions begin, store events, and end in any
// order, some of them never with success.
type server struct {
	next    uint64
	running []uint64
	stored  map[uint64]int // committed events by transaction
}

func (s *server) begin() {
	s.running = append(s.running, s.next)
	s.next++
}

// end ends one of those that run; n events of it become visible.
func (s *server) end(which, n int) {
	x := s.running[which]
	s.running = slices.Delete(s.running, which, which+1)
	if n > 0 {
		s.stored[x] = n
	}
}

func (s *server) snapshot() tree.Snapshot {
	return tree.Snapshot{Next: s.next, Open: slices.Clone(s.running)}
}

// taker is a sequencer with room for group events in a round. After a crash it knows only what it had kept.
type taker struct {
	seen  tree.Snapshot
	taken map[uint64]int
	group int
}

// round takes what it finds, in order, and stops where the group is full.
func (k *taker) round(s *server) {
	now, err := tree.ParseSnapshot(s.snapshot().String())
	if err != nil {
		panic(err)
	}
	spans, err := tree.Unseen(k.seen, now)
	if err != nil {
		panic(err)
	}
	room := k.group
	for _, span := range spans {
		for x := span.From; x < span.To; x++ {
			open := s.stored[x] - k.taken[x]
			k.taken[x] += min(open, room)
			room -= min(open, room)
			if room == 0 {
				k.seen = tree.AdvanceTo(k.seen, now, x)
				return
			}
		}
	}
	k.seen = now
}

// TestNothingIsLost: whatever order transactions begin and end in, however small the groups, every event is
// taken, and what counts as seen is taken.
func TestNothingIsLost(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := &server{next: rapid.Uint64Range(3, 10).Draw(t, "first"), stored: map[uint64]int{}}
		k := &taker{seen: tree.Snapshot{Next: 1}, taken: map[uint64]int{}, group: rapid.IntRange(1, 5).Draw(t, "group")}
		t.Repeat(map[string]func(*rapid.T){
			"begin": func(*rapid.T) { s.begin() },
			"end": func(t *rapid.T) {
				if len(s.running) > 0 {
					s.end(rapid.IntRange(0, len(s.running)-1).Draw(t, "which"), rapid.IntRange(0, 4).Draw(t, "events"))
				}
			},
			"take": func(*rapid.T) { k.round(s) },
			"": func(t *rapid.T) {
				for x, n := range s.stored {
					if k.seen.Finished(x) && k.taken[x] != n {
						t.Fatalf("transaction %d counts as seen with %d of %d events", x, k.taken[x], n)
					}
				}
			},
		})
		for len(s.running) > 0 {
			s.end(0, 1)
		}
		total := 0
		for _, n := range s.stored {
			total += n
		}
		for range total/k.group + 2*len(s.stored) + 2 {
			k.round(s)
		}
		for x, n := range s.stored {
			if k.taken[x] != n {
				t.Fatalf("transaction %d: %d of %d events were taken", x, k.taken[x], n)
			}
		}
	})
}
