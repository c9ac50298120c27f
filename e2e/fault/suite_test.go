package fault_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dorsetcarerecord/dcr/e2e/county"
	"github.com/dorsetcarerecord/dcr/e2e/stack"
)

const (
	// people of the county that are loaded: the rich ones, and a few who opted out.
	people = 24
	// startLimit bounds bringing the suite up, building included.
	startLimit = 5 * time.Minute
	// recoverLimit is how long the suite may take until it answers again once everything is back.
	recoverLimit = 20 * time.Second
	// drainDelay of every process: long enough for callers and for the balancer of these tests to notice.
	drainDelay = 1500 * time.Millisecond
)

// services that keep data, as programs.
var services = []string{"audit-svc", "identity-svc", "record-svc", "optout-svc"}

// TestFaults is all parts on one suite.
func TestFaults(t *testing.T) {
	s := newSuite(t)
	for _, part := range []struct {
		name string
		run  func(*testing.T, *suite)
	}{
		{"Audit", testAudit},
		{"Identity", testIdentity},
		{"Choice", testChoice},
		{"Record", testRecord},
		{"Replica", testReplica},
		{"Rolling", testRolling},
		{"OptOut", testOptOut},
		{"LateChoices", testLateChoices},
		{"Linearizable", testLinearizable},
		{"Steps", testSteps},
		{"DatabaseKilled", testDatabaseKilled},
		{"DatabaseFrozen", testDatabaseFrozen},
		{"FeedTwice", testFeedTwice},
		{"FeedTogether", testFeedTogether},
		{"FeedCut", testFeedCut},
		{"Callers", testCallers},
		{"DatabaseRoles", testDatabaseRoles},
		{"Refusals", testRefusals},
	} {
		t.Run(part.name, func(t *testing.T) {
			s.heal(t)
			part.run(t, s)
		})
	}
}

// suite is the running suite and who acts in it.
type suite struct {
	stack    *stack.Stack
	manifest *stack.Manifest
	county   *county.County
	rest     []*stack.REST // one for each gateway
}

func newSuite(t *testing.T) *suite {
	t.Helper()
	root, err := stack.Root()
	if err != nil {
		t.Fatal(err)
	}
	// Named steps at which a process may be killed are built in: release programs have none (e2e/manifests).
	bin := filepath.Join(root, ".build", "failpoints")
	if err := stack.Build(t.Context(), root, bin, logger{t}, "failpoints"); err != nil {
		t.Fatal(err)
	}
	return newSuiteOf(t, bin)
}

// newSuiteOf brings a suite up from the programs in a folder.
func newSuiteOf(t *testing.T, bin string) *suite {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startLimit)
	defer cancel()
	s := &suite{county: county.New(7, time.Now())}
	s.county.People = s.county.People[:people]
	var err error
	s.stack, err = stack.Start(ctx, stack.Config{
		Dir: filepath.Join(t.TempDir(), "run"), BinDir: bin, Replicas: 2, County: s.county, Out: logger{t},
		Env: map[string]map[string]string{"*": {"DCR_DRAIN_DELAY": drainDelay.String()}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.close(t) })
	if err := s.stack.Seed(ctx); err != nil {
		t.Fatal(err)
	}
	if s.manifest, err = s.stack.WriteManifest(ctx); err != nil {
		t.Fatal(err)
	}
	for _, g := range s.stack.Gateways() {
		client, err := stack.NewREST(g.URL, s.stack.CAFile())
		if err != nil {
			t.Fatal(err)
		}
		client.HTTP.Timeout = clientLimit
		s.rest = append(s.rest, client)
	}
	return s
}

// close stops everything; after a failed test the logs are shown, since the folder goes with the test.
func (s *suite) close(t *testing.T) {
	if t.Failed() {
		s.showLogs(t)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_ = s.stack.ResumeDatabase() // a part that failed may have left it frozen, or dead
	if err := s.stack.Stop(ctx); err != nil {
		t.Errorf("stop: %v", err)
	}
}

// showLogs prints what went wrong in the processes: lines at warning level and above, the last ones.
func (s *suite) showLogs(t *testing.T) {
	const last = 4
	for _, p := range s.stack.Processes() {
		text, err := os.ReadFile(p.LogFile())
		if err != nil {
			continue
		}
		lines := slices.DeleteFunc(strings.Split(string(text), "\n"), func(l string) bool {
			return !strings.Contains(l, `"WARN"`) && !strings.Contains(l, `"ERROR"`) && !strings.Contains(l, "panic")
		})
		t.Logf("%s: %d warnings\n%s", p.Name(), len(lines), strings.Join(lines[max(0, len(lines)-last):], "\n"))
	}
}

// heal brings every process and the database back, and waits until a record can be opened through each gateway.
func (s *suite) heal(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := s.stack.ResumeDatabase(); err != nil {
		if err := s.stack.RestartDatabase(ctx); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range s.stack.Processes() {
		if err := p.Resume(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Fatal(err)
		}
		select {
		case <-p.Exited():
			if err := p.Start(ctx); err != nil {
				t.Fatal(err)
			}
		default:
		}
	}
	s.awaitViews(t)
}

// awaitViews waits until each gateway shows a record again.
func (s *suite) awaitViews(t *testing.T) {
	t.Helper()
	pair := s.pairs(t, 1)[0]
	for _, client := range s.rest {
		await(t, recoverLimit, "a record through every gateway", func() bool {
			return view(t.Context(), client, pair).released()
		})
	}
}

// each does something to every replica of a program.
func (s *suite) each(t *testing.T, program string, do func(*stack.Process) error) {
	t.Helper()
	for _, p := range s.stack.Replicas(program) {
		if err := do(p); err != nil {
			t.Fatal(err)
		}
	}
}

// start again whatever of a program has ended.
func start(ctx context.Context) func(*stack.Process) error {
	return func(p *stack.Process) error { return p.Start(ctx) }
}

// staff with a role.
func (s *suite) staff(t *testing.T, roleCode string) stack.StaffEntry {
	t.Helper()
	for _, m := range s.manifest.Staff {
		if m.RoleCode == roleCode {
			return m
		}
	}
	t.Fatalf("nobody has role %s", roleCode)
	return stack.StaffEntry{}
}

// await looks again and again until cond holds, and ends the test when it does not in time.
func await(t *testing.T, limit time.Duration, what string, cond func() bool) {
	t.Helper()
	if !awaited(limit, cond) {
		t.Fatalf("%s: not within %s", what, limit)
	}
}

// awaited looks again and again until cond holds, and tells whether it did in time.
func awaited(limit time.Duration, cond func() bool) bool {
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !cond() {
		select {
		case <-deadline.C:
			return false
		case <-tick.C:
		}
	}
	return true
}

// soaking multiplies counts and times when a long run is asked for.
func soaking(n int) int {
	if os.Getenv("DCR_SOAK") == "1" {
		return 10 * n
	}
	return n
}

// logger passes what the stack says to the test's log.
type logger struct{ t *testing.T }

func (l logger) Write(b []byte) (int, error) {
	l.t.Log(strings.TrimRight(string(b), "\n"))
	return len(b), nil
}
