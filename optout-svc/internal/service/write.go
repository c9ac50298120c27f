package service

import (
	"context"
	"errors"
	"fmt"
	"time"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/dorsetcarerecord/dcr/internal/fault"
	"github.com/dorsetcarerecord/dcr/internal/outbox"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/choice"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/reference"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/store"
)

// writing implements OptOutWriteService.
type writing struct {
	optoutv1.UnimplementedOptOutWriteServiceServer
	*core
}

// asked is what both kinds of request say about how a choice came.
type asked interface {
	GetChannel() optoutv1.Channel
	GetEvidence() string
	GetRequester() optoutv1.Requester
	GetReceivedAt() *timestamppb.Timestamp
	GetEvent() *auditv1.EventContext
}

// RegisterOptOut registers the choice to opt out. See the proto for errors.
func (w *writing) RegisterOptOut(ctx context.Context, req *optoutv1.RegisterOptOutRequest) (*optoutv1.RegisterOptOutResponse, error) {
	if err := checkNumber(req.GetNhsNumber()); err != nil {
		return nil, err
	}
	if err := checkAsked(req, w.now()); err != nil {
		return nil, err
	}
	done, err := w.mutate(ctx, req, func(tx *sqlx.Tx) (store.OptOut, error) {
		standing, err := w.store.Lock(ctx, tx, req.GetNhsNumber())
		if err != nil {
			return store.OptOut{}, err
		}
		next, err := standing.OptOut()
		if errors.Is(err, choice.ErrAlreadyOut) {
			return store.OptOut{}, w.alreadyOut(ctx, tx, req.GetNhsNumber(), standing)
		}
		return w.choose(ctx, tx, req.GetNhsNumber(), next, req)
	})
	if err != nil {
		return nil, err
	}
	return &optoutv1.RegisterOptOutResponse{OptOut: done}, nil
}

// WithdrawOptOut opts the person back in. See the proto for errors.
func (w *writing) WithdrawOptOut(ctx context.Context, req *optoutv1.WithdrawOptOutRequest) (*optoutv1.WithdrawOptOutResponse, error) {
	id, err := uuid.Parse(req.GetId())
	if err != nil || id.String() != req.GetId() {
		return nil, notFound()
	}
	if err := checkAsked(req, w.now()); err != nil {
		return nil, err
	}
	done, err := w.mutate(ctx, req, func(tx *sqlx.Tx) (store.OptOut, error) {
		person, number, err := w.store.PersonOf(ctx, tx, id)
		if errors.Is(err, store.ErrNotFound) {
			return store.OptOut{}, notFound()
		}
		if err != nil {
			return store.OptOut{}, err
		}
		standing, err := w.store.Lock(ctx, tx, person)
		if err != nil {
			return store.OptOut{}, err
		}
		next, err := standing.OptIn(number)
		if errors.Is(err, choice.ErrNotOut) {
			return store.OptOut{}, fault.Precondition(ReasonNotOut, "This opt-out is not in force.")
		}
		return w.choose(ctx, tx, person, next, req)
	})
	if err != nil {
		return nil, err
	}
	return &optoutv1.WithdrawOptOutResponse{OptOut: done}, nil
}

// alreadyOut names the opt-out that is in force, to the privacy officer who asks.
func (w *writing) alreadyOut(ctx context.Context, tx *sqlx.Tx, nhsNumber string, standing choice.Standing) error {
	first, err := w.store.ByNumber(ctx, tx, nhsNumber, standing.Number)
	if err != nil {
		return fmt.Errorf("find first opt-out: %w", err)
	}
	return fault.Duplicate(ReasonAlreadyOut, "This person has opted out already.").
		With("reference", first.Reference).With("opt_out_id", first.ID.String())
}

// choose writes a person's next choice and, beside it, what audit-svc and record-svc must be told.
func (w *writing) choose(ctx context.Context, tx *sqlx.Tx, nhsNumber string, next choice.Standing, req asked) (store.OptOut, error) {
	id, err := w.newID()
	if err != nil {
		return store.OptOut{}, fmt.Errorf("make id: %w", err)
	}
	event, err := uuid.Parse(req.GetEvent().GetEventId())
	if err != nil {
		return store.OptOut{}, fmt.Errorf("read event id: %w", err)
	}
	now := w.now().UTC().Truncate(time.Microsecond)
	o := store.OptOut{
		ID: id, NHSNumber: nhsNumber, Number: next.Number, Sealed: next.Sealed,
		Channel: int32(req.GetChannel()), Evidence: req.GetEvidence(), Requester: int32(req.GetRequester()),
		ReceivedAt: now, RegisteredAt: now, Reference: reference.New(), EventID: event,
	}
	if at := req.GetReceivedAt(); at != nil {
		o.ReceivedAt = at.AsTime()
	}
	if err := w.store.Insert(ctx, tx, o); err != nil {
		return o, err
	}
	if err := w.store.SetInForce(ctx, tx, nhsNumber, next); err != nil {
		return o, err
	}
	return o, putMessages(ctx, tx, o, req.GetEvent())
}

// putMessages writes the event and the seal into the outbox. Their keys differ, so that an audit-svc that
// is down does not keep a record open.
func putMessages(ctx context.Context, tx *sqlx.Tx, o store.OptOut, ec *auditv1.EventContext) error {
	event, err := eventMessage(o, ec)
	if err != nil {
		return err
	}
	seal, err := sealMessage(o)
	if err != nil {
		return err
	}
	if err := outbox.Put(ctx, tx, event, seal); err != nil {
		return fmt.Errorf("put messages: %w", err)
	}
	return nil
}
