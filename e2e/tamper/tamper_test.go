package tamper_test

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/lib/pq" // the attacker's way in

	"github.com/dorsetcarerecord/dcr/e2e/county"
	"github.com/dorsetcarerecord/dcr/e2e/stack"
	"github.com/dorsetcarerecord/dcr/internal/postgres"
)

const (
	startLimit = 10 * time.Minute
	// noticeLimit bounds how long it may take until somebody notices, on a busy machine.
	noticeLimit = time.Minute
)

// suite is a running suite that nobody has loaded: whoever signs in is unknown, and each refusal is an event.
type suite struct {
	*stack.Stack
	rest  *stack.REST
	token string
	seen  string // file of the checkpoint that an outsider remembers
}

func start(t *testing.T) *suite {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startLimit)
	defer cancel()
	dir, err := os.MkdirTemp("", "dcr-tamper-") // not TempDir: PostgreSQL may run as another user
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	c := county.New(7, time.Now().UTC())
	s := &suite{seen: filepath.Join(dir, "seen")}
	if s.Stack, err = stack.Start(ctx, stack.Config{Dir: dir, BinDir: programs(ctx, t), County: c}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
		defer cancel()
		if err := s.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	if s.rest, err = stack.NewREST(s.Gateways()[0].URL, s.CAFile()); err != nil {
		t.Fatal(err)
	}
	if s.token, err = s.StaffToken(ctx, c.Staff[0]); err != nil {
		t.Fatal(err)
	}
	return s
}

// programs are the folder of the suite's binaries, built unless DCR_E2E_BIN names one.
func programs(ctx context.Context, t *testing.T) string {
	t.Helper()
	if dir := os.Getenv("DCR_E2E_BIN"); dir != "" {
		return dir
	}
	root, err := stack.Root()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(root, ".build", "bin")
	if err := stack.Build(ctx, root, dir, io.Discard); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestSetBack sets the log back to an old signed head, and lets it go on. The database fits together, and the
// service goes on signing. The witness refuses and says so, audit-svc says so, somebody who remembered a
// checkpoint finds out, and fsck does with what was remembered.
func TestSetBack(t *testing.T) {
	s := start(t)
	s.grow(t, 12)
	old := s.awaitVerified(t, 12)
	s.grow(t, 12)
	s.awaitVerified(t, old+12)
	if text, code := s.fsck(t, "--against", s.seen); code != 0 {
		t.Fatalf("fsck of the honest log: %d\n%s", code, text)
	}

	s.setBack(t, old)
	s.grow(t, 3)
	s.await(t, "the witness raises the alarm", func() bool { return strings.HasPrefix(s.get(t, s.Audit().WitnessURL+"/status"), "ALARM") })
	s.await(t, "audit-svc says that a witness refuses", s.refusalCounted)
	if text, code := s.verify(t); code != 2 || !strings.Contains(text, "the log is smaller than it was") {
		t.Errorf("somebody who remembers: %d\n%s", code, text)
	}
	if text, code := s.fsck(t, "--against", s.seen); code != 2 || !strings.Contains(text, "the log was set back") {
		t.Errorf("fsck with what was remembered: %d\n%s", code, text)
	}
	if text, code := s.fsck(t); code != 0 {
		t.Errorf("the log does not fit together, so that this was too easy: %d\n%s", code, text)
	}

	s.grow(t, 30)
	s.await(t, "the witness refuses a larger log of another history", func() bool {
		return strings.Contains(s.get(t, s.Audit().WitnessURL+"/status"), "inconsistent") || strings.Contains(s.get(t, s.Audit().WitnessURL+"/status"), "FORK")
	})
	s.await(t, "somebody who remembers finds another history", func() bool {
		text, code := s.verify(t)
		return code == 2 && !strings.Contains(text, "smaller than it was")
	})
}

// grow makes events.
func (s *suite) grow(t *testing.T, n int) {
	t.Helper()
	for range n {
		answer, err := s.rest.Get(t.Context(), "/v1/me", s.token)
		if err != nil || answer.Header.Get("Dcr-Event-Id") == "" {
			t.Fatalf("a call that is an event: %v", err)
		}
	}
}

// awaitVerified waits until the witness stands behind a log of at least so many leaves, remembers it as an outsider
// would, and gives its size.
func (s *suite) awaitVerified(t *testing.T, least int64) (size int64) {
	t.Helper()
	s.await(t, "the witness cosigns", func() bool {
		text, code := s.verify(t)
		if code != 0 {
			return false
		}
		return s.query(t, "SELECT max(tree_size) FROM cosignature", &size) && size >= least && strings.Contains(text, "witnessed by")
	})
	return size
}

func (s *suite) verify(t *testing.T) (string, int) {
	t.Helper()
	a := s.Audit()
	return s.program(t, "dcrctl", "audit", "verify", "--key", a.Key, "--witness-key", a.WitnessKey, "--quorum", "0", "--ca-file", s.CAFile(), "--url", a.LogURL, "--remember", s.seen)
}

func (s *suite) fsck(t *testing.T, more ...string) (string, int) {
	t.Helper()
	a := s.Audit()
	args := []string{"fsck", "--database-url", s.DatabaseURL(postgres.AppRole("audit")), "--key", a.Key, "--witness-key", a.WitnessKey}
	return s.program(t, "audit-svc", append(args, more...)...)
}

// setBack takes everything away that came after a size, as a restored backup would.
func (s *suite) setBack(t *testing.T, size int64) {
	t.Helper()
	svc := s.Process("audit-svc-1")
	if err := svc.Stop(); err != nil {
		t.Fatal(err)
	}
	db := s.open(t)
	for _, query := range []string{
		"DELETE FROM event WHERE NOT EXISTS (SELECT FROM leaf WHERE event_id = id AND leaf_index < $1)",
		"DELETE FROM leaf WHERE leaf_index >= $1",
		"DELETE FROM cosignature WHERE tree_size > $1",
		"DELETE FROM checkpoint_signature WHERE tree_size > $1",
		"DELETE FROM checkpoint WHERE tree_size > $1",
		"DELETE FROM tree_head WHERE tree_size > $1",
	} {
		if _, err := db.ExecContext(t.Context(), query, size); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
	if err := svc.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (s *suite) open(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("postgres", s.DatabaseURL("")+"&search_path=audit")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func (s *suite) query(t *testing.T, text string, into any) bool {
	t.Helper()
	return s.open(t).QueryRowContext(t.Context(), text).Scan(into) == nil
}

// refusalCounted looks at the metrics of audit-svc.
func (s *suite) refusalCounted() bool {
	resp, err := http.Get(s.OpsURL("audit-svc-1") + "/metrics")
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "dcr_audit_witness_attempts_total{") && strings.Contains(line, `result="refused"`) && !strings.HasSuffix(line, " 0\n") {
			return true
		}
	}
	return false
}

func (s *suite) get(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// await looks again and again until something holds.
func (s *suite) await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), noticeLimit)
	defer cancel()
	for !holds() {
		select {
		case <-ctx.Done():
			t.Fatalf("not in time: %s", what)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// program runs one of the suite's programs, and gives what it said and its exit code.
func (s *suite) program(t *testing.T, name string, args ...string) (string, int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), s.Program(name), args...)
	text, err := cmd.CombinedOutput()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		t.Fatal(err)
	}
	return string(text), cmd.ProcessState.ExitCode()
}
