// Package logtest makes logs for tests with the service's own parts: events are appended, the sequencer gives them
// their places and signs, and a witness cosigns.
package logtest

import (
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"
	"go.opentelemetry.io/otel/metric/noop"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/dorsetcarerecord/dcr/internal/testkit"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/event"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/sequencer"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/sign"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/store"
	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

const (
	// Origin of every log.
	Origin = "audit.example/log"
	// Stages of a log, each of PerStage events with a head, a checkpoint and a cosignature; one tile gets whole.
	Stages = 6
	// PerStage is the number of events in each stage.
	PerStage = 50
	// Leaves of the tree.
	Leaves = Stages * PerStage
	// Waiting events have no leaf.
	Waiting = 3
	// limit bounds the waits of one log.
	limit = 5 * time.Minute
)

// Now is when all events happen: on this day, within some minutes.
func Now() time.Time { return time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC) }

// Log is a log in a database of its own, and the keys of everybody.
type Log struct {
	// App and Super are ways into the database: as the service, and as superuser.
	App, Super *sqlx.DB
	// Owner is the way in of the schema's owner.
	Owner *sqlx.DB
	// AppURL is the first of them as a URL.
	AppURL string
	// Store is the service's.
	Store *store.Store
	// Private key of the log, and Keys that sign with it.
	Private string
	Keys    *sign.Keys
	// Cosigner is the witness.
	Cosigner *verify.Cosigner
	// Trust in both, with no quorum.
	Trust *verify.Trust
	// Seen is what the witness cosigned last.
	Seen verify.Checkpoint
}

// New makes a log. The package's TestMain must be testkit.Main.
func New(t testing.TB) *Log {
	t.Helper()
	h := testkit.Database(t, store.Schema, store.Migrations)
	ctx := within(t)
	if _, err := store.Maintain(ctx, h.Owner, Now()); err != nil {
		t.Fatal(err)
	}
	l := &Log{App: h.App, Owner: h.Owner, AppURL: h.AppURL}
	l.MakeKeys(t)
	var err error
	if l.Store, err = store.Open(ctx, h.App, event.Same); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Store.Close() })
	if l.Super, err = sqlx.ConnectContext(ctx, "postgres", h.SuperURL); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Super.Close() })
	l.grow(t)
	return l
}

func within(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	t.Cleanup(cancel)
	return ctx
}

// KeyName is name and id of a public key, as signatures bear them.
func KeyName(public string) string { return strings.Join(strings.SplitN(public, "+", 3)[:2], "+") }

// MakeKeys makes the keys of log and witness.
func (l *Log) MakeKeys(t testing.TB) {
	t.Helper()
	private, public, err := verify.GenerateLogKey(rand.Reader, Origin)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte(private), 0o600); err != nil {
		t.Fatal(err)
	}
	if l.Keys, err = sign.Load(sign.Config{Origin: Origin, Keys: []string{file}}); err != nil {
		t.Fatal(err)
	}
	l.Private = private
	witness, _, err := verify.GenerateWitnessKey(rand.Reader, "witness.example")
	if err != nil {
		t.Fatal(err)
	}
	if l.Cosigner, err = verify.NewCosigner(witness); err != nil {
		t.Fatal(err)
	}
	if l.Trust, err = verify.NewTrust([]string{public}, []string{l.Cosigner.PublicKey()}, 0); err != nil {
		t.Fatal(err)
	}
}

// grow appends events in Stages; the sequencer takes and signs them, the witness cosigns.
func (l *Log) grow(t testing.TB) {
	t.Helper()
	ctx, stop := context.WithCancel(within(t))
	s, err := sequencer.New(sequencer.Config{Limits: sequencer.Limits{Every: 5 * time.Millisecond, Checkpoint: time.Millisecond}, Log: l.Store, Keys: l.Keys,
		Diary: slog.New(slog.NewTextHandler(io.Discard, nil)), Meter: noop.Meter{}, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	for range Stages {
		AppendEvents(t, l.Store, PerStage)
		l.cosign(t)
	}
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	AppendEvents(t, l.Store, Waiting)
}

// cosign waits for a checkpoint of all events, and cosigns it.
func (l *Log) cosign(t testing.TB) {
	t.Helper()
	want, ctx := l.Seen.Size+PerStage, within(t)
	for {
		c, err := l.Store.Largest(ctx)
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
		line, err := l.Cosigner.Cosign(c.Body, Now())
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Store.AddCosignature(ctx, c.Size, KeyName(l.Cosigner.PublicKey()), line, Now(), Now()); err != nil {
			t.Fatal(err)
		}
		if l.Seen, err = verify.ParseCheckpoint(c.Body); err != nil {
			t.Fatal(err)
		}
		return
	}
}

// AppendEvents stores n events, each different.
func AppendEvents(t testing.TB, log *store.Store, n int) {
	t.Helper()
	var group []store.Row
	for i := range n {
		group = append(group, NewRow(t, i))
	}
	if _, err := log.Append(within(t), [][]store.Row{group}); err != nil {
		t.Fatal(err)
	}
}

// NewRow is a row of NewEvent.
func NewRow(t testing.TB, i int) store.Row {
	t.Helper()
	row, err := store.NewRow(NewEvent(i), Now())
	if err != nil {
		t.Fatal(err)
	}
	return row
}

// NewEvent is a view or a refusal, with something in every column.
func NewEvent(i int) *auditv1.Event {
	at := Now().Add(time.Duration(i) * 1234567 * time.Microsecond)
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
