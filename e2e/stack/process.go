package stack

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// termGrace is how long a process may take to drain after SIGTERM before it is killed.
const termGrace = 30 * time.Second

// readyEvery is the pause between two looks at a process that is starting.
const readyEvery = 25 * time.Millisecond

// Spec says how to start one replica of a program.
type Spec struct {
	// Name of the replica, e.g. "record-svc-1": of its log file and in messages.
	Name string
	// Program and Args to run.
	Program string
	Args    []string
	// Env is the whole environment besides PATH and HOME.
	Env map[string]string
	// ReadyURL answers 200 once the process serves; empty when nothing tells.
	ReadyURL string
	// LogDir is the folder of the log file.
	LogDir string
}

// Process is one running replica. Its methods are safe for concurrent use.
type Process struct {
	spec Spec

	mu     sync.Mutex
	cmd    *exec.Cmd
	exited chan struct{} // closed when the current command has ended
	err    error         // of the current command, once exited
}

// StartProcess starts a replica and waits until it is ready, has ended, or ctx ends.
func StartProcess(ctx context.Context, spec Spec) (*Process, error) {
	p := &Process{spec: spec}
	if err := p.Start(ctx); err != nil {
		return nil, err
	}
	return p, nil
}

// Name of the replica.
func (p *Process) Name() string { return p.spec.Name }

// LogFile is where the replica writes its log.
func (p *Process) LogFile() string { return filepath.Join(p.spec.LogDir, p.spec.Name+".log") }

// Tell changes what the replica is told in its environment, from its next start on. An empty value takes the
// setting away.
func (p *Process) Tell(setting, value string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.spec.Env = maps.Clone(p.spec.Env)
	if value == "" {
		delete(p.spec.Env, setting)
		return
	}
	p.spec.Env[setting] = value
}

// Start starts the replica again after it ended, and waits until it is ready.
func (p *Process) Start(ctx context.Context) error {
	if err := p.spawn(); err != nil {
		return fmt.Errorf("start %s: %w", p.spec.Name, err)
	}
	if err := p.awaitReady(ctx); err != nil {
		return fmt.Errorf("start %s: %w (its log: %s)%s", p.spec.Name, err, p.LogFile(), p.lastLines())
	}
	return nil
}

func (p *Process) spawn() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd != nil && !closed(p.exited) {
		return errors.New("it is running")
	}
	log, err := os.OpenFile(p.LogFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(p.spec.Program, p.spec.Args...) //nolint:noctx // it outlives the call that starts it: Stop ends it
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = p.environment()
	cmd.SysProcAttr = processAttributes()
	exited := make(chan struct{})
	p.cmd, p.exited, p.err = cmd, exited, nil
	started := make(chan error, 1)
	go p.own(cmd, started, exited)
	return <-started
}

// own starts the command and waits for its end. It stays on one thread, since a child that is to die
// with its parent dies with the parent's thread.
func (p *Process) own(cmd *exec.Cmd, started chan<- error, exited chan<- struct{}) {
	lockThread()
	if err := cmd.Start(); err != nil {
		p.setErr(err)
		started <- err
		close(exited)
		return
	}
	started <- nil
	p.setErr(cmd.Wait())
	close(exited)
}

func (p *Process) setErr(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err = err
}

func (p *Process) environment() []string {
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}
	for k, v := range p.spec.Env {
		env = append(env, k+"="+v)
	}
	return env
}

func (p *Process) awaitReady(ctx context.Context) error {
	if p.spec.ReadyURL == "" {
		return nil
	}
	client := &http.Client{Timeout: 2 * time.Second}
	tick := time.NewTicker(readyEvery)
	defer tick.Stop()
	for {
		if ready(ctx, client, p.spec.ReadyURL) {
			return nil
		}
		select {
		case <-p.Exited():
			return fmt.Errorf("it ended: %w", p.exitError())
		case <-ctx.Done():
			return fmt.Errorf("not ready in time: %w", ctx.Err())
		case <-tick.C:
		}
	}
}

func ready(ctx context.Context, client *http.Client, url string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	resp, err := client.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// Exited is closed when the replica has ended.
func (p *Process) Exited() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.exited
}

func (p *Process) exitError() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil {
		return errors.New("without an error")
	}
	return p.err
}

// PID of the replica.
func (p *Process) PID() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cmd.Process.Pid
}

// Kill ends the replica at once, as a lost machine would (SIGKILL), and waits for its end.
func (p *Process) Kill() error { return p.end(syscall.SIGKILL) }

// Stop asks the replica to drain (SIGTERM), waits, and kills it when it does not end in time.
func (p *Process) Stop() error { return p.end(syscall.SIGTERM) }

// Pause freezes the replica (SIGSTOP): it holds its connections and locks and says nothing.
func (p *Process) Pause() error { return p.signal(syscall.SIGSTOP) }

// Resume lets a frozen replica go on (SIGCONT).
func (p *Process) Resume() error { return p.signal(syscall.SIGCONT) }

// Restart stops the replica and starts it again.
func (p *Process) Restart(ctx context.Context) error {
	if err := p.Stop(); err != nil {
		return err
	}
	return p.Start(ctx)
}

func (p *Process) end(sig syscall.Signal) error {
	exited := p.Exited()
	if closed(exited) {
		return nil
	}
	if err := p.signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	timer := time.NewTimer(termGrace)
	defer timer.Stop()
	select {
	case <-exited:
		return nil
	case <-timer.C:
	}
	if err := p.signal(syscall.SIGKILL); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-exited
	return fmt.Errorf("%s did not end within %s and was killed", p.spec.Name, termGrace)
}

func (p *Process) signal(sig syscall.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.cmd.Process.Signal(sig); err != nil {
		return fmt.Errorf("%s %s: %w", sig, p.spec.Name, err)
	}
	return nil
}

// lastLines are the end of the log, for an error that somebody reads on a terminal.
func (p *Process) lastLines() string {
	text, err := os.ReadFile(p.LogFile())
	if err != nil {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if len(lines) > 8 {
		lines = lines[len(lines)-8:]
	}
	return "\n    " + strings.Join(lines, "\n    ")
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
