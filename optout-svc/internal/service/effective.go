package service

import (
	"context"

	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
	"github.com/google/uuid"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/policy"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/reference"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/request"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/store"
)

// MakeEffective makes a request effective for which nothing is missing. See the proto for errors.
func (w *writing) MakeEffective(ctx context.Context, req *optoutv1.MakeEffectiveRequest) (*optoutv1.MakeEffectiveResponse, error) {
	why, err := note(req.GetNote())
	if err != nil {
		return nil, err
	}
	o, err := w.find(ctx, req.GetId())
	if err != nil {
		return nil, err
	}
	if done, err := w.again(ctx, req); err != nil || done != nil {
		return &optoutv1.MakeEffectiveResponse{OptOut: done}, err
	}
	protected, err := w.protected(ctx, optoutv1.Requester(o.Requester), o.BirthDate, o.NHSNumber)
	if err != nil {
		return nil, err
	}
	samePerson := func(now store.OptOut) bool { return now.NHSNumber == o.NHSNumber }
	done, err := w.decide(ctx, req, request.Officer, samePerson, func(t *task) error {
		if err := t.decideEffect(ctx, protected, why); err != nil {
			return err
		}
		return t.account(req.GetEvent(), map[request.State]string{
			request.Effective: "made effective", request.Refused: "refused as a duplicate",
			request.NeedsEvidence: "sent back to safeguarding",
		}[request.State(t.o.State)])
	})
	if err != nil {
		return nil, err
	}
	return &optoutv1.MakeEffectiveResponse{OptOut: done}, nil
}

// decideEffect is a privacy officer's decision that a request takes effect: a candidate is signed off by it.
// What stands before the effect refuses it; what has come to stand there since it was ready sends it back.
func (t *task) decideEffect(ctx context.Context, protected bool, why string) error {
	t.o.ProtectedChild = t.o.ProtectedChild || protected
	f := t.facts()
	needs := request.Outstanding(f)
	if f.State == request.Ready && len(needs) > 0 {
		officer := t.by
		t.by = who{actor: request.System, event: officer.event}
		defer func() { t.by = officer }()
		return t.step(ctx, request.Reconsider, detail{reason: "safeguarding"})
	}
	if f.State.Pending() {
		if err := missing(needs); err != nil {
			return err
		}
	}
	if t.facts().Candidate && t.o.SignedOffAt == nil {
		at := t.at
		t.o.SignedOffAt = &at
		if err := t.step(ctx, request.SignOff, detail{note: why}); err != nil {
			return err
		}
	}
	return t.effectuate(ctx, why)
}

// DecideSafeguarding is a safeguarding lead's decision. See the proto for errors.
func (w *writing) DecideSafeguarding(ctx context.Context, req *optoutv1.DecideSafeguardingRequest) (*optoutv1.DecideSafeguardingResponse, error) {
	why, err := note(req.GetNote())
	if err != nil {
		return nil, err
	}
	done, err := w.decide(ctx, req, request.Lead, nil, func(t *task) error {
		if req.GetDecision() == optoutv1.SafeguardingDecision_SAFEGUARDING_DECISION_AGREED {
			at := t.at
			t.o.SafeguardingAllowedAt = &at
			if err := t.step(ctx, request.AllowSafeguarding, detail{note: why}); err != nil {
				return err
			}
			return t.account(req.GetEvent(), "agreed to")
		}
		if err := t.step(ctx, request.DeclineSafeguarding, detail{reason: policy.RefusedSafeguarding, note: why}); err != nil {
			return err
		}
		t.refusalLetter(policy.RefusedSafeguarding)
		return t.account(req.GetEvent(), "refused")
	})
	if err != nil {
		return nil, err
	}
	return &optoutv1.DecideSafeguardingResponse{RequestState: done.GetRequestState()}, nil
}

// ReverseOptOut undoes a request that was made effective for the wrong person. See the proto for errors.
func (w *writing) ReverseOptOut(ctx context.Context, req *optoutv1.ReverseOptOutRequest) (*optoutv1.ReverseOptOutResponse, error) {
	why, err := note(req.GetNote())
	if err != nil {
		return nil, err
	}
	done, err := w.decide(ctx, req, request.Officer, nil, func(t *task) error {
		if err := t.lockPerson(ctx); err != nil {
			return err
		}
		d := detail{note: why}
		var next *task
		if req.GetRenew() {
			var err error
			if next, err = t.renewal(ctx); err != nil {
				return err
			}
			d.related, t.o.RenewedAs = &next.o.ID, &next.o.ID
		}
		if err := t.step(ctx, request.Reverse, d); err != nil {
			return err
		}
		if err := t.account(req.GetEvent(), "reversed"); err != nil || next == nil {
			return err
		}
		return next.save(ctx)
	})
	if err != nil {
		return nil, err
	}
	resp := &optoutv1.ReverseOptOutResponse{OptOut: done}
	if id, err := uuid.Parse(done.GetRenewedAs()); err == nil {
		if resp.Renewed, err = w.load(ctx, id); err != nil {
			return nil, err
		}
	}
	return resp, nil
}

// renewal is the request that goes on for the right person. It waits for a privacy officer to say who that is:
// what was claimed led to the wrong one.
func (t *task) renewal(ctx context.Context) (*task, error) {
	id, err := t.newID()
	if err != nil {
		return nil, err
	}
	o := store.OptOut{
		ID: id, Reference: reference.New(), Sealed: t.o.Sealed, Channel: t.o.Channel, Evidence: t.o.Evidence,
		ChannelEvidence: t.o.ChannelEvidence, Requester: t.o.Requester, ReceivedAt: t.o.ReceivedAt, EnteredAt: t.at,
		LetterFormat: t.o.LetterFormat, PolicyVersion: t.policy.Version(), Renews: &t.o.ID, HasClaim: t.o.HasClaim, Claim: t.o.Claim,
	}
	next := t.begin(t.tx, o, t.by)
	// What came by the public form is taken over by the officer; its channel says how it came.
	if err := next.step(ctx, request.Renew, detail{related: &t.o.ID}); err != nil {
		return nil, err
	}
	next.by = system()
	if err := next.step(ctx, request.NoMatch, detail{reason: "reversed"}); err != nil {
		return nil, err
	}
	return next, nil
}
