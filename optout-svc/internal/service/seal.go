package service

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	recordv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/record/v1"
	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"
	"google.golang.org/protobuf/proto"

	"github.com/dorsetcarerecord/dcr/internal/failpoint"
	"github.com/dorsetcarerecord/dcr/internal/outbox"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/letter"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/store"
)

// eventSealed is the step of history when record-svc had a choice. It moves nothing, so it is not in the table
// of package request.
const eventSealed = "sealed"

// deliverSeal is the outbox's way to record-svc; it notes the confirmation. No answer of record-svc makes
// it give up: an opt-out that is not sealed stays in the queue until it is.
func (c *core) deliverSeal(seal recordv1.SealServiceClient) outbox.Handler {
	return func(ctx context.Context, m outbox.Message) error {
		told := &recordv1.ApplyChoiceRequest{}
		if err := proto.Unmarshal(m.Payload, told); err != nil {
			return outbox.Refuse("UNREADABLE", fmt.Errorf("decode seal: %w", err))
		}
		failpoint.Hit("optout.seal.before_apply")
		kept, err := seal.ApplyChoice(ctx, told)
		if err != nil {
			return fmt.Errorf("apply choice: %w", err)
		}
		failpoint.Hit("optout.seal.after_apply")
		switch {
		case kept.GetChoiceNumber() > told.GetChoiceNumber():
			return nil // a later choice has arrived already; this one never took effect there
		case kept.GetChoiceNumber() < told.GetChoiceNumber() || kept.GetSealed() != told.GetSealed():
			return fmt.Errorf("apply choice: %w", errContradicted)
		}
		if err := c.confirmSeal(ctx, told.GetNhsNumber(), told.GetChoiceNumber()); err != nil {
			return err
		}
		failpoint.Hit("optout.seal.after_confirm")
		return nil
	}
}

// confirmSeal notes that record-svc has a choice, in the history of the request too, and writes to the person.
// Repeated, it does nothing: the first time counts, and the letter is written once.
func (c *core) confirmSeal(ctx context.Context, nhsNumber string, number int64) error {
	return c.store.InTx(ctx, func(tx *sqlx.Tx) error {
		made, err := c.store.ByNumber(ctx, tx, nhsNumber, number)
		if err != nil {
			return fmt.Errorf("find choice: %w", err)
		}
		t, err := c.sealed(ctx, tx, made.OptOutID)
		if err != nil {
			return err
		}
		at := c.moment()
		first, err := c.store.Confirm(ctx, tx, nhsNumber, number, at)
		if err != nil || !first || t == nil {
			return err
		}
		t.record(eventSealed, t.o.State, detail{note: "choice " + strconv.FormatInt(number, 10)})
		kind := letter.OptedInConfirmed
		if made.Sealed {
			kind = letter.EffectConfirmed
		}
		t.letters = append(t.letters, Occasion{
			Kind: kind, Name: strconv.FormatInt(number, 10), MadeAt: made.MadeAt, ConfirmedAt: at,
		})
		failpoint.Hit("optout.seal.before_confirm")
		return t.save(ctx)
	})
}

// sealed locks the request that a choice came of; nil when it came of none.
func (c *core) sealed(ctx context.Context, tx *sqlx.Tx, id *uuid.UUID) (*task, error) {
	if id == nil {
		return nil, nil //nolint:nilnil // two numbers were linked
	}
	o, err := c.store.Lock(ctx, tx, *id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("find request of choice: %w", err)
	}
	if err != nil {
		return nil, err
	}
	return &task{core: c, tx: tx, by: system(), at: c.moment(), o: o}, nil
}
