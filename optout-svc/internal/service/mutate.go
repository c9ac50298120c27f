package service

import (
	"context"
	"errors"
	"fmt"
	"time"

	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"

	"github.com/dorsetcarerecord/dcr/internal/accounting"
	"github.com/dorsetcarerecord/dcr/internal/idempotency"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/request"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/store"
)

// sealWait is how long an answer waits for record-svc. Past it the answer says "registered": the gateway refuses
// already, and the outbox completes the seal.
const sealWait = 2 * time.Second

// mutate changes a request once, however often it is asked for, and gives it as it stands.
//
// Request, choice, event, seal and answer are committed together; from that moment the access decision follows
// the choice. Then, in this order: audit-svc has the event, or the answer is AUDIT_UNAVAILABLE and the same
// request id asks again; record-svc has the seal, or the answer says that this is still to come.
func (c *core) mutate(ctx context.Context, req accounting.Mutation, actor request.Actor, work func(*sqlx.Tx, who) (*task, error)) (*optoutv1.OptOut, error) {
	id, err := c.change(ctx, req, actor, work)
	if err != nil {
		return nil, err
	}
	return c.load(ctx, id)
}

// change is mutate without the answer: the id of the request that was changed.
func (c *core) change(ctx context.Context, req accounting.Mutation, actor request.Actor, work func(*sqlx.Tx, who) (*task, error)) (uuid.UUID, error) {
	by, err := whoOf(actor, req.GetEvent())
	if err != nil {
		return uuid.Nil, err
	}
	key, err := accounting.Key(ctx, req)
	if err != nil {
		return uuid.Nil, err
	}
	var outcome idempotency.Outcome[*optoutv1.GetOptOutRequest]
	var done *task
	err = c.store.InTx(ctx, func(tx *sqlx.Tx) error {
		done = nil
		outcome, err = idempotency.Once(ctx, tx, key, accounting.Same(req), func() (idempotency.Outcome[*optoutv1.GetOptOutRequest], error) {
			made := idempotency.Outcome[*optoutv1.GetOptOutRequest]{}
			t, err := work(tx, by)
			if err != nil {
				return made, err
			}
			if err := t.save(ctx); err != nil {
				return made, err
			}
			done = t
			// What is remembered is which request it was: how far its effect is will have changed.
			made.Answer, made.Deliver = &optoutv1.GetOptOutRequest{Id: t.o.ID.String()}, []uuid.UUID{by.event}
			return made, nil
		})
		return err
	})
	if err != nil {
		return uuid.Nil, err
	}
	committed(done)
	id, err := uuid.Parse(outcome.Answer.GetId())
	if err != nil {
		return uuid.Nil, fmt.Errorf("read remembered id: %w", err)
	}
	return id, c.settle(ctx, id, outcome.Deliver)
}

// errFresh says that a request was not carried out before.
var errFresh = errors.New("the request is new")

// again gives the answer to a request that was carried out before; nil for a new one. It is asked first where a
// change rests on what other services say: that may be otherwise by now, or not to be had.
func (c *core) again(ctx context.Context, req accounting.Mutation) (*optoutv1.OptOut, error) {
	key, err := accounting.Key(ctx, req)
	if err != nil {
		return nil, err
	}
	var outcome idempotency.Outcome[*optoutv1.GetOptOutRequest]
	err = c.store.InTx(ctx, func(tx *sqlx.Tx) error {
		outcome, err = idempotency.Once(ctx, tx, key, accounting.Same(req), func() (idempotency.Outcome[*optoutv1.GetOptOutRequest], error) {
			return idempotency.Outcome[*optoutv1.GetOptOutRequest]{}, errFresh
		})
		return err
	})
	if errors.Is(err, errFresh) {
		return nil, nil //nolint:nilnil // nobody asked before
	}
	if err != nil {
		return nil, err
	}
	id, err := uuid.Parse(outcome.Answer.GetId())
	if err != nil {
		return nil, fmt.Errorf("read remembered id: %w", err)
	}
	if err := c.settle(ctx, id, outcome.Deliver); err != nil {
		return nil, err
	}
	return c.load(ctx, id)
}

// settle waits for audit-svc, and for a while for record-svc.
func (c *core) settle(ctx context.Context, id uuid.UUID, events []uuid.UUID) error {
	// Both are told at the same time: the seal must not wait for an audit-svc that is slow.
	c.outbox.Wake()
	if err := c.outbox.Flush(ctx, events...); err != nil {
		return accounting.Unaccounted(err)
	}
	seals, err := c.unsealed(ctx, id)
	if err != nil || len(seals) == 0 {
		return err
	}
	sealing, cancel := context.WithTimeout(ctx, sealWait)
	defer cancel()
	// The outbox logs what went wrong, and goes on; the state of the answer tells.
	_ = c.outbox.Flush(sealing, seals...)
	return nil
}

// unsealed are the messages that record-svc has not confirmed, of choices that came of a request.
func (c *core) unsealed(ctx context.Context, id uuid.UUID) ([]uuid.UUID, error) {
	o, err := c.store.Get(ctx, nil, id)
	if err != nil {
		return nil, err
	}
	if o.Number == 0 {
		return nil, nil
	}
	made, err := c.store.Choices(ctx, o.NHSNumber)
	if err != nil {
		return nil, err
	}
	var ids []uuid.UUID
	for _, choice := range made {
		if choice.ConfirmedAt == nil && choice.OptOutID != nil && *choice.OptOutID == id {
			ids = append(ids, choice.ID)
		}
	}
	return ids, nil
}

// load reads a request as it stands now, with its whole history.
func (c *core) load(ctx context.Context, id uuid.UUID) (*optoutv1.OptOut, error) {
	o, err := c.store.Get(ctx, nil, id)
	if err != nil {
		return nil, fmt.Errorf("load request: %w", err)
	}
	return c.whole(ctx, o)
}

// whole is a request with all that belongs to it, in the words of the contract.
func (c *core) whole(ctx context.Context, o store.OptOut) (*optoutv1.OptOut, error) {
	made := c.encode(o)
	steps, err := c.store.Steps(ctx, o.ID)
	if err != nil {
		return nil, err
	}
	evidence, err := c.store.Evidence(ctx, nil, o.ID)
	if err != nil {
		return nil, err
	}
	documents, err := c.store.Documents(ctx, nil, o.ID)
	if err != nil {
		return nil, err
	}
	letters, err := c.store.Letters(ctx, o.ID)
	if err != nil {
		return nil, err
	}
	if o.NHSNumber != "" {
		choices, err := c.store.Choices(ctx, o.NHSNumber)
		if err != nil {
			return nil, err
		}
		made.PersonChoices = encodeChoices(choices)
	}
	made.Steps, made.EvidenceItems = encodeSteps(steps), encodeEvidence(evidence)
	made.Documents, made.Letters = encodeDocuments(documents), encodeLetters(letters)
	if needsEvidence(c.factsOf(o)) {
		made.MissingEvidence = c.missingKinds(o, shownKinds(o, evidence))
	}
	return made, nil
}
