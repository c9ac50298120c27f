package sequencer_test

import (
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/sequencer"
)

// fences are the keys that keep two sequencers from making two trees.
var fences = []string{
	"ALTER TABLE leaf DROP CONSTRAINT leaf_pkey",
	"ALTER TABLE leaf DROP CONSTRAINT leaf_event",
	"ALTER TABLE tile DROP CONSTRAINT tile_pkey",
	"ALTER TABLE tree_head DROP CONSTRAINT tree_head_once",
	"ALTER TABLE tree_head DROP CONSTRAINT tree_head_after",
	"ALTER TABLE checkpoint DROP CONSTRAINT checkpoint_head",
	"ALTER TABLE tree_head DROP CONSTRAINT tree_head_pkey",
}

// frozen is a clock that stops a sequencer which asks it for the time, as SIGSTOP stops a process, from freeze
// until thaw: in the one place where it has read which events wait, and has not written yet.
type frozen struct {
	mu   sync.Mutex
	gate chan struct{}
	held chan struct{}
}

func (f *frozen) freeze() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.gate, f.held = make(chan struct{}), make(chan struct{}, 100)
}

func (f *frozen) thaw() {
	f.mu.Lock()
	defer f.mu.Unlock()
	close(f.gate)
	f.gate = nil
}

func (f *frozen) now() time.Time {
	f.mu.Lock()
	gate, held := f.gate, f.held
	f.mu.Unlock()
	if gate != nil && asksIn("(*term).grow") {
		held <- struct{}{}
		<-gate
	}
	return time.Now()
}

// asksIn tells whether the clock was asked by that method.
func asksIn(method string) bool {
	callers := make([]uintptr, 4)
	frames := runtime.CallersFrames(callers[:runtime.Callers(3, callers)])
	for {
		frame, more := frames.Next()
		if strings.HasSuffix(frame.Function, method) {
			return true
		}
		if !more {
			return false
		}
	}
}

// twoForced lets two sequencers, each elected by a lock of its own, work on one log: the first one is frozen
// with a group in its hands while the second one goes on, and wakes up late.
func twoForced(t *testing.T, s *scene, rounds int) {
	t.Helper()
	clock := &frozen{}
	first, stopFirst := s.sequence(func(c *sequencer.Config) { c.Lock, c.Now, c.Sweep, c.Step = 1, clock.now, time.Hour, time.Minute })
	s.await("the first one's election", first.Leads)
	want := int64(0)
	for range rounds {
		clock.freeze()
		s.append(3, true)
		want += 3
		<-clock.held
		second, stopSecond := s.sequence(func(c *sequencer.Config) { c.Lock, c.Sweep = 2, time.Hour })
		s.await("the second one's election", second.Leads)
		s.append(2, true)
		want += 2
		s.awaitSize(want)
		stopSecond()
		clock.thaw()
		s.append(1, true)
		want++
		// Without the fence the sleeper writes three events that have a place each a second time.
		s.await("the sleeper's end", func() bool { return s.size() >= want || ask[int64](s, `SELECT count(*) FROM leaf`) > want })
	}
	stopFirst()
}

// TestSleeperLoses: a sequencer that sleeps over the growth of the tree conflicts and loses, and the tree
// has neither a fork nor a gap. Without the keys that fence it, the same run ends in a fork: the test
// would see one.
func TestSleeperLoses(t *testing.T) {
	t.Parallel()
	for name, fenced := range map[string]bool{"fenced": true, "without fence": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			if !fenced {
				for _, text := range fences {
					s.owner(text)
				}
			}
			rounds := 1
			if fenced {
				rounds = 4
			}
			twoForced(t, s, rounds)
			faults := treeFaults(t, s.h.Owner, true)
			if fenced && (len(faults) > 0 || !strings.Contains(s.diary.String(), "another sequencer has grown the tree")) {
				t.Errorf("%v; the log says:\n%s", faults, s.diary)
			}
			if !fenced && len(faults) == 0 {
				t.Error("no fork without the fence: this test proves nothing")
			}
		})
	}
}

// TestTwoAtOnce: two sequencers that both believe to be elected race under load. One of them loses each time;
// the tree is as one alone would have made it.
func TestTwoAtOnce(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	// Clocks are five minutes apart on either side, and decide nothing.
	for i, skew := range []time.Duration{5 * time.Minute, -5 * time.Minute} {
		s.sequence(func(c *sequencer.Config) {
			c.Lock, c.Group = int64(i+1), 20
			c.Now = func() time.Time { return time.Now().Add(skew) }
		})
	}
	var writers sync.WaitGroup
	for range 3 {
		writers.Go(func() { s.append(120, false) })
	}
	writers.Wait()
	s.awaitSize(360)
	s.awaitSigned()
	s.wantTree()
}

// TestFrozenLeaderIsReplaced: the database ends the session of a leader that is silent, and another replica
// takes over within seconds; the late one finds its session gone, and stands again.
func TestFrozenLeaderIsReplaced(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	clock := &frozen{}
	first, _ := s.sequence(func(c *sequencer.Config) { c.Now, c.Idle = clock.now, time.Second })
	s.await("the first one's election", first.Leads)
	second, _ := s.sequence(func(c *sequencer.Config) { c.Idle = time.Second })
	s.append(1, true)
	s.awaitSize(1)
	if second.Leads() {
		t.Fatal("two are elected")
	}
	clock.freeze()
	s.append(3, true)
	<-clock.held
	began := time.Now()
	s.awaitSize(4)
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("taken over after %s", took)
	}
	if !second.Leads() {
		t.Error("the tree grew, and nobody else was elected")
	}
	clock.thaw()
	s.await("the late one's end", func() bool { return !first.Leads() })
	s.append(2, true)
	s.awaitSize(6)
	s.wantTree()
}

// TestKilledSessionIsReplaced: the loss of the connection costs a second, and no event.
func TestKilledSessionIsReplaced(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.sequence(nil)
	s.sequence(nil)
	for round := range int64(4) {
		s.append(5, false)
		s.awaitSize(5 * (round + 1))
		s.super(`SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`)
	}
	s.append(5, false)
	s.awaitSize(25)
	s.wantTree()
}
