package service

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"

	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"
	"google.golang.org/protobuf/proto"

	"github.com/dorsetcarerecord/dcr/internal/accounting"
	"github.com/dorsetcarerecord/dcr/internal/fault"
	"github.com/dorsetcarerecord/dcr/internal/idempotency"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/store"
)

const (
	// sealWait is how long an answer waits for record-svc. Past it the answer says "registered": the
	// gateway refuses already, and the outbox completes the seal.
	sealWait = 2 * time.Second
	// clockSkew is how far ahead of ours the clock of whoever noted the receipt may be.
	clockSkew = time.Minute
)

// mutation is what both kinds of request have.
type mutation interface {
	proto.Message
	asked
	GetRequestId() string
}

// mutate makes a choice once, however often it is asked for, and gives it as it stands.
//
// Choice, event, seal and answer are committed together; from that moment the access decision follows the
// choice. Then, in this order: audit-svc has the event, or the answer is AUDIT_UNAVAILABLE and the same
// request id asks again; record-svc has the seal, or the answer says that this is still to come.
func (w *writing) mutate(ctx context.Context, req mutation, work func(*sqlx.Tx) (store.OptOut, error)) (*optoutv1.OptOut, error) {
	key, err := accounting.Key(ctx, req)
	if err != nil {
		return nil, err
	}
	var outcome idempotency.Outcome[*optoutv1.GetOptOutRequest]
	err = w.store.InTx(ctx, func(tx *sqlx.Tx) error {
		outcome, err = idempotency.Once(ctx, tx, key, accounting.Same(req), func() (idempotency.Outcome[*optoutv1.GetOptOutRequest], error) {
			made, err := work(tx)
			// What is remembered is which choice it was: how far its effect is will have changed.
			return idempotency.Outcome[*optoutv1.GetOptOutRequest]{
				Answer: &optoutv1.GetOptOutRequest{Id: made.ID.String()}, Deliver: []uuid.UUID{made.EventID},
			}, err
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	id, err := uuid.Parse(outcome.Answer.GetId())
	if err != nil {
		return nil, fmt.Errorf("read remembered id: %w", err)
	}
	if err := w.settle(ctx, id, outcome.Deliver); err != nil {
		return nil, err
	}
	return w.load(ctx, id)
}

// settle waits for audit-svc, and for a while for record-svc.
func (w *writing) settle(ctx context.Context, id uuid.UUID, events []uuid.UUID) error {
	// Both are told at the same time: the seal must not wait for an audit-svc that is slow.
	w.outbox.Wake()
	if err := w.outbox.Flush(ctx, events...); err != nil {
		return accounting.Unaccounted(err)
	}
	sealing, cancel := context.WithTimeout(ctx, sealWait)
	defer cancel()
	// The outbox logs what went wrong, and goes on; the state of the answer tells.
	_ = w.outbox.Flush(sealing, sealID(id))
	return nil
}

// checkAsked refuses what cannot be, before anything is written.
func checkAsked(req asked, now time.Time) error {
	if strings.ContainsFunc(req.GetEvidence(), unicode.IsControl) {
		return fault.Invalid(ReasonArgument, "evidence", "must be text without control characters")
	}
	if at := req.GetReceivedAt(); at != nil {
		if !at.IsValid() || at.AsTime().After(now.Add(clockSkew)) {
			return fault.Invalid(ReasonArgument, "received_at", "must be a time that is not in the future")
		}
	}
	return checkContext(req.GetEvent(), now)
}
