package life

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/dorsetcarerecord/dcr/internal/fault"
)

// forcedLimit is how long a step may take after a second signal.
const forcedLimit = time.Second

// stage is one step of stopping and how long it may take.
type stage struct {
	name  string
	limit time.Duration
	do    func(context.Context) error
}

// stages is the order in which a process stops. Each step starts when the one
// before it is over or has used up its time; none is left out, whatever failed
// before.
//
//  1. not serving: readiness and health say so, and callers begin to go elsewhere.
//  2. drain delay: calls are still answered until the callers have noticed.
//  3. servers: no new calls; those under way finish, or are cut off at the limit.
//  4. workers: the outbox stops between two deliveries. After the servers, since
//     calls wait for deliveries.
//  5. flush: what others must learn from us and is still here.
//  6. close: the database; nobody uses it any more.
//  7. operators' listener: until here it answered probes.
//  8. telemetry: last, since all the others have something to tell.
func (r *running) stages() []stage {
	return []stage{
		{"not serving", r.StepLimit, r.notServing},
		{"drain delay", r.DrainDelay + r.StepLimit, r.drainDelay},
		{"servers", r.GraceLimit, r.stopServers},
		{"workers", r.StepLimit, r.endWorkers},
		{"flush", r.StepLimit, func(ctx context.Context) error { return inOrder(ctx, r.Flush) }},
		{"close", r.StepLimit, func(ctx context.Context) error { return inOrder(ctx, r.Close) }},
		{"operators' listener", r.StepLimit, r.stopOps},
		{"telemetry", r.StepLimit, r.stopTelemetry},
	}
}

// stop goes through the stages. A second signal ends every context at once, so
// that the remaining stages are still tried, each for a moment.
func (r *running) stop(signals <-chan os.Signal) error {
	forced, force := context.WithCancelCause(context.Background())
	defer force(nil)
	watch, unwatch := context.WithCancel(forced)
	var watcher sync.WaitGroup
	watcher.Go(func() {
		select {
		case <-signals:
			force(ErrForced)
		case <-watch.Done():
		}
	})
	var errs []error
	for _, s := range r.stages() {
		if err := r.within(forced, s); err != nil {
			errs = append(errs, fmt.Errorf("stop: %s: %w", s.name, err))
		}
	}
	unwatch()
	watcher.Wait()
	if forced.Err() != nil {
		errs = append(errs, ErrForced)
	}
	r.Log.Info("stopped", "clean", len(errs) == 0)
	return errors.Join(errs...)
}

// within runs a stage and gives up on one that does not heed its context.
func (r *running) within(forced context.Context, s stage) error {
	ctx, cancel := context.WithTimeout(forced, s.limit)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- s.do(ctx) }()
	var err error
	select {
	case err = <-done:
	case <-ctx.Done():
		err = lastCall(done)
	}
	if err != nil {
		r.Log.Warn("a step of stopping failed", "step", s.name, "cause", fault.Trail(err))
	}
	return err
}

// lastCall gives a stage whose time is over the time to notice that.
func lastCall(done <-chan error) error {
	t := time.NewTimer(forcedLimit)
	defer t.Stop()
	select {
	case err := <-done:
		return err
	case <-t.C:
		return errors.New("did not end in time")
	}
}

func (r *running) notServing(context.Context) error {
	for _, tell := range r.NotServing {
		tell()
	}
	return nil
}

func (r *running) drainDelay(ctx context.Context) error {
	t := time.NewTimer(r.DrainDelay)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
	return nil
}

func (r *running) stopServers(ctx context.Context) error {
	errs := make([]error, len(r.Servers))
	var all sync.WaitGroup
	for i, s := range r.Servers {
		all.Go(func() { errs[i] = errors.Join(s.Stop(ctx), await(ctx, r.servers[i])) })
	}
	all.Wait()
	return errors.Join(errs...)
}

func (r *running) endWorkers(ctx context.Context) error {
	r.stopWorkers()
	var errs []error
	for _, w := range r.workers {
		if err := await(ctx, w); err != nil && !errors.Is(err, context.Canceled) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func (r *running) stopOps(ctx context.Context) error {
	if r.ops == nil {
		return nil
	}
	return errors.Join(r.Ops.Stop(ctx), await(ctx, r.ops))
}

func (r *running) stopTelemetry(ctx context.Context) error {
	if r.Telemetry == nil {
		return nil
	}
	return r.Telemetry(ctx)
}

func inOrder(ctx context.Context, steps []Step) error {
	var errs []error
	for _, s := range steps {
		if err := s.Do(ctx); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", s.Name, err))
		}
	}
	return errors.Join(errs...)
}

// await waits for a part that was told to end. When the time is over, or was
// cut to nothing by a second signal, it still gets a moment to notice.
func await(ctx context.Context, p *part) error {
	select {
	case <-p.done:
		return p.result()
	case <-ctx.Done():
	}
	t := time.NewTimer(forcedLimit / 2)
	defer t.Stop()
	select {
	case <-p.done:
		return p.result()
	case <-t.C:
		return fmt.Errorf("%s did not end in time", p.name)
	}
}

func (p *part) result() error {
	if p.err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", p.name, p.err)
}
