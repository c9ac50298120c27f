// Package life starts and stops a process. The order in which a process stops
// is written down in stop.go, and nowhere else.
package life

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// ErrForced is returned when a second signal cut the stopping short.
var ErrForced = errors.New("stopping was cut short by a second signal")

// Config is how long stopping may take. The sum of all must be below the time
// that the platform gives a process to end.
type Config struct {
	DrainDelay time.Duration `name:"drain-delay" env:"DCR_DRAIN_DELAY" default:"5s" help:"How long to keep answering after saying that no more calls should come."`
	GraceLimit time.Duration `name:"grace-limit" env:"DCR_GRACE_LIMIT" default:"15s" help:"How long calls under way may take to finish before they are cut off."`
	StepLimit  time.Duration `name:"stop-step-limit" env:"DCR_STOP_STEP_LIMIT" default:"5s" help:"How long each later step of stopping may take: workers, flush, close, telemetry."`
}

// Server is something that answers calls. Serve returns nil after Stop; Stop
// lets calls finish and cuts them off when its context ends.
type Server struct {
	Name  string
	Serve func() error
	Stop  func(context.Context) error
}

// Worker is something that runs in the background until its context ends, such
// as an outbox dispatcher. It then returns nil or the context's error.
type Worker struct {
	Name string
	Run  func(context.Context) error
}

// Step is one thing to do while stopping. It must heed its context.
type Step struct {
	Name string
	Do   func(context.Context) error
}

// Process is all that a process consists of, opened and ready to run. Any part
// may be left out but Log.
type Process struct {
	Config
	Log *slog.Logger
	// Ready is called when everything was started.
	Ready func()
	// NotServing are told first: readiness, health, so that callers go elsewhere.
	NotServing []func()
	// Servers answer calls; they stop side by side.
	Servers []Server
	// Workers run as long as the servers, and a little longer.
	Workers []Worker
	// Flush is what must reach others before the database closes.
	Flush []Step
	// Close is the database and what else is held, in this order.
	Close []Step
	// Ops is the operators' listener; it answers probes until almost the end.
	Ops Server
	// Telemetry sends the last spans and metrics.
	Telemetry func(context.Context) error
	// Signals replaces SIGTERM and SIGINT, for tests.
	Signals <-chan os.Signal
}

// Run starts the parts, waits for a signal, for ctx or for a part that ends by
// itself, and stops everything in the order of stop.go. It returns nil after a
// stop that was asked for and went well. A second signal gives up waiting.
func Run(ctx context.Context, p Process) error {
	if p.Log == nil {
		return errors.New("run process: Log is needed")
	}
	p.Config = p.Config.withDefaults()
	tuneMemory()
	signals := p.Signals
	if signals == nil {
		own := make(chan os.Signal, 2)
		signal.Notify(own, syscall.SIGTERM, syscall.SIGINT)
		defer signal.Stop(own)
		signals = own
	}
	r := start(p)
	why := r.wait(ctx, signals)
	return errors.Join(why, r.stop(signals))
}

// withDefaults replaces limits that were not set; no delay is a choice.
func (c Config) withDefaults() Config {
	if c.GraceLimit <= 0 {
		c.GraceLimit = 15 * time.Second
	}
	if c.StepLimit <= 0 {
		c.StepLimit = 5 * time.Second
	}
	return c
}

// running is a process that was started.
type running struct {
	Process
	stopWorkers context.CancelFunc
	workers     []*part
	servers     []*part
	ops         *part
	// ended gets each part that ends while nobody asked it to.
	ended chan *part
}

// part is one goroutine and its end.
type part struct {
	name string
	done chan struct{}
	err  error // set before done is closed
}

func start(p Process) *running {
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{Process: p, stopWorkers: cancel, ended: make(chan *part, len(p.Servers)+len(p.Workers)+1)}
	if p.Ops.Serve != nil {
		r.ops = r.launch(p.Ops.Name, p.Ops.Serve)
	}
	for _, w := range p.Workers {
		r.workers = append(r.workers, r.launch(w.Name, func() error { return w.Run(ctx) }))
	}
	for _, s := range p.Servers {
		r.servers = append(r.servers, r.launch(s.Name, s.Serve))
	}
	if p.Ready != nil {
		p.Ready()
	}
	p.Log.Info("started")
	return r
}

func (r *running) launch(name string, run func() error) *part {
	p := &part{name: name, done: make(chan struct{})}
	go func() {
		p.err = run()
		close(p.done)
		r.ended <- p
	}()
	return p
}

// wait returns why the process stops: nil when it was asked to.
func (r *running) wait(ctx context.Context, signals <-chan os.Signal) error {
	select {
	case s := <-signals:
		r.Log.Info("stopping", "signal", s.String())
		return nil
	case <-ctx.Done():
		r.Log.Info("stopping", "signal", "none")
		return nil
	case p := <-r.ended:
		r.Log.Error("stopping: a part ended by itself", "part", p.name)
		if p.err == nil {
			return fmt.Errorf("%s ended by itself", p.name)
		}
		return fmt.Errorf("%s ended by itself: %w", p.name, p.err)
	}
}
