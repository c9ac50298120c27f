package demonstration_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dorsetcarerecord/dcr/e2e/stack"
	"github.com/dorsetcarerecord/dcr/internal/pgserver"
)

const (
	// upLimit bounds building, starting and loading on a busy machine.
	upLimit = 10 * time.Minute
	// downLimit bounds Ctrl-C.
	downLimit = time.Minute
	callLimit = 30 * time.Second
)

// run is the command behind `make run`, started as a process on a database that is not its own.
type run struct {
	root, dir, program, database string

	cmd  *exec.Cmd
	done chan error
	out  *transcript
}

func newRun(t *testing.T) *run {
	t.Helper()
	root, err := stack.Root()
	if err != nil {
		t.Fatal(err)
	}
	r := &run{root: root, dir: filepath.Join(t.TempDir(), "run"), program: filepath.Join(t.TempDir(), "stack"), database: server(t)}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", r.program, "./e2e/cmd/stack")
	build.Dir = root
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return r
}

// server is somebody's PostgreSQL with an empty database, as DATABASE_URL names it.
func server(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "dcr-demonstration-")
	if err != nil {
		t.Fatal(err)
	}
	pg, err := pgserver.Start(t.Context(), pgserver.Config{Dir: filepath.Join(dir, "server"), Install: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), downLimit)
		defer cancel()
		if err := pg.Stop(ctx); err != nil {
			t.Error(err)
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return pg.URL("postgres")
}

// up starts the command and waits until it says that the suite is up.
func (r *run) up(t *testing.T) {
	t.Helper()
	r.out = &transcript{found: make(chan struct{}), mark: "Ctrl-C here stops everything"}
	r.cmd = exec.Command(r.program, "run", "--dir", r.dir)
	r.cmd.Dir, r.cmd.Stdout, r.cmd.Stderr = r.root, r.out, r.out
	r.cmd.Env = append(os.Environ(), "DATABASE_URL="+r.database)
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r.done = make(chan error, 1)
	go func(cmd *exec.Cmd, done chan<- error) { done <- cmd.Wait() }(r.cmd, r.done)
	t.Cleanup(func() { r.down(t) })
	select {
	case <-r.out.found:
	case err := <-r.done:
		r.cmd = nil
		t.Fatalf("it ended: %v\n%s", err, r.said())
	case <-time.After(upLimit):
		t.Fatalf("it is not up after %v\n%s", upLimit, r.said())
	}
}

// down is Ctrl-C; it must end well, and soon.
func (r *run) down(t *testing.T) {
	t.Helper()
	if r.cmd == nil {
		return
	}
	cmd := r.cmd
	r.cmd = nil
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Error(err)
	}
	select {
	case err := <-r.done:
		if err != nil {
			t.Errorf("Ctrl-C: %v\n%s", err, r.said())
		}
	case <-time.After(downLimit):
		_ = cmd.Process.Kill()
		t.Errorf("Ctrl-C does not end it within %v\n%s", downLimit, r.said())
	}
}

func (r *run) envCommand() string { return r.program + " env --dir " + r.dir }

// shell runs a text as a newcomer's shell would and returns what it prints.
func (r *run) shell(t *testing.T, text string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), callLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-e", "-o", "pipefail", "-c", text)
	cmd.Dir = r.root
	out, err := cmd.Output()
	if err != nil {
		t.Errorf("%s\n%v", text, err)
	}
	return string(out)
}

// pasteGuide tries every call that the command itself printed.
func (r *run) pasteGuide(t *testing.T) {
	t.Helper()
	calls := 0
	for line := range strings.Lines(r.said()) {
		if !strings.HasPrefix(line, "curl ") {
			continue
		}
		calls++
		if got := r.shell(t, line); !json.Valid([]byte(got)) {
			t.Errorf("a call that was printed answers no JSON: %.300s", got)
		}
	}
	if calls < 5 {
		t.Errorf("%d calls were printed", calls)
	}
}

// staff counts who is in the manifest of the run.
func (r *run) staff(t *testing.T) int {
	t.Helper()
	m, err := stack.ReadManifest(stack.ManifestPath(r.dir))
	if err != nil {
		t.Fatal(err)
	}
	return len(m.Staff)
}

// clean is `make clean`.
func (r *run) clean(t *testing.T) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), r.program, "clean", "--dir", r.dir)
	cmd.Dir, cmd.Env = r.root, append(os.Environ(), "DATABASE_URL="+r.database)
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
}

func (r *run) said() string { return r.out.text() }

// transcript keeps what a process prints and tells when a mark came.
type transcript struct {
	mu    sync.Mutex
	buf   bytes.Buffer
	mark  string
	found chan struct{}
	once  sync.Once
}

// Write keeps b.
func (s *transcript) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.buf.Write(b)
	if bytes.Contains(s.buf.Bytes(), []byte(s.mark)) {
		s.once.Do(func() { close(s.found) })
	}
	return len(b), nil
}

func (s *transcript) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.String()
}
