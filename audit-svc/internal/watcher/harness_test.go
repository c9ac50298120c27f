package watcher_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"
	"go.opentelemetry.io/otel/metric/noop"
	"google.golang.org/protobuf/types/known/timestamppb"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"

	"github.com/dorsetcarerecord/dcr/internal/testkit"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/event"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/store"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/watch"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/watcher"
)

// TestMain runs a replica instead of the tests when it is started as one (kill_test.go).
func TestMain(m *testing.M) {
	if url := os.Getenv(replicaVariable); url != "" {
		os.Exit(replica(url))
	}
	testkit.Main(m)
}

// limit bounds a test's waits.
func limit(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func noon() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

// scene is a log with its cases, and a clock that stands where it is put.
type scene struct {
	t     testing.TB
	h     testkit.Handles
	log   *store.Store
	cases *store.Cases
	rules *watch.Rules
	now   atomic.Pointer[time.Time]
	made  atomic.Int64
	leafs int64
}

func newScene(t testing.TB) *scene {
	t.Helper()
	h := testkit.Database(t, store.Schema, store.Migrations)
	if _, err := store.Maintain(limit(t), h.Owner, noon()); err != nil {
		t.Fatal(err)
	}
	return openScene(t, h)
}

func openScene(t testing.TB, h testkit.Handles) *scene {
	t.Helper()
	s := &scene{t: t, h: h}
	s.set(noon())
	var err error
	if s.log, s.cases, err = openStores(limit(t), h.App); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = s.cases.Close(), s.log.Close() })
	if s.rules, err = watch.Default(); err != nil {
		t.Fatal(err)
	}
	return s
}

func openStores(ctx context.Context, db *sqlx.DB) (*store.Store, *store.Cases, error) {
	log, err := store.Open(ctx, db, event.Same)
	if err != nil {
		return nil, nil, err
	}
	cases, err := store.OpenCases(ctx, db, log)
	return log, cases, err
}

func (s *scene) set(now time.Time) { s.now.Store(&now) }
func (s *scene) clock() time.Time  { return *s.now.Load() }

// newID makes ids by the scene's clock, each above the one before.
func (s *scene) newID() (uuid.UUID, error) { return uuid.Parse(idAt(s.clock(), int(s.made.Add(1)))) }

// randomID is a UUIDv7 of an instant.
func randomID(at time.Time) (uuid.UUID, error) {
	id, err := uuid.NewV7()
	if err == nil {
		stamp := uuid.MustParse(idAt(at, 0))
		copy(id[:6], stamp[:6])
	}
	return id, err
}

func (s *scene) watcher() *watcher.Watcher { return s.watcherOf(0) }

// watcherOf judges so many leaves at once.
func (s *scene) watcherOf(leaves int) *watcher.Watcher {
	s.t.Helper()
	w, err := watcher.New(watcher.Config{
		Cases: s.cases, Rules: s.rules, Log: slog.New(slog.DiscardHandler), Meter: noop.Meter{}, Now: s.clock, NewID: s.newID,
		Every: time.Millisecond, Leaves: leaves,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return w
}

// watch judges until nothing is left.
func (s *scene) watch() {
	s.t.Helper()
	w := s.watcher()
	for {
		n, err := w.Judge(limit(s.t))
		if err != nil {
			s.t.Fatal(err)
		}
		if n == 0 {
			return
		}
	}
}

// store appends events to the log, and gives them leaves in the given order, as the sequencer does.
func (s *scene) store(events ...*auditv1.Event) {
	s.t.Helper()
	var rows []store.Row
	for _, e := range events {
		row, err := store.NewRow(e, s.clock())
		if err != nil {
			s.t.Fatal(err)
		}
		rows = append(rows, row)
	}
	for part := range slices.Chunk(rows, 200) {
		if _, err := s.log.Append(limit(s.t), [][]store.Row{slices.Clone(part)}); err != nil {
			s.t.Fatal(err)
		}
	}
	for _, e := range events {
		s.exec(`INSERT INTO leaf (leaf_index, event_id, leaf_hash) SELECT $1, id, leaf_hash FROM event WHERE id = $2::uuid`, s.leafs, e.GetId())
		s.leafs++
	}
}

// exec arranges as the owner what the service may not do.
func (s *scene) exec(text string, args ...any) {
	s.t.Helper()
	if _, err := s.h.Owner.ExecContext(limit(s.t), text, args...); err != nil {
		s.t.Fatal(err)
	}
}

// idAt is a UUIDv7 of an instant, told apart by n.
func idAt(at time.Time, n int) string {
	var raw [16]byte
	binary.BigEndian.PutUint64(raw[:8], uint64(at.UnixMilli())<<16)
	raw[6], raw[8] = 0x70, 0x80
	binary.BigEndian.PutUint32(raw[12:], uint32(n))
	return fmt.Sprintf("%x-%x-%x-%x-%x", raw[:4], raw[4:6], raw[6:8], raw[8:10], raw[10:])
}

const person = "9990000018"

// open is a paramedic's view of a record at an instant, with what is added to it.
func (s *scene) open(at time.Time, add ...func(*auditv1.Event)) *auditv1.Event {
	e := &auditv1.Event{
		Id: idAt(at, int(s.made.Add(1))), OccurredAt: timestamppb.New(at), Action: "record.view", Outcome: auditv1.Outcome_OUTCOME_RELEASED,
		Actor: &auditv1.Actor{Kind: auditv1.ActorKind_ACTOR_KIND_STAFF, StaffId: "staff-1", Display: "Test Paramedic", RoleCode: "R1070", OdsCode: "RYF"},
		Basis: &auditv1.Basis{}, NhsNumber: person, Disclosure: &auditv1.Disclosure{Entries: 1},
	}
	for _, a := range add {
		a(e)
	}
	return e
}

func by(staff string) func(*auditv1.Event) { return func(e *auditv1.Event) { e.Actor.StaffId = staff } }
func about(number string) func(*auditv1.Event) {
	return func(e *auditv1.Event) { e.NhsNumber = number }
}
func marked(marks ...string) func(*auditv1.Event) { return func(e *auditv1.Event) { e.Marks = marks } }

// declares makes the event one that declares a relationship.
func declares(kind, id string) func(*auditv1.Event) {
	return func(e *auditv1.Event) {
		e.Action, e.Outcome, e.Disclosure = "relationship.declare", auditv1.Outcome_OUTCOME_CHANGED, nil
		e.Change = &auditv1.Change{Resource: "care_relationship", Id: id, Summary: "declared"}
		e.Basis.RelationshipKind, e.Basis.RelationshipId = kind, id
		e.Marks = []string{kind}
	}
}

// feed is identity-svc's word that a feed stated an episode at an organisation.
func (s *scene) feed(at time.Time, ods string, from time.Time) *auditv1.Event {
	return &auditv1.Event{
		Id: idAt(at, int(s.made.Add(1))), OccurredAt: timestamppb.New(at), Action: watch.ActionFeed, Outcome: auditv1.Outcome_OUTCOME_CHANGED,
		Actor:     &auditv1.Actor{Kind: auditv1.ActorKind_ACTOR_KIND_SERVICE, Display: "record-svc", OdsCode: ods},
		NhsNumber: person, Basis: &auditv1.Basis{Purpose: "feed"},
		Change: &auditv1.Change{Resource: "care_relationship", Id: "m", Relationships: []*auditv1.StatedRelationship{
			{Id: "e", Kind: "episode", OdsCodes: []string{ods}, StartsAt: timestamppb.New(from)},
		}},
	}
}

// list gives every case, the first opened first.
func (s *scene) list() []store.Case {
	s.t.Helper()
	found, err := s.cases.List(limit(s.t), store.Scope{All: true}, store.CaseFilter{}, "", 10_000)
	if err != nil {
		s.t.Fatal(err)
	}
	slices.Reverse(found)
	return found
}

// steps gives the steps of a case in words, the first first.
func (s *scene) steps(c store.Case) []string {
	s.t.Helper()
	found, err := s.cases.Steps(limit(s.t), c)
	if err != nil {
		s.t.Fatal(err)
	}
	var words []string
	for _, f := range slices.Backward(found) {
		words = append(words, fmt.Sprintf("%d %s %s%s by %s", f.Number, f.Kind, f.State, spaced(f.Outcome), f.Actor))
	}
	return words
}

func spaced(word string) string {
	if word == "" {
		return ""
	}
	return " as " + word
}
