package crashtest_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dorsetcarerecord/dcr/internal/devcert"
	"github.com/dorsetcarerecord/dcr/internal/testkit"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/store"
	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

func TestMain(m *testing.M) { testkit.Main(m) }

const (
	origin = "log.example/audit"
	// testLimit bounds each test: a busy machine, and a build.
	testLimit = 10 * time.Minute
)

func limit(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testLimit)
	t.Cleanup(cancel)
	return ctx
}

// program builds audit-svc with its failpoints, once for all tests here.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "dcr-audit-failpoints-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "audit-svc")
	if text, err := exec.Command("go", "build", "-tags", "failpoints", "-o", path, "../..").CombinedOutput(); err != nil {
		return "", errors.Join(fmt.Errorf("build audit-svc: %w\n%s", err, text), os.RemoveAll(dir))
	}
	return path, nil
})

// fleet is the replicas of a log, and what they need.
type fleet struct {
	t       *testing.T
	h       testkit.Handles
	certs   string
	path    string
	logKey  string // public
	keyFile string
	witness *witness
	ports   []int
	log     bytes.Buffer
	mu      sync.Mutex // of log
}

func newFleet(t *testing.T, replicas int) *fleet {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	h := testkit.Database(t, store.Schema, store.Migrations)
	if _, err := store.Maintain(limit(t), h.Owner, time.Now()); err != nil {
		t.Fatal(err)
	}
	f := &fleet{t: t, h: h, path: path, certs: testkit.Certs(t, "audit-svc", "gateway")}
	private, public, err := verify.GenerateLogKey(rand.Reader, origin)
	if err != nil {
		t.Fatal(err)
	}
	f.logKey, f.keyFile = public, filepath.Join(f.certs, "log.key")
	if err := os.WriteFile(f.keyFile, []byte(private), 0o600); err != nil {
		t.Fatal(err)
	}
	f.witness = newWitness(t, public)
	for range replicas {
		f.ports = append(f.ports, freePort(t))
	}
	return f
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}

// env is what a replica is told.
func (f *fleet) env(replica int, failpoints string) []string {
	return append(os.Environ(),
		fmt.Sprintf("DCR_LISTEN=127.0.0.1:%d", f.ports[replica]),
		"DCR_DATABASE_URL="+f.h.AppURL,
		"DCR_TLS_CERT_FILE="+devcert.CertFile(f.certs, "audit-svc"),
		"DCR_TLS_KEY_FILE="+devcert.KeyFile(f.certs, "audit-svc"),
		"DCR_TLS_CA_FILE="+devcert.CAFile(f.certs),
		"DCR_DRAIN_DELAY=0s",
		"DCR_AUDIT_ORIGIN="+origin,
		"DCR_AUDIT_SIGNING_KEYS="+f.keyFile,
		"DCR_AUDIT_WITNESSES="+f.witness.key+"="+f.witness.URL,
		"DCR_AUDIT_WITNESS_EVERY=50ms",
		"DCR_AUDIT_SEQUENCE_EVERY=20ms",
		"DCR_AUDIT_CHECKPOINT_EVERY=50ms",
		"DCR_AUDIT_SEQUENCER_IDLE=1s",
		"DCR_APPEND_BATCH_EVENTS=16",
		"DCR_FAILPOINTS="+failpoints,
	)
}

// process is a running replica.
type process struct {
	cmd  *exec.Cmd
	done chan struct{}
	err  error // once done
}

// Write collects what replicas log.
func (f *fleet) Write(b []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.log.Write(b)
}

func (f *fleet) said(text string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Contains(f.log.String(), text)
}

// start starts a replica; it is killed with the test at the latest.
func (f *fleet) start(replica int, failpoints string) *process {
	f.t.Helper()
	cmd := exec.Command(f.path, "serve")
	cmd.Env, cmd.Stdout, cmd.Stderr = f.env(replica, failpoints), f, f
	if err := cmd.Start(); err != nil {
		f.t.Fatal(err)
	}
	p := &process{cmd: cmd, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		p.err = cmd.Wait()
	}()
	f.t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGCONT)
		_ = cmd.Process.Kill()
		<-p.done
	})
	return p
}

// stop lets a replica end in order.
func (f *fleet) stop(p *process) {
	f.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		f.t.Fatal(err)
	}
	<-p.done
	if p.err != nil {
		f.t.Errorf("a replica did not end in order: %v", p.err)
	}
}

// killed tells whether a replica has ended by SIGKILL; ending in another way is a failure.
func (f *fleet) killed(p *process) bool {
	f.t.Helper()
	var ended *exec.ExitError
	if errors.As(p.err, &ended) {
		if status, ok := ended.Sys().(syscall.WaitStatus); ok && status.Signal() == syscall.SIGKILL {
			return true
		}
	}
	f.t.Errorf("a replica ended by itself: %v", p.err)
	return false
}

// await waits until what is asked for holds.
func (f *fleet) await(what string, within time.Duration, holds func() bool) {
	f.t.Helper()
	for end := time.Now().Add(within); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			f.mu.Lock()
			defer f.mu.Unlock()
			text := f.log.String()
			f.t.Fatalf("%s: not in %s; the replicas say at last:\n%s", what, within, text[max(0, len(text)-4000):])
		}
	}
}

func (f *fleet) count(text string, args ...any) (n int64) {
	f.t.Helper()
	if err := f.h.Owner.GetContext(limit(f.t), &n, text, args...); err != nil {
		f.t.Fatal(err)
	}
	return n
}

// fsck lets the service's own check go over the database, against what the witness remembers.
func (f *fleet) fsck() {
	f.t.Helper()
	remembered := filepath.Join(f.t.TempDir(), "checkpoint")
	if err := os.WriteFile(remembered, f.witness.remembered(), 0o600); err != nil {
		f.t.Fatal(err)
	}
	cmd := exec.Command(f.path, "fsck", "--key", f.logKey, "--witness-key", f.witness.key, "--against", remembered)
	cmd.Env = append(os.Environ(), "DCR_DATABASE_URL="+f.h.AppURL)
	if text, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(text), "All fits") {
		f.t.Errorf("fsck: %v\n%s", err, text)
	}
}
