package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/dorsetcarerecord/dcr/internal/fault"
)

// checkLimit is how long a readiness check may take before it counts as
// failed; probes commonly give up after one second or more.
const checkLimit = 900 * time.Millisecond

var errSlow = errors.New("no answer in time")

// Readiness is whether requests should be sent to this process. It is not
// ready before Ready, nor after Drain, nor while a check fails.
type Readiness struct {
	log   *slog.Logger
	limit time.Duration

	mu     sync.Mutex
	state  string
	checks []*check
	runs   sync.WaitGroup
}

// NewReadiness makes a Readiness that is not ready yet.
func NewReadiness(log *slog.Logger) *Readiness {
	return &Readiness{log: log, limit: checkLimit, state: "starting"}
}

// Add adds a check under a name that /readyz may show, such as "database". A
// check should end when its context does; one that does not is not started a
// second time while it hangs.
func (r *Readiness) Add(name string, run func(context.Context) error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.checks = append(r.checks, &check{name: name, run: run})
}

// Ready says that the start is over.
func (r *Readiness) Ready() { r.set("") }

// Drain says that the process is going to stop. There is no way back.
func (r *Readiness) Drain() { r.set("draining") }

func (r *Readiness) set(state string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.state != "draining" {
		r.state = state
	}
}

// Failing asks all checks at the same time and gives the names of those that
// fail, sorted; "starting" or "draining" alone when that is the reason. Empty
// means ready.
func (r *Readiness) Failing(ctx context.Context) []string {
	r.mu.Lock()
	state, checks := r.state, slices.Clone(r.checks)
	r.mu.Unlock()
	if state != "" {
		return []string{state}
	}
	ctx, cancel := context.WithTimeout(ctx, r.limit)
	defer cancel()
	results := make([]<-chan struct{}, len(checks))
	for i, c := range checks {
		results[i] = r.start(c)
	}
	var failing []string
	for i, c := range checks {
		if err := c.wait(ctx, results[i]); err != nil {
			failing = append(failing, c.name)
		}
		c.report(ctx, r.log)
	}
	slices.Sort(failing)
	return failing
}

// wait waits for checks that are still running, until ctx ends.
func (r *Readiness) wait(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.runs.Wait()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("a readiness check hangs: %w", ctx.Err())
	}
}

// start runs the check unless it is running already; probes that come at the
// same time share one run.
func (r *Readiness) start(c *check) <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done != nil {
		return c.done
	}
	done := make(chan struct{})
	c.done = done
	r.runs.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), r.limit)
		defer cancel()
		err := c.run(ctx)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.err, c.done = err, nil
		close(done)
	})
	return done
}

// check is one named check and how it went last.
type check struct {
	name string
	run  func(context.Context) error

	mu     sync.Mutex
	done   chan struct{} // not nil while the check runs
	err    error
	logged bool
}

func (c *check) wait(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.err
	case <-ctx.Done():
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.done != nil {
			c.err = errSlow
		}
		return c.err
	}
}

// report logs when a check begins to fail and when it recovers.
func (c *check) report(ctx context.Context, log *slog.Logger) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if (c.err != nil) == c.logged {
		return
	}
	c.logged = c.err != nil
	if c.logged {
		log.WarnContext(ctx, "readiness check fails", "check", c.name, "cause", fault.Trail(c.err))
	} else {
		log.InfoContext(ctx, "readiness check passes again", "check", c.name)
	}
}
