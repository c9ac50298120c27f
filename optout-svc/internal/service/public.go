package service

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"time"

	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"

	"github.com/dorsetcarerecord/dcr/internal/accounting"
	"github.com/dorsetcarerecord/dcr/internal/fault"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/reference"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/request"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/store"
)

// public implements OptOutPublicService. What it answers, and the statements that it executes, depend on nothing
// that is known of a person: whatever does is left to the background (proceed.go).
type public struct {
	optoutv1.UnimplementedOptOutPublicServiceServer
	*core
}

// triesPeriod is that of policy.Limits.PerReferenceHourly.
const triesPeriod = time.Hour

// evidenceOnline is the line of evidence of a request by the public form.
const evidenceOnline = "online form"

// SubmitOptOut receives a request. See the proto for errors.
func (p *public) SubmitOptOut(ctx context.Context, req *optoutv1.SubmitOptOutRequest) (*optoutv1.SubmitOptOutResponse, error) {
	if err := checkPublic(req.GetEvent(), p.now()); err != nil {
		return nil, err
	}
	if req.GetClaimed().GetPostcode() == "" {
		return nil, invalid("person.postcode", "must be the person's postcode")
	}
	o, err := p.draft(asked{
		out: wantsOut(req.GetChoice()), channel: optoutv1.Channel_CHANNEL_ONLINE, evidence: evidenceOnline, requester: req.GetRequester(),
		claimed: req.GetClaimed(), askedBy: req.GetAskedBy(), format: req.GetLetterFormat(), claimField: "person.",
	})
	if err != nil {
		return nil, err
	}
	var kept store.OptOut
	id, err := p.change(ctx, req, request.Person, func(tx *sqlx.Tx, by who) (*task, error) {
		t := p.begin(tx, o, by)
		if err := t.step(ctx, request.Submit, detail{}); err != nil {
			return t, err
		}
		return t, errors.Join(t.proceed(), t.account(req.GetEvent(), "received"))
	})
	if err != nil {
		return nil, err
	}
	if kept, err = p.store.Get(ctx, nil, id); err != nil {
		return nil, err
	}
	return &optoutv1.SubmitOptOutResponse{
		Reference: kept.Reference, ReceivedAt: stamp(kept.ReceivedAt), DueAt: stamp(dueAt(p.deadlines().Of(kept.ReceivedAt))),
	}, nil
}

// tried finds the request of a reference after counting the try. The zero OptOut stands for one that there is
// not: the same statements follow for it.
func (p *public) tried(ctx context.Context, given string) (o store.OptOut, parsed string, allowed bool, err error) {
	parsed, err = reference.Parse(given)
	if err != nil {
		return o, "", false, invalid("reference", err.Error())
	}
	now, hash := p.moment(), sha256.Sum256([]byte(parsed))
	tries, err := p.store.CountTry(ctx, hash[:], now, now.Add(-triesPeriod))
	if err != nil {
		return o, parsed, false, err
	}
	o, err = p.store.ByReference(ctx, nil, parsed)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return o, parsed, false, err
	}
	return o, parsed, tries <= p.policy.Limits().PerReferenceHourly, nil
}

// GetOptOutStatus tells how far a request is. See the proto for errors.
func (p *public) GetOptOutStatus(ctx context.Context, req *optoutv1.GetOptOutStatusRequest) (*optoutv1.GetOptOutStatusResponse, error) {
	o, _, allowed, err := p.tried(ctx, req.GetReference())
	if err != nil {
		return nil, err
	}
	same := subtle.ConstantTimeCompare([]byte(o.BirthDate), []byte(req.GetBirthDate())) == 1
	if !allowed || !o.HasClaim || !same {
		return nil, fault.NotFound(ReasonStatus, "There is no request with this reference and date of birth, or it was asked for too often. Check both, or call the privacy officer.")
	}
	resp := &optoutv1.GetOptOutStatusResponse{
		Status: p.progress(o), Choice: choiceNumber(o.Sealed), ReceivedAt: stamp(o.ReceivedAt),
		DueAt: stamp(dueAt(p.deadlines().Of(o.ReceivedAt))), NhsNumber: o.NHSNumber,
	}
	if resp.GetStatus() == optoutv1.PublicStatus_PUBLIC_STATUS_IN_EFFECT {
		resp.InEffectSince = stampOr(o.ConfirmedAt)
	}
	return resp, nil
}

// ConfirmOptOut confirms a request with its code. The right code again, of a request that it has confirmed, is
// answered again. See the proto for errors.
func (p *public) ConfirmOptOut(ctx context.Context, req *optoutv1.ConfirmOptOutRequest) (*optoutv1.ConfirmOptOutResponse, error) {
	if err := checkPublic(req.GetEvent(), p.now()); err != nil {
		return nil, err
	}
	o, parsed, allowed, err := p.tried(ctx, req.GetReference())
	if err != nil {
		return nil, err
	}
	kept, err := p.store.CodeOf(ctx, nil, o.ID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	if !allowed || !p.right(o, kept, req.GetCode()) {
		if err := p.store.CountWrongCode(ctx, parsed); err != nil {
			return nil, err
		}
		return nil, notAccepted()
	}
	if err := p.confirm(ctx, o.ID, req); err != nil {
		return nil, err
	}
	if o, err = p.store.Get(ctx, nil, o.ID); err != nil {
		return nil, err
	}
	return &optoutv1.ConfirmOptOutResponse{Status: p.progress(o)}, nil
}

func notAccepted() error {
	return fault.Precondition(ReasonCode, "This code and reference were not accepted: one of them is wrong, or the code is too old or was tried too often. Call the privacy officer.")
}

// right tells whether a code is that of a request, in time and not tried too often.
func (p *public) right(o store.OptOut, kept store.Code, given string) bool {
	code, err := reference.ParseCode(given)
	same := subtle.ConstantTimeCompare(codeHash(o, code), kept.Hash) == 1
	return err == nil && same && p.now().Before(kept.ValidUntil) && kept.Attempts < p.policy.Limits().CodeAttempts
}

// codeHash is what is kept of a code: useless for another request.
func codeHash(o store.OptOut, code string) []byte {
	sum := sha256.Sum256(append(o.ID[:], code...))
	return sum[:]
}

// confirm takes the step of the person, and has the system go on.
func (p *public) confirm(ctx context.Context, id uuid.UUID, req *optoutv1.ConfirmOptOutRequest) error {
	by, err := whoOf(request.Person, req.GetEvent())
	if err != nil {
		return err
	}
	var done *task
	err = p.store.InTx(ctx, func(tx *sqlx.Tx) error {
		t, err := p.take(ctx, tx, id, by)
		if err != nil {
			return err
		}
		summary := "confirmed"
		if t.o.ConfirmedByPersonAt == nil {
			if err := t.confirmed(ctx, req.GetCode()); err != nil {
				return err
			}
		} else {
			summary = "confirmed again"
		}
		if err := t.account(req.GetEvent(), summary); err != nil {
			return err
		}
		done = t
		return t.save(ctx)
	})
	if err != nil {
		return err
	}
	committed(done)
	p.outbox.Wake()
	if err := p.outbox.Flush(ctx, by.event); err != nil {
		return accounting.Unaccounted(err)
	}
	return nil
}

// confirmed takes the step; the code is looked at again now that the request is locked.
func (t *task) confirmed(ctx context.Context, given string) error {
	kept, err := t.store.CodeOf(ctx, t.tx, t.o.ID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if !(&public{core: t.core}).right(t.o, kept, given) {
		return notAccepted()
	}
	at := t.at
	t.o.ConfirmedByPersonAt = &at
	if err := t.step(ctx, request.Confirm, detail{}); err != nil {
		return notAccepted()
	}
	if f := t.facts(); f.State == request.Ready && f.Settled() {
		return t.proceed()
	}
	return nil
}
