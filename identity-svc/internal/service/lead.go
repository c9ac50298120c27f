package service

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/dorsetcarerecord/dcr/identity-svc/internal/merge"
	"github.com/dorsetcarerecord/dcr/identity-svc/internal/store"
	"github.com/dorsetcarerecord/dcr/internal/outbox"
	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
	recordv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/record/v1"
)

// MergeTopic is the outbox topic of merges that are to be led on.
const MergeTopic = "identity.merge"

// Leader leads merges through the other services. Its Deliver is the outbox's handler of MergeTopic.
type Leader struct {
	Store  *store.Store
	OptOut optoutv1.LinkServiceClient
	Record recordv1.MergeServiceClient
	Now    func() time.Time
	NewID  func() (uuid.UUID, error)
}

var errNotInEffect = errors.New("the choices of both numbers are not in effect everywhere yet")

// Deliver does what is next for a merge until it rests. Each call is idempotent, and what it leads to is written
// only if the merge is still as it was: an unmerge that came meanwhile goes first. It is tried until it is done.
func (l *Leader) Deliver(ctx context.Context, m outbox.Message) error {
	told := &identityv1.GetMergeRequest{}
	if err := proto.Unmarshal(m.Payload, told); err != nil {
		return outbox.Refuse("UNREADABLE", fmt.Errorf("read merge: %w", err))
	}
	for {
		one, err := l.Store.Merge(ctx, told.GetId())
		if errors.Is(err, store.ErrNone) {
			return outbox.Refuse("MERGE_NOT_FOUND", err)
		}
		if err != nil {
			return err
		}
		moved, err := l.step(ctx, one)
		if err != nil || !moved {
			return err
		}
	}
}

// step does what is next, and tells whether that moved the merge.
func (l *Leader) step(ctx context.Context, one store.Merge) (moved bool, err error) {
	state, retired := merge.State(one.State), false
	switch state.Next() {
	case merge.Nothing:
		return false, nil
	case merge.Link:
		err = l.link(ctx, one)
	case merge.Retire:
		retired, err = l.retire(ctx, one)
	case merge.Unlink:
		err = l.unlink(ctx, one)
	}
	if err != nil {
		return false, err
	}
	next := state.Done(retired)
	if next == state {
		return false, nil
	}
	return true, l.write(ctx, one, next)
}

// link binds the choices of both numbers, and wants them confirmed.
func (l *Leader) link(ctx context.Context, one store.Merge) error {
	actor, err := actorOf(one)
	if err != nil {
		return err
	}
	done, err := l.OptOut.LinkNumbers(ctx, &optoutv1.LinkNumbersRequest{
		LinkId: one.ID, NhsNumber: one.NHSNumber, OtherNhsNumber: one.Superseded, Actor: actor,
	})
	if err != nil {
		return fmt.Errorf("link numbers: %w", err)
	}
	if !done.GetInEffect() {
		return fmt.Errorf("link numbers: %w", errNotInEffect)
	}
	return nil
}

// unlink seals both numbers, and wants that confirmed; then feeds may name the superseded one again.
func (l *Leader) unlink(ctx context.Context, one store.Merge) error {
	actor, err := actorOf(one)
	if err != nil {
		return err
	}
	done, err := l.OptOut.UnlinkNumbers(ctx, &optoutv1.UnlinkNumbersRequest{
		LinkId: one.ID, NhsNumber: one.NHSNumber, OtherNhsNumber: one.Superseded, Actor: actor,
	})
	if err != nil {
		return fmt.Errorf("unlink numbers: %w", err)
	}
	if !done.GetInEffect() {
		return fmt.Errorf("unlink numbers: %w", errNotInEffect)
	}
	if _, err := l.Record.RestoreNumber(ctx, &recordv1.RestoreNumberRequest{NhsNumber: one.Superseded}); err != nil {
		return fmt.Errorf("restore number: %w", err)
	}
	return nil
}

// retire has feeds that name the superseded number refused, if it has no record.
func (l *Leader) retire(ctx context.Context, one store.Merge) (bool, error) {
	done, err := l.Record.RetireNumber(ctx, &recordv1.RetireNumberRequest{NhsNumber: one.Superseded})
	if err != nil {
		return false, fmt.Errorf("retire number: %w", err)
	}
	return done.GetRetired(), nil
}

// write writes what was reached, unless the merge has moved meanwhile.
func (l *Leader) write(ctx context.Context, seen store.Merge, next merge.State) error {
	return l.Store.InTx(ctx, func(tx *sqlx.Tx) error {
		one, err := l.Store.LockMerge(ctx, tx, seen.ID)
		if err != nil {
			return err
		}
		if one.Version != seen.Version {
			return nil
		}
		now, summary := l.Now().UTC().Truncate(time.Microsecond), ""
		one.State = int16(next)
		switch next {
		case merge.Linked:
			one.LinkedAt, summary = &now, "linked"
		case merge.Published:
			one.PublishedAt, summary = &now, "published"
			err = l.Store.Supersede(ctx, tx, one.Superseded, one.NHSNumber, now)
		case merge.Unmerged:
			one.UnmergedAt, summary = &now, "undone: both sealed"
			err = l.Store.Unsupersede(ctx, tx, one.Superseded, one.NHSNumber)
		case merge.Linking, merge.Unlinking:
		}
		if err != nil {
			return err
		}
		if err := l.Store.PutMerge(ctx, tx, one); err != nil {
			return err
		}
		return l.account(ctx, tx, one, summary)
	})
}

// account writes an event for each of the two numbers.
func (l *Leader) account(ctx context.Context, tx *sqlx.Tx, one store.Merge, summary string) error {
	for _, number := range []string{one.NHSNumber, one.Superseded} {
		id, err := l.NewID()
		if err != nil {
			return fmt.Errorf("make event id: %w", err)
		}
		_, err = putEvent(ctx, tx, &auditv1.Event{
			Id: id.String(), OccurredAt: timeOf(id), Action: "number.merge_step", Outcome: auditv1.Outcome_OUTCOME_CHANGED,
			Actor:     &auditv1.Actor{Kind: auditv1.ActorKind_ACTOR_KIND_SERVICE, Display: "identity-svc"},
			NhsNumber: number, Basis: &auditv1.Basis{Purpose: "administration"},
			Change: &auditv1.Change{Resource: "merge", Id: one.ID, Summary: summary},
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// actorOf is who asked for the last change of a merge.
func actorOf(one store.Merge) (*auditv1.Actor, error) {
	actor := &auditv1.Actor{}
	if err := proto.Unmarshal(one.Actor, actor); err != nil {
		return nil, fmt.Errorf("read actor of merge: %w", err)
	}
	return actor, nil
}

// timeOf is the time that a UUIDv7 names: audit-svc wants the event's own time beside its id.
func timeOf(id uuid.UUID) *timestamppb.Timestamp {
	seconds, nanos := id.Time().UnixTime()
	return timestamppb.New(time.Unix(seconds, nanos))
}
