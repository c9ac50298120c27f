package fsck_test

import (
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"
	"go.opentelemetry.io/otel/metric/noop"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/dorsetcarerecord/dcr/internal/testkit"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/event"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/fsck"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/sequencer"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/sign"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/store"
	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

func TestMain(m *testing.M) { testkit.Main(m) }

const (
	origin = "audit.example/log"
	// stages of the log, each with a head, a checkpoint and a cosignature; one tile gets whole.
	stages, perStage = 6, 50
	leaves           = stages * perStage
	// waiting events have no leaf.
	waiting = 3
)

// now is the clock of these tests.
var now = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// fixture is a log that the service's own parts made, and the keys of everybody.
type fixture struct {
	super    *sqlx.DB
	private  string
	keys     *sign.Keys
	cosigner *verify.Cosigner
	trust    *verify.Trust
	// seen is what the witness cosigned last.
	seen verify.Checkpoint
}

func limit(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// newFixture makes a log.
func newFixture(t *testing.T) *fixture {
	t.Helper()
	h := testkit.Database(t, store.Schema, store.Migrations)
	if _, err := store.Maintain(limit(t), h.Owner, now); err != nil {
		t.Fatal(err)
	}
	log, err := store.Open(limit(t), h.App, event.Same)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	f := &fixture{}
	f.makeKeys(t)
	if f.super, err = sqlx.ConnectContext(limit(t), "postgres", h.SuperURL); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.super.Close() })
	f.grow(t, log)
	return f
}

func (f *fixture) makeKeys(t *testing.T) {
	t.Helper()
	private, public, err := verify.GenerateLogKey(rand.Reader, origin)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte(private), 0o600); err != nil {
		t.Fatal(err)
	}
	if f.keys, err = sign.Load(sign.Config{Origin: origin, Keys: []string{file}}); err != nil {
		t.Fatal(err)
	}
	f.private = private
	witness, _, err := verify.GenerateWitnessKey(rand.Reader, "witness.example")
	if err != nil {
		t.Fatal(err)
	}
	if f.cosigner, err = verify.NewCosigner(witness); err != nil {
		t.Fatal(err)
	}
	if f.trust, err = verify.NewTrust([]string{public}, []string{f.cosigner.PublicKey()}, 0); err != nil {
		t.Fatal(err)
	}
}

// grow appends events in stages; the sequencer takes and signs them, the witness cosigns.
func (f *fixture) grow(t *testing.T, log *store.Store) {
	t.Helper()
	ctx, stop := context.WithCancel(limit(t))
	s, err := sequencer.New(sequencer.Config{Limits: sequencer.Limits{Every: 5 * time.Millisecond, Checkpoint: time.Millisecond}, Log: log, Keys: f.keys,
		Diary: slog.New(slog.NewTextHandler(io.Discard, nil)), Meter: noop.Meter{}, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	for range stages {
		appendEvents(t, log, perStage)
		f.cosign(t, log)
	}
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	appendEvents(t, log, waiting)
}

// cosign waits for a checkpoint of all events, and cosigns it.
func (f *fixture) cosign(t *testing.T, log *store.Store) {
	t.Helper()
	want, ctx := f.seen.Size+perStage, limit(t)
	for {
		c, err := log.Largest(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if c == nil || c.Size < want || c.Signatures == "" {
			select {
			case <-ctx.Done():
				t.Fatalf("no checkpoint of %d leaves", want)
			case <-time.After(5 * time.Millisecond):
			}
			continue
		}
		line, err := f.cosigner.Cosign(c.Body, now)
		if err != nil {
			t.Fatal(err)
		}
		if err := log.AddCosignature(ctx, c.Size, keyName(f.cosigner.PublicKey()), line, now, now); err != nil {
			t.Fatal(err)
		}
		if f.seen, err = verify.ParseCheckpoint(c.Body); err != nil {
			t.Fatal(err)
		}
		return
	}
}

// appendEvents stores n events, each different.
func appendEvents(t *testing.T, log *store.Store, n int) {
	t.Helper()
	var group []store.Row
	for i := range n {
		group = append(group, newRow(t, i))
	}
	if _, err := log.Append(limit(t), [][]store.Row{group}); err != nil {
		t.Fatal(err)
	}
}

func newRow(t *testing.T, i int) store.Row {
	t.Helper()
	row, err := store.NewRow(newEvent(i), now)
	if err != nil {
		t.Fatal(err)
	}
	return row
}

// newEvent is a view or a refusal, with something in every column.
func newEvent(i int) *auditv1.Event {
	at := now.Add(time.Duration(i) * 1234567 * time.Microsecond)
	e := &auditv1.Event{
		Id: verify.FirstID(at)[:14] + "7" + uuid.NewString()[15:], OccurredAt: timestamppb.New(at),
		Action: "record.view", Outcome: auditv1.Outcome_OUTCOME_RELEASED, NhsNumber: "9990000018",
		Actor:      &auditv1.Actor{Kind: auditv1.ActorKind_ACTOR_KIND_STAFF, StaffId: "staff-1", OdsCode: "RYF"},
		Basis:      &auditv1.Basis{RelationshipKind: "emergency"},
		Marks:      []string{"emergency"},
		Disclosure: &auditv1.Disclosure{Entries: int32(i)},
	}
	if i%3 == 0 {
		e.Outcome, e.Reason, e.Disclosure = auditv1.Outcome_OUTCOME_REFUSED, "NO_RELATIONSHIP", nil
	}
	return e
}

// config checks with everybody's keys.
func (f *fixture) config() fsck.Config { return fsck.Config{DB: f.super, Trust: f.trust} }
