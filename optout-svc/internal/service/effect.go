package service

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/choice"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/request"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/store"
)

// choose makes the request's choice the person's next one: numbered, in force for the access decision as soon
// as this commits, and on its way to record-svc.
func (t *task) choose(ctx context.Context) error {
	if err := t.lockPerson(ctx); err != nil {
		return err
	}
	next, err := t.standing.OptOut()
	if !t.o.Sealed {
		next, err = t.standing.OptIn(t.standing.Number)
	}
	if err != nil {
		// Package request was asked on the same facts, and found that it changes something.
		return fmt.Errorf("choose: %w", err)
	}
	t.o.Number = next.Number
	return t.decree(ctx, next, store.CauseRequest)
}

// undo makes what was in force before the request's choice the person's next one.
func (t *task) undo(ctx context.Context) error {
	before, err := t.store.ByNumber(ctx, t.tx, t.o.NHSNumber, t.o.Number-1)
	if err != nil && !errors.Is(err, store.ErrNotFound) { // before the first choice everybody is open
		return err
	}
	next, err := t.standing.Undo(t.o.Number, before.Sealed)
	if err != nil {
		return fmt.Errorf("undo: %w", err)
	}
	return t.decree(ctx, next, store.CauseReversal)
}

// decree writes a choice of the matched person, and of whom it binds beside.
func (t *task) decree(ctx context.Context, next choice.Standing, cause store.Cause) error {
	if err := t.enactAt(ctx, t.tx, t.o.NHSNumber, next, &t.o.ID, cause, t.at); err != nil {
		return err
	}
	t.standing = &next
	return t.bindLinked(ctx, next.Sealed, cause)
}

// enact writes a choice of a person that was locked, now, and tells record-svc.
func (c *core) enact(ctx context.Context, tx *sqlx.Tx, nhsNumber string, next choice.Standing, optOut *uuid.UUID, cause store.Cause) error {
	return c.enactAt(ctx, tx, nhsNumber, next, optOut, cause, c.moment())
}

func (c *core) enactAt(ctx context.Context, tx *sqlx.Tx, nhsNumber string, next choice.Standing, optOut *uuid.UUID, cause store.Cause, at time.Time) error {
	id, err := c.newID()
	if err != nil {
		return fmt.Errorf("make id: %w", err)
	}
	made := store.Choice{
		NHSNumber: nhsNumber, Number: next.Number, ID: id, Sealed: next.Sealed, OptOutID: optOut, Cause: cause, MadeAt: at,
	}
	if err := c.store.InsertChoice(ctx, tx, made); err != nil {
		return err
	}
	if err := c.store.SetInForce(ctx, tx, nhsNumber, next); err != nil {
		return err
	}
	return putSeal(ctx, tx, made)
}

// effectuate makes a request that is ready effective, or refuses it as a duplicate that names the first. The
// person is locked, so that of two requests at the same instant one wins.
func (t *task) effectuate(ctx context.Context, note string) error {
	if err := t.lockPerson(ctx); err != nil {
		return err
	}
	f := t.facts()
	if t.o.NHSNumber == "" || f.Sealed != (f.Choice == request.Out) {
		return t.step(ctx, request.MakeEffective, detail{note: note})
	}
	first, err := t.first(ctx)
	if err != nil {
		return err
	}
	reason := reasonDuplicate(t.o.Sealed)
	d := detail{reason: reason, note: note}
	if first != nil {
		t.o.DuplicateOf, d.related = first.Reference, &first.ID
	}
	if err := t.step(ctx, request.Duplicate, d); err != nil {
		return err
	}
	t.refusalLetter(reason)
	return nil
}

// first is the request whose choice is in force; nil when none is, or it came of no request.
func (t *task) first(ctx context.Context) (*store.OptOut, error) {
	if t.standing == nil || t.standing.Number == 0 {
		return nil, nil //nolint:nilnil // nobody was first
	}
	inForce, err := t.store.ByNumber(ctx, t.tx, t.o.NHSNumber, t.standing.Number)
	if err != nil {
		return nil, fmt.Errorf("find choice in force: %w", err)
	}
	id := inForce.OptOutID
	if id == nil {
		if id, err = t.linkedFirst(ctx); err != nil || id == nil {
			return nil, err
		}
	}
	first, err := t.store.Get(ctx, t.tx, *id)
	if err != nil {
		return nil, fmt.Errorf("find first request: %w", err)
	}
	return &first, nil
}
