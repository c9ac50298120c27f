// Package groupcommit lets appends that come at the same time share a commit: the price of a commit is
// waiting for the disk, and it is the same for one event and for two hundred. There is no artificial
// delay: while one batch is being committed the next one gathers.
package groupcommit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"go.opentelemetry.io/otel/metric"

	"github.com/dorsetcarerecord/dcr/internal/fault"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/store"
)

// ReasonUnavailable is the reason when nothing is known to be stored: ask again with the same ids.
const ReasonUnavailable = "AUDIT_UNAVAILABLE"

// retryAfter is told to those who are turned away.
const retryAfter = time.Second

// Log is where batches go; *store.Store is the real one.
type Log interface {
	Append(ctx context.Context, groups [][]store.Row) ([]store.Result, error)
}

// Limits bound what may wait, and for how long. Zero values mean the defaults.
type Limits struct {
	// Committers is the number of batches that may be on their way at once; 2 when 0. More of them make
	// smaller batches, and so more work for the same events.
	Committers int `name:"append-committers" env:"DCR_APPEND_COMMITTERS" default:"2" help:"Batches of events that are committed at the same time."`
	// Queue is the number of appends that may wait for a batch; 1024 when 0.
	Queue int `name:"append-queue" env:"DCR_APPEND_QUEUE" default:"1024" help:"Appends that may wait; more are turned away at once."`
	// BatchEvents is the number of events in a batch, but for a single append that is larger; 256 when 0.
	BatchEvents int `name:"append-batch-events" env:"DCR_APPEND_BATCH_EVENTS" default:"256" help:"Events that share a commit at most."`
	// Wait is the longest time between an append and its answer; 1.5 s when 0.
	Wait time.Duration `name:"append-wait" env:"DCR_APPEND_WAIT" default:"1500ms" help:"Longest time until an append is answered, if only by turning it away."`
}

func (l Limits) withDefaults() Limits {
	if l.Committers <= 0 {
		l.Committers = 2
	}
	if l.Queue <= 0 {
		l.Queue = 1024
	}
	if l.BatchEvents <= 0 {
		l.BatchEvents = 256
	}
	if l.Wait <= 0 {
		l.Wait = 1500 * time.Millisecond
	}
	return l
}

// Config is what a Committer needs.
type Config struct {
	Limits
	Log   Log
	Diary *slog.Logger
	Meter metric.Meter
}

// Committer gathers appends into batches. Its goroutines are those of Run.
type Committer struct {
	cfg     Config
	queue   chan *waiting
	stopped chan struct{}
	metrics metrics
}

// waiting is one append in the queue.
type waiting struct {
	ctx  context.Context // ends when nobody waits for the answer any more
	rows []store.Row
	done chan answer // holds one
}

type answer struct {
	result store.Result
	err    error
}

// New makes a Committer. It takes appends at once and commits them while Run runs.
func New(cfg Config) (*Committer, error) {
	if cfg.Log == nil || cfg.Diary == nil || cfg.Meter == nil {
		return nil, errors.New("make committer: Log, Diary and Meter are needed")
	}
	cfg.Limits = cfg.Limits.withDefaults()
	c := &Committer{cfg: cfg, queue: make(chan *waiting, cfg.Queue), stopped: make(chan struct{})}
	var err error
	if c.metrics, err = newMetrics(cfg.Meter, func() int64 { return int64(len(c.queue)) }); err != nil {
		return nil, fmt.Errorf("make committer: %w", err)
	}
	return c, nil
}

// Append stores the rows as a whole or not at all and returns when they are durable, or when there is no
// more time. It is a fault of kind Unavailable when nothing is known to be stored; a Result in conflict is
// no error.
func (c *Committer) Append(ctx context.Context, rows []store.Row) (store.Result, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Wait)
	defer cancel()
	w := &waiting{ctx: ctx, rows: rows, done: make(chan answer, 1)}
	select {
	case c.queue <- w:
	default:
		c.metrics.turnedAway.Add(ctx, 1)
		return store.Result{}, unavailable("too many appends are waiting", nil)
	}
	select {
	case a := <-w.done:
		return a.result, a.err
	case <-ctx.Done():
		return store.Result{}, unavailable("the log did not answer in time", ctx.Err())
	case <-c.stopped:
		return store.Result{}, unavailable("the log is being stopped", nil)
	}
}

// Run commits until ctx ends; it then finishes the batches that are under way. It runs once.
func (c *Committer) Run(ctx context.Context) error {
	var committers sync.WaitGroup
	for range c.cfg.Committers {
		committers.Go(func() { c.commitAll(ctx) })
	}
	committers.Wait()
	close(c.stopped)
	return nil
}

func (c *Committer) commitAll(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case first := <-c.queue:
			c.commit(c.gather(first))
		}
	}
}

// unavailable is the answer when nothing is known to be stored.
func unavailable(text string, cause error) error {
	f := fault.Unavailable(ReasonUnavailable, text).After(retryAfter)
	if cause != nil {
		return f.Because(cause)
	}
	return f
}
