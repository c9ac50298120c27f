package pgserver

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	_ "github.com/lib/pq" // the driver that asks the server whether it answers
)

const (
	pollEvery     = 20 * time.Millisecond
	killAfter     = 5 * time.Second // how long an immediate shutdown may take
	portAttempts  = 5
	rememberBytes = 4096 // of the server's log, for error texts
)

// errPortTaken and errStillHeld are the two failed starts that are worth another attempt.
var (
	errPortTaken = errors.New("port is taken")
	errStillHeld = errors.New("processes of the crashed server still hold its memory")
)

// process is one life of the postmaster. The goroutine that started it waits for it and closes done.
type process struct {
	pid  int
	cmd  *exec.Cmd
	done chan struct{}
	tail *tail
}

// launch starts the postmaster and returns once it answers.
func (s *Server) launch(ctx context.Context) error {
	for attempt := 1; ; {
		err := s.launchOnce(ctx)
		switch {
		case errors.Is(err, errPortTaken) && s.cfg.Port == 0 && attempt < portAttempts:
			// Somebody took the free port between our looking and the server's listening.
			s.port = 0
			attempt++
		case errors.Is(err, errStillHeld) && ctx.Err() == nil:
			// Backends of a killed postmaster leave when they notice; until then a start is refused.
			if err := wait(ctx, pollEvery); err != nil {
				return err
			}
		default:
			return err
		}
	}
}

// launchOnce is one attempt.
func (s *Server) launchOnce(ctx context.Context) error {
	if s.port == 0 {
		port, err := freePort(ctx)
		if err != nil {
			return err
		}
		s.port = port
	}
	p, err := s.spawn()
	if err != nil {
		return err
	}
	if err := s.awaitReady(ctx, p); err != nil {
		p.signal(syscall.SIGQUIT)
		p.awaitOrKill()
		return err
	}
	s.set(p)
	return nil
}

// spawn starts the postmaster in a goroutine that keeps its operating system thread until the
// postmaster ends: the kernel's parent-death signal follows the thread, not the process.
func (s *Server) spawn() (*process, error) {
	p := &process{done: make(chan struct{}), tail: &tail{next: s.cfg.Log}}
	// Not the context of Start: the server outlives that.
	p.cmd = exec.CommandContext(context.Background(), s.binaries.path("postgres"), s.arguments()...)
	p.cmd.Dir = s.cfg.Dir
	p.cmd.Stdout, p.cmd.Stderr = p.tail, p.tail
	// Backends inherit the output pipe; Wait must not hang on one that outlives a killed postmaster.
	p.cmd.WaitDelay = time.Second
	p.cmd.SysProcAttr = s.account.attributes()
	dieWithParent(p.cmd.SysProcAttr)
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := p.cmd.Start()
		if err == nil {
			p.pid = p.cmd.Process.Pid
		}
		started <- err
		if err != nil {
			return
		}
		// Its exit status says nothing that its log does not say better.
		_ = p.cmd.Wait()
		close(p.done)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start postgres: %w", err)
	}
	return p, nil
}

// awaitReady asks the server until it answers, gives up, or the context ends.
func (s *Server) awaitReady(ctx context.Context, p *process) error {
	db, err := sql.Open("postgres", s.URL("postgres")+"&connect_timeout=2")
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	for {
		if err := db.PingContext(ctx); err == nil {
			return nil
		}
		select {
		case <-p.done:
			return p.whyEnded()
		case <-ctx.Done():
			return fmt.Errorf("not ready: %w: %s", context.Cause(ctx), p.tail.text())
		case <-time.After(pollEvery):
		}
	}
}

// whyEnded reads the log of a server that gave up while starting.
func (p *process) whyEnded() error {
	text := p.tail.text()
	switch {
	case strings.Contains(text, "Address already in use"):
		return fmt.Errorf("%w: %s", errPortTaken, text)
	case strings.Contains(text, "pre-existing shared memory block"):
		return fmt.Errorf("%w: %s", errStillHeld, text)
	default:
		return fmt.Errorf("the server gave up: %s", text)
	}
}

// signal sends a signal; a process that has ended already is what the caller wants anyway.
func (p *process) signal(sig os.Signal) { _ = p.cmd.Process.Signal(sig) }

// awaitOrKill waits for a process that was told to end, and makes it when it does not.
func (p *process) awaitOrKill() {
	select {
	case <-p.done:
	case <-time.After(killAfter):
		p.signal(syscall.SIGKILL)
		<-p.done
	}
}

// wait pauses, or ends early with the context.
func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

// freePort asks the kernel for a port that nobody listens on.
func freePort(ctx context.Context) (int, error) {
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("free port: %w", err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().(*net.TCPAddr).Port, nil
}

// tail passes a log on and remembers its end.
type tail struct {
	mu   sync.Mutex
	kept []byte
	next io.Writer
}

// Write implements io.Writer.
func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, b...)
	t.kept = t.kept[max(0, len(t.kept)-rememberBytes):]
	return t.next.Write(b)
}

// text is the end of the log, for an error.
func (t *tail) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return lastLines(string(t.kept), 8)
}
