package app

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"time"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/dorsetcarerecord/dcr/internal/postgres"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/event"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/export"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/store"
)

// actionExport is what the log says of an export.
const actionExport = "audit.export"

// Export is the command that writes events into a folder which anybody can check.
type Export struct {
	Dir      string          `arg:"" help:"Folder to write, which must not exist."`
	Database postgres.Config `embed:""`

	From time.Time `help:"First day, such as 2026-11-01; the first event when left out." format:"2006-01-02" placeholder:"DAY"`
	To   time.Time `help:"Day after the last, likewise." format:"2006-01-02" placeholder:"DAY"`

	known
}

// Help is the longer text of --help.
func (Export) Help() string {
	return `Writes the checkpoint that a witness has cosigned last, the events below it as they were stored, and the tiles that
prove them, into a folder that "dcrctl audit verify" checks with the log's public key alone. Days are of UTC, by the
time in an event's id. The folder is about people: only its owner may read it, and where it goes is that owner's
responsibility. That it was made is itself in the log, before its first line is written.`
}

// Run writes the folder.
func (x *Export) Run(ctx context.Context) (err error) {
	trust, err := x.trust()
	if err != nil {
		return err
	}
	x.Database.Schema = store.Schema
	db, err := postgres.Open(ctx, x.Database)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	log, err := store.Open(ctx, db, event.Same)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	tell := tellProgress(clock)
	r, err := export.Write(ctx, export.Config{DB: db, Dir: x.Dir, From: x.From, To: x.To, Trust: trust, Progress: tell,
		Account: func(ctx context.Context, events int64) error { return accountExport(ctx, log, events) }})
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stdout, "%d events under the checkpoint of %d leaves, with %d cosignatures: %s\n", r.Events, r.Checkpoint.Size, len(r.Checkpoint.Cosignatures), x.Dir)
	return nil
}

// accountExport writes the export's own event, durably: nothing is released without one.
func accountExport(ctx context.Context, log *store.Store, events int64) error {
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("make event id: %w", err)
	}
	now := clock().UTC().Truncate(time.Microsecond)
	e := &auditv1.Event{
		Id: id.String(), OccurredAt: timestamppb.New(now), Action: actionExport, Outcome: auditv1.Outcome_OUTCOME_RELEASED,
		Actor:      &auditv1.Actor{Kind: auditv1.ActorKind_ACTOR_KIND_SERVICE, Display: name},
		Basis:      &auditv1.Basis{Purpose: "oversight"},
		Disclosure: &auditv1.Disclosure{Entries: int32(min(events, math.MaxInt32))}, //nolint:gosec // bounded
	}
	if problem := event.Check(e, event.Direct, now); problem != nil {
		return problem
	}
	row, err := store.NewRow(e, now)
	if err != nil {
		return err
	}
	results, err := log.Append(ctx, [][]store.Row{{row}})
	if err != nil {
		return err
	}
	if len(results) != 1 || results[0].Conflict {
		return errors.New("the export's event was not stored")
	}
	return nil
}
