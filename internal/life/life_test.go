package life_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dorsetcarerecord/dcr/internal/life"
)

// diary records what happened in what order.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) write(line string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, line)
}

func (d *diary) read() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string(nil), d.lines...)
}

// step is a Step that is written down.
func (d *diary) step(name string) life.Step {
	return life.Step{Name: name, Do: func(context.Context) error { d.write(name); return nil }}
}

// server serves until stopped, and writes down that it was.
func (d *diary) server(name string) life.Server {
	stop := make(chan struct{})
	return life.Server{
		Name:  name,
		Serve: func() error { <-stop; return nil },
		Stop:  func(context.Context) error { d.write(name + " stops"); close(stop); return nil },
	}
}

func (d *diary) worker(name string) life.Worker {
	return life.Worker{Name: name, Run: func(ctx context.Context) error {
		<-ctx.Done()
		d.write(name + " ends")
		return ctx.Err()
	}}
}

// process is a whole process; signals come from the test.
func process(d *diary, signals <-chan os.Signal) life.Process {
	return life.Process{
		Config:     life.Config{DrainDelay: 10 * time.Millisecond, GraceLimit: time.Second, StepLimit: time.Second},
		Log:        slog.New(slog.DiscardHandler),
		Ready:      func() { d.write("ready") },
		NotServing: []func(){func() { d.write("readiness off") }, func() { d.write("health off") }},
		Servers:    []life.Server{d.server("rpc")},
		Workers:    []life.Worker{d.worker("outbox")},
		Flush:      []life.Step{d.step("flush audit")},
		Close:      []life.Step{d.step("close clients"), d.step("close database")},
		Ops:        d.server("ops"),
		Telemetry:  func(context.Context) error { d.write("telemetry"); return nil },
		Signals:    signals,
	}
}

var wholeOrder = []string{
	"ready", "readiness off", "health off", "rpc stops", "outbox ends", "flush audit",
	"close clients", "close database", "ops stops", "telemetry",
}

func TestStopOrder(t *testing.T) {
	t.Run("signal", func(t *testing.T) {
		var d diary
		signals := make(chan os.Signal, 1)
		signals <- syscall.SIGTERM
		if err := life.Run(t.Context(), process(&d, signals)); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(wholeOrder, d.read()); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("context", func(t *testing.T) {
		var d diary
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := life.Run(ctx, process(&d, nil)); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(wholeOrder, d.read()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestSIGTERMOfTheProcess(t *testing.T) {
	var d diary
	p := process(&d, nil)
	p.Ready = func() {
		if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
			t.Error(err)
		}
	}
	if err := life.Run(t.Context(), p); err != nil {
		t.Error(err)
	}
}

func TestNothingIsLeftOutAfterAFailure(t *testing.T) {
	var d diary
	signals := make(chan os.Signal, 1)
	signals <- syscall.SIGTERM
	p := process(&d, signals)
	boom := errors.New("boom")
	p.Flush[0] = life.Step{Name: "flush audit", Do: func(context.Context) error { d.write("flush audit"); return boom }}
	err := life.Run(t.Context(), p)
	if !errors.Is(err, boom) || !strings.Contains(err.Error(), "flush audit") {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff(wholeOrder, d.read()); diff != "" {
		t.Error(diff)
	}
}

func TestAPartThatEndsByItselfStopsTheProcess(t *testing.T) {
	for _, end := range []error{nil, errors.New("disk on fire")} {
		var d diary
		p := process(&d, make(chan os.Signal))
		p.Workers = append(p.Workers, life.Worker{Name: "sequencer", Run: func(context.Context) error { return end }})
		err := life.Run(t.Context(), p)
		if err == nil || !strings.Contains(err.Error(), "sequencer ended by itself") || (end != nil && !errors.Is(err, end)) {
			t.Errorf("got %v", err)
		}
		if diff := cmp.Diff(wholeOrder, d.read()); diff != "" {
			t.Error(diff)
		}
	}
}

func TestServersAreCutOffAtTheLimit(t *testing.T) {
	var d diary
	signals := make(chan os.Signal, 1)
	signals <- syscall.SIGTERM
	p := process(&d, signals)
	p.GraceLimit = 20 * time.Millisecond
	cut := make(chan struct{})
	p.Servers = []life.Server{{
		Name:  "rpc",
		Serve: func() error { <-cut; return nil },
		Stop: func(ctx context.Context) error {
			<-ctx.Done()
			d.write("rpc stops")
			close(cut)
			return ctx.Err()
		},
	}}
	if err := life.Run(t.Context(), p); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff(wholeOrder, d.read()); diff != "" {
		t.Error(diff)
	}
}

func TestASecondSignalForces(t *testing.T) {
	var d diary
	signals := make(chan os.Signal, 1)
	signals <- syscall.SIGTERM
	p := process(&d, signals)
	p.DrainDelay = time.Hour
	p.NotServing = append(p.NotServing, func() { signals <- syscall.SIGTERM })
	if err := life.Run(t.Context(), p); !errors.Is(err, life.ErrForced) {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff(wholeOrder, d.read()); diff != "" {
		t.Error(diff)
	}
}

func TestAStepThatHangsIsLeftBehind(t *testing.T) {
	var d diary
	signals := make(chan os.Signal, 1)
	signals <- syscall.SIGTERM
	p := process(&d, signals)
	p.StepLimit = 10 * time.Millisecond
	release := make(chan struct{})
	defer close(release)
	p.Flush = []life.Step{{Name: "hangs", Do: func(context.Context) error { <-release; return nil }}}
	err := life.Run(t.Context(), p)
	if err == nil || !strings.Contains(err.Error(), "did not end in time") {
		t.Errorf("got %v", err)
	}
	if got := d.read(); got[len(got)-1] != "telemetry" {
		t.Errorf("telemetry is not last: %v", got)
	}
}
