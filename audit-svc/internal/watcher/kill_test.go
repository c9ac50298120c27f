package watcher_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"go.opentelemetry.io/otel/metric/noop"
	"google.golang.org/protobuf/types/known/timestamppb"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"

	"github.com/dorsetcarerecord/dcr/internal/postgres"
	"github.com/dorsetcarerecord/dcr/internal/testkit"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/watch"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/watcher"
)

// replicaVariable makes the test program a replica that watches the log of a database until all is judged.
const replicaVariable = "DCR_TEST_WATCH_DATABASE_URL"

// points are the steps at which replicas are killed.
func points() []string {
	return []string{"audit.watch.read", "audit.watch.judged", "audit.watch.before_commit", "audit.watch.after_commit"}
}

// TestKilledReplicasMissAndDoubleNothing kills replicas at every step of watching, two at a time on one log,
// and compares what stands in the database in the end with what the rules say of the whole stream.
func TestKilledReplicasMissAndDoubleNothing(t *testing.T) {
	t.Parallel()
	program := buildReplica(t)
	s := newScene(t)
	stream := s.stream(600)
	s.store(stream...)
	killed := 0
	for round := range 5 {
		for _, point := range points() {
			var pair sync.WaitGroup
			var ends [2]error
			for i := range ends {
				pair.Go(func() { ends[i] = run(t, program, s.h, fmt.Sprintf("%s=kill@%d", point, 1+(round+i)%3)) })
			}
			pair.Wait()
			for _, end := range ends {
				if end != nil {
					killed++
				}
			}
		}
	}
	if killed < 20 {
		t.Errorf("only %d replicas were killed: the points are not reached", killed)
	}
	if err := run(t, program, s.h, ""); err != nil {
		t.Fatal(err)
	}
	s.compare(stream)
}

// TestTwoReplicasShareTheLog: any number may watch at once.
func TestTwoReplicasShareTheLog(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	stream := s.stream(600)
	ctx, cancel := context.WithCancel(limit(t))
	var replicas sync.WaitGroup
	for range 3 {
		w := s.watcherOf(5)
		replicas.Go(func() { _ = w.Run(ctx) })
	}
	for part := range slices.Chunk(stream, 37) {
		s.store(part...)
	}
	s.awaitAll(int64(len(stream)))
	cancel()
	replicas.Wait()
	s.compare(stream)
}

// awaitAll waits until so many leaves are judged.
func (s *scene) awaitAll(leaves int64) {
	s.t.Helper()
	ctx := limit(s.t)
	for {
		done, err := s.cases.Watched(ctx, nil)
		if err != nil {
			s.t.Fatal(err)
		}
		if done == leaves {
			return
		}
		select {
		case <-ctx.Done():
			s.t.Fatalf("%d of %d leaves were judged", done, leaves)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// stream is a stream of events in which every rule but volume finds something.
func (s *scene) stream(n int) []*auditv1.Event {
	seed := rand.Uint64()
	s.t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	pick := func(of ...string) string { return of[random.IntN(len(of))] }
	var all []*auditv1.Event
	for range n {
		at := noon().Add(time.Duration(random.IntN(40*60)) * time.Minute)
		e := s.open(at, by(pick("a", "b", "c")), about(pick("9990000018", "9990000026", "9990000034")))
		switch random.IntN(12) {
		case 0:
			declares(pick("emergency", "self_declared"), pick("r1", "r2", "r3"))(e)
		case 1:
			all = append(all, s.feed(at, pick("RYF", "RBD"), at))
		case 2:
			e.Marks = []string{pick("own_record", "colleague", "restriction_broken", "same_surname_and_address")}
		case 3:
			e.Outcome, e.Reason, e.Marks, e.Disclosure = auditv1.Outcome_OUTCOME_REFUSED, "NO_PATIENT_CONSENT", []string{"opted_out"}, nil
		case 4:
			e.Basis.RelationshipKind, e.Basis.RelationshipClosedAt = "episode", timestamppb.New(at.AddDate(0, 0, -random.IntN(30)))
		}
		all = append(all, e)
	}
	return all
}

// compare holds the database against the rules' word on the whole stream: every finding once and in order, and
// closed what a feed explains.
func (s *scene) compare(stream []*auditv1.Event) {
	s.t.Helper()
	type verdict struct {
		Findings []string
		Closed   bool
	}
	want := map[watch.Key]verdict{}
	counter, firsts := s.rules.NewCounter(), map[watch.Key]time.Time{}
	for _, e := range stream {
		facts, err := counter.Count(e)
		if err != nil {
			s.t.Fatal(err)
		}
		found, err := s.rules.Judge(e, facts)
		if err != nil {
			s.t.Fatal(err)
		}
		for _, f := range found {
			if _, ok := firsts[f.Key]; !ok {
				firsts[f.Key] = e.GetOccurredAt().AsTime()
			}
			v := want[f.Key]
			v.Findings = append(v.Findings, e.GetId())
			want[f.Key] = v
		}
	}
	for key, v := range want {
		for _, e := range stream {
			for _, a := range watch.Attendances(e) {
				v.Closed = v.Closed || s.rules.Find(key.Rule).Reconciles(key, firsts[key], a)
			}
		}
		want[key] = v
	}
	got := map[watch.Key]verdict{}
	for _, c := range s.list() {
		steps, err := s.cases.Steps(limit(s.t), c)
		if err != nil {
			s.t.Fatal(err)
		}
		v := verdict{Closed: c.State == "closed"}
		for _, step := range slices.Backward(steps) {
			if step.Kind != "reconcile" {
				v.Findings = append(v.Findings, step.EventID)
			}
		}
		got[watch.Key{Rule: c.Rule, ODSCode: c.ODSCode, StaffID: c.StaffID, NHSNumber: c.NHSNumber, Period: c.Period}] = v
	}
	if len(want) < 20 {
		s.t.Errorf("the stream makes %d cases: too few to mean anything", len(want))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		s.t.Errorf("cases (-rules +database):\n%s", diff)
	}
	var unaccounted int
	if err := s.h.Owner.Get(&unaccounted, `SELECT count(*) FROM watch_case c WHERE NOT EXISTS
		(SELECT FROM event e WHERE e.action = 'case.open' AND position(convert_to(c.id::text, 'UTF8') IN e.body) > 0)`); err != nil || unaccounted > 0 {
		s.t.Errorf("%d cases are not in the log, %v", unaccounted, err)
	}
}

// buildReplica builds this test program with its failpoints.
func buildReplica(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "replica")
	if text, err := exec.CommandContext(limit(t), "go", "test", "-c", "-tags", "failpoints", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, text)
	}
	return program
}

// run runs a replica to its end, which is nil when it judged all there was.
func run(t *testing.T, program string, h testkit.Handles, failpoints string) error {
	cmd := exec.CommandContext(limit(t), program)
	cmd.Env = append(os.Environ(), replicaVariable+"="+h.AppURL, "DCR_FAILPOINTS="+failpoints)
	text, err := cmd.CombinedOutput()
	var ended *exec.ExitError
	if errors.As(err, &ended) && ended.ExitCode() >= 0 {
		t.Errorf("a replica failed with %s: %v\n%s", failpoints, err, strings.TrimSpace(string(text)))
	}
	return err
}

// replica watches until all is judged, and gives the code to exit with.
func replica(url string) int {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := watchAll(ctx, url); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func watchAll(ctx context.Context, url string) error {
	db, err := postgres.Open(ctx, postgres.Config{URL: url, StatementTimeout: 30 * time.Second})
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	_, cases, err := openStores(ctx, db)
	if err != nil {
		return err
	}
	rules, err := watch.Default()
	if err != nil {
		return err
	}
	w, err := watcher.New(watcher.Config{
		Cases: cases, Rules: rules, Log: slog.New(slog.DiscardHandler), Meter: noop.Meter{}, Now: noon, Leaves: 5,
		NewID: func() (uuid.UUID, error) { return randomID(noon()) },
	})
	if err != nil {
		return err
	}
	for {
		if _, err := w.Judge(ctx); err != nil {
			return err
		}
		watched, err := cases.Watched(ctx, nil)
		if err != nil {
			return err
		}
		if end, err := cases.TreeEnd(ctx); err != nil || watched == end {
			return err
		}
	}
}
