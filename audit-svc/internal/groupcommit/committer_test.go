package groupcommit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/metric/noop"

	"github.com/dorsetcarerecord/dcr/internal/fault"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/store"
)

// gatedLog stores nothing until it is let through, and counts its commits. A row named "bad" fails its
// whole batch, as a constraint of the database would.
type gatedLog struct {
	gate    chan struct{} // closed lets all commits through
	entered chan struct{} // gets a value when a commit begins
	down    bool

	mu      sync.Mutex
	commits [][]string
}

func (g *gatedLog) Append(ctx context.Context, groups [][]store.Row) ([]store.Result, error) {
	g.entered <- struct{}{}
	select {
	case <-g.gate:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if g.down {
		return nil, fault.Unavailable("DATABASE_UNAVAILABLE", "down")
	}
	var ids []string
	results := make([]store.Result, len(groups))
	for i, group := range groups {
		for _, row := range group {
			if row.ID == "bad" {
				return nil, errors.New("a constraint")
			}
			ids = append(ids, row.ID)
			results[i].Leaves = append(results[i].Leaves, store.Leaf{ID: row.ID})
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.commits = append(g.commits, ids)
	return results, nil
}

func newLog() *gatedLog {
	return &gatedLog{gate: make(chan struct{}), entered: make(chan struct{}, 1000)}
}

func (g *gatedLog) batches() [][]string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.commits
}

// run runs a committer on the log until the test ends.
func run(t *testing.T, log *gatedLog, limits Limits) *Committer {
	t.Helper()
	limits.Committers = 1
	c, err := New(Config{Limits: limits, Log: log,
		Diary: slog.New(slog.DiscardHandler), Meter: noop.NewMeterProvider().Meter("")})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return c
}

// appendAll appends one event per id side by side and gives the answers.
func appendAll(t *testing.T, c *Committer, ids ...string) map[string]error {
	t.Helper()
	var mu sync.Mutex
	var all sync.WaitGroup
	answers := map[string]error{}
	for _, id := range ids {
		all.Go(func() {
			result, err := c.Append(t.Context(), []store.Row{{ID: id}})
			if err == nil && result.Leaves[0].ID != id {
				err = fmt.Errorf("answered %s", result.Leaves[0].ID)
			}
			mu.Lock()
			defer mu.Unlock()
			answers[id] = err
		})
	}
	all.Wait()
	return answers
}

func names(n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("event-%d", i)
	}
	return ids
}

// occupied lets one event reach the log and stay there, lets the others queue up behind it, and then opens
// the log. It gives the answers of the others.
func occupied(t *testing.T, c *Committer, log *gatedLog, ids ...string) map[string]error {
	t.Helper()
	first := make(chan error, 1)
	go func() {
		_, err := c.Append(context.Background(), []store.Row{{ID: "first"}})
		first <- err
	}()
	<-log.entered
	answers := make(chan map[string]error, 1)
	go func() { answers <- appendAll(t, c, ids...) }()
	for len(c.queue) < len(ids) {
		time.Sleep(time.Millisecond)
	}
	close(log.gate)
	if err := <-first; err != nil {
		t.Errorf("first: %v", err)
	}
	return <-answers
}

// TestWaitingAppendsShareACommit: what comes while a batch is being committed is one batch.
func TestWaitingAppendsShareACommit(t *testing.T) {
	t.Parallel()
	log := newLog()
	c := run(t, log, Limits{Wait: time.Minute})
	for id, err := range occupied(t, c, log, names(64)...) {
		if err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
	if commits := log.batches(); len(commits) != 2 || len(commits[1]) != 64 {
		t.Errorf("%d commits, want the first and one for all that waited", len(commits))
	}
}

// TestBatchIsBounded: more than fit into one batch go into the next.
func TestBatchIsBounded(t *testing.T) {
	t.Parallel()
	log := newLog()
	c := run(t, log, Limits{Wait: time.Minute, BatchEvents: 10})
	occupied(t, c, log, names(64)...)
	for _, commit := range log.batches() {
		if len(commit) > 10 {
			t.Errorf("%d events in one commit, want 10 at most", len(commit))
		}
	}
}

// TestOneBadNeighbour: an event that the database refuses fails alone, and all others are stored.
func TestOneBadNeighbour(t *testing.T) {
	t.Parallel()
	log := newLog()
	c := run(t, log, Limits{Wait: time.Minute})
	answers := occupied(t, c, log, append(names(16), "bad")...)
	for id, err := range answers {
		if (err != nil) != (id == "bad") {
			t.Errorf("%s: %v", id, err)
		}
	}
	if got := fault.ReasonOf(answers["bad"]); got != fault.ReasonInternal {
		t.Errorf("the bad one is told %s", got)
	}
}

// TestFullQueueTurnsAway: with too many waiting, the next is told so at once, and when to come again.
func TestFullQueueTurnsAway(t *testing.T) {
	t.Parallel()
	log := newLog()
	c := run(t, log, Limits{Queue: 4, Wait: 3 * time.Second}) // longer than starting 32 callers takes on a busy machine
	began := time.Now()
	turnedAway := 0
	first := make(chan error, 1)
	go func() {
		_, err := c.Append(context.Background(), []store.Row{{ID: "first"}})
		first <- err
	}()
	<-log.entered // from now on the committer is at work and takes nobody out of the queue
	for id, err := range appendAll(t, c, names(32)...) {
		f := fault.FromStatus(err)
		if f == nil || f.Kind != fault.KindUnavailable || f.Reason != "AUDIT_UNAVAILABLE" || f.RetryAfter <= 0 {
			t.Errorf("%s: %v, want AUDIT_UNAVAILABLE and when to ask again", id, err)
		}
		if f != nil && f.Text == "too many appends are waiting" {
			turnedAway++
		}
	}
	if turnedAway != 32-4 {
		t.Errorf("%d of 32 were turned away at once, want 28: four may wait", turnedAway)
	}
	if err := <-first; err == nil {
		t.Error("the first was stored by a log that answers nobody")
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("answers took %v", took)
	}
}

// TestDatabaseDown: all are told that nothing is known to be stored, and nobody is tried one by one.
func TestDatabaseDown(t *testing.T) {
	t.Parallel()
	log := newLog()
	log.down = true
	close(log.gate)
	c := run(t, log, Limits{})
	for id, err := range appendAll(t, c, names(8)...) {
		if fault.ReasonOf(err) != "AUDIT_UNAVAILABLE" {
			t.Errorf("%s: %v", id, err)
		}
	}
}

// TestSameEventTwiceInABatch: the second copy comes after the first, to be compared with it.
func TestSameEventTwiceInABatch(t *testing.T) {
	t.Parallel()
	log := newLog()
	c := run(t, log, Limits{Wait: time.Minute})
	if err := occupied(t, c, log, "same", "same")["same"]; err != nil {
		t.Error(err)
	}
	for _, commit := range log.batches() {
		if len(commit) > 1 {
			t.Errorf("both copies are in one commit: %v", commit)
		}
	}
}
