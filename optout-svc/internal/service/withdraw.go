package service

import (
	"context"
	"errors"

	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"

	"github.com/dorsetcarerecord/dcr/internal/fault"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/request"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/store"
)

// WithdrawOptOut ends an open request, or opts the person of one in force back in. See the proto for errors.
func (w *writing) WithdrawOptOut(ctx context.Context, req *optoutv1.WithdrawOptOutRequest) (*optoutv1.WithdrawOptOutResponse, error) {
	if err := checkStaff(req.GetEvent(), w.now()); err != nil {
		return nil, err
	}
	old, err := w.find(ctx, req.GetId())
	if err != nil {
		return nil, err
	}
	if done, err := w.again(ctx, req); err != nil || done != nil {
		return &optoutv1.WithdrawOptOutResponse{OptOut: done}, err
	}
	items, err := w.items(req.GetEvidenceItems())
	if err != nil {
		return nil, err
	}
	var work func(*sqlx.Tx, who) (*task, error)
	if request.State(old.State).Pending() {
		work = w.withdrawOpen(ctx, old, req)
	} else if work, err = w.optIn(ctx, old, items, req); err != nil {
		return nil, err
	}
	done, err := w.mutate(ctx, req, request.Officer, work)
	if err != nil {
		return nil, err
	}
	return &optoutv1.WithdrawOptOutResponse{OptOut: done}, nil
}

// withdrawOpen ends a request before it took effect.
func (w *writing) withdrawOpen(ctx context.Context, old store.OptOut, req *optoutv1.WithdrawOptOutRequest) func(*sqlx.Tx, who) (*task, error) {
	return func(tx *sqlx.Tx, by who) (*task, error) {
		t, err := w.take(ctx, tx, old.ID, by)
		if err != nil {
			return t, err
		}
		if !request.State(t.o.State).Pending() {
			return t, moved()
		}
		if err := t.step(ctx, request.Withdraw, detail{note: req.GetEvidence()}); err != nil {
			return t, err
		}
		return t, errors.Join(t.store.VoidCode(ctx, tx, t.o.ID), t.account(req.GetEvent(), "withdrawn"))
	}
}

// optIn makes a new request to opt in of an opt-out that is in force. What opting out needs, opting in needs
// too: somebody else's request waits for its evidence.
func (w *writing) optIn(ctx context.Context, old store.OptOut, items []store.Evidence, req *optoutv1.WithdrawOptOutRequest) (func(*sqlx.Tx, who) (*task, error), error) {
	o, err := w.draftIn(old, req)
	if err != nil {
		return nil, err
	}
	protected, err := w.protected(ctx, req.GetRequester(), o.BirthDate, old.NHSNumber)
	if err != nil {
		return nil, err
	}
	return func(tx *sqlx.Tx, by who) (*task, error) {
		t := w.begin(tx, o, by)
		if err := t.step(ctx, request.Submit, detail{related: &old.ID}); err != nil {
			return t, err
		}
		t.assign(old.NHSNumber, protected)
		if err := t.lockPerson(ctx); err != nil {
			return t, err
		}
		if _, err := t.standing.OptIn(old.Number); err != nil || !old.Sealed {
			return t, fault.Precondition(ReasonNotOut, "This opt-out is not in force.")
		}
		if err := t.checkDocuments(ctx, items); err != nil {
			return t, err
		}
		t.keep(items)
		t.recheck()
		t.state()
		if err := t.step(ctx, request.Match, detail{}); err != nil {
			return t, err
		}
		if request.State(t.o.State) != request.Ready {
			return t, errors.Join(t.greet(ctx, ""), t.account(req.GetEvent(), "received"))
		}
		if err := t.effectuate(ctx, ""); err != nil {
			return t, err
		}
		return t, t.account(req.GetEvent(), "withdrawn")
	}, nil
}

// draftIn is a request to opt in for the person of an earlier one: their particulars are those of that one.
func (w *writing) draftIn(old store.OptOut, req *optoutv1.WithdrawOptOutRequest) (store.OptOut, error) {
	if !old.HasClaim && req.GetRequester() != optoutv1.Requester_REQUESTER_SELF {
		return store.OptOut{}, invalid("requester", "register a new request to opt in: nothing but the number is known of this person")
	}
	a := asked{
		channel: req.GetChannel(), evidence: req.GetEvidence(), requester: req.GetRequester(), askedBy: req.GetAskedBy(),
		receivedAt: req.GetReceivedAt(), format: optoutv1.LetterFormat(old.LetterFormat),
	}
	if old.HasClaim {
		a.claimed = &optoutv1.ClaimedPerson{
			NhsNumber: old.NHSNumber, FamilyName: old.FamilyName, GivenNames: old.GivenNames, BirthDate: old.BirthDate, Postcode: old.Postcode,
		}
	}
	return w.draft(a)
}

// find reads a request by the id that a caller gave.
func (c *core) find(ctx context.Context, text string) (store.OptOut, error) {
	id, err := parseID(text)
	if err != nil {
		return store.OptOut{}, err
	}
	o, err := c.store.Get(ctx, nil, id)
	if errors.Is(err, store.ErrNotFound) {
		return o, notFound()
	}
	return o, err
}

// parseID reads the id of a request in its usual form.
func parseID(text string) (uuid.UUID, error) {
	id, err := uuid.Parse(text)
	if err != nil || id.String() != text {
		return uuid.Nil, notFound()
	}
	return id, nil
}
