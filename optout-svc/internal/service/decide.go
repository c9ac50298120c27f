package service

import (
	"context"
	"errors"
	"slices"

	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
	"github.com/jmoiron/sqlx"

	"github.com/dorsetcarerecord/dcr/internal/accounting"
	"github.com/dorsetcarerecord/dcr/internal/fault"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/claim"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/letter"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/post"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/request"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/store"
)

// decision is what all decisions about a request name.
type decision interface {
	accounting.Mutation
	GetId() string
}

// decide changes one request as a member of staff. unchanged refuses when the request is not the one that was
// looked at before the questions to other services; nil asks nothing.
func (w *writing) decide(ctx context.Context, req decision, actor request.Actor, unchanged func(store.OptOut) bool, work func(*task) error) (*optoutv1.OptOut, error) {
	if err := checkStaff(req.GetEvent(), w.now()); err != nil {
		return nil, err
	}
	id, err := parseID(req.GetId())
	if err != nil {
		return nil, err
	}
	return w.mutate(ctx, req, actor, func(tx *sqlx.Tx, by who) (*task, error) {
		t, err := w.take(ctx, tx, id, by)
		if err != nil {
			return nil, err
		}
		if unchanged != nil && !unchanged(t.o) {
			return nil, moved()
		}
		return t, work(t)
	})
}

// note checks the words of a member of staff; empty ones are none.
func note(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	line, err := claim.Line(text, maxNote)
	if err != nil {
		return "", invalid("note", err.Error())
	}
	return line, nil
}

// MatchOptOut names the person of a request. See the proto for errors.
func (w *writing) MatchOptOut(ctx context.Context, req *optoutv1.MatchOptOutRequest) (*optoutv1.MatchOptOutResponse, error) {
	if err := checkNumber(req.GetNhsNumber()); err != nil {
		return nil, err
	}
	why, err := note(req.GetOverride())
	if err != nil {
		return nil, err
	}
	o, err := w.find(ctx, req.GetId())
	if err != nil {
		return nil, err
	}
	if done, err := w.again(ctx, req); err != nil || done != nil {
		return &optoutv1.MatchOptOutResponse{OptOut: done}, err
	}
	if err := w.agrees(ctx, o, req.GetNhsNumber(), why); err != nil {
		return nil, err
	}
	protected, err := w.protected(ctx, optoutv1.Requester(o.Requester), o.BirthDate, req.GetNhsNumber())
	if err != nil {
		return nil, err
	}
	var way post.Way
	if w.factsOf(o).OwnOnline() {
		if way, err = w.reachable(ctx, o, req.GetNhsNumber()); err != nil {
			return nil, err
		}
	}
	done, err := w.decide(ctx, req, request.Officer, nil, func(t *task) error {
		voided := t.o.NHSNumber != "" && t.o.NHSNumber != req.GetNhsNumber()
		t.assign(req.GetNhsNumber(), protected)
		t.recheck()
		if voided {
			if err := t.store.VoidCode(ctx, t.tx, t.o.ID); err != nil {
				return err
			}
		}
		if err := t.step(ctx, request.Match, detail{note: why}); err != nil {
			return err
		}
		return errors.Join(t.greet(ctx, way), t.account(req.GetEvent(), "matched"))
	})
	if err != nil {
		return nil, err
	}
	return &optoutv1.MatchOptOutResponse{OptOut: done}, nil
}

// agrees refuses a match that contradicts who is known under the number, unless it is said why it is right.
func (w *writing) agrees(ctx context.Context, o store.OptOut, number, why string) error {
	if !o.HasClaim || why != "" {
		return nil
	}
	found, err := w.meant(ctx, o.Claim, number)
	if err != nil {
		return err
	}
	sure, none := identityv1.MatchOutcome_MATCH_OUTCOME_SURE, identityv1.MatchOutcome_MATCH_OUTCOME_NONE
	if (found.GetOutcome() == sure && found.GetNhsNumber() == number) || found.GetOutcome() == none {
		return nil
	}
	return fault.Precondition(ReasonMismatch, "What was claimed is not what is known under this NHS number. Say in override why it is this person, or match another.")
}

// RequestEvidence asks the requester for proof. See the proto for errors.
func (w *writing) RequestEvidence(ctx context.Context, req *optoutv1.RequestEvidenceRequest) (*optoutv1.RequestEvidenceResponse, error) {
	why, err := note(req.GetNote())
	if err != nil {
		return nil, err
	}
	for _, kind := range req.GetKinds() {
		if _, known := w.policy.Item(kind); !known {
			return nil, invalid("kinds", "must be kinds of evidence that the policy knows")
		}
	}
	done, err := w.decide(ctx, req, request.Officer, nil, func(t *task) error {
		kinds := req.GetKinds()
		if len(kinds) == 0 {
			kinds = t.missing()
		}
		t.o.Asked = slices.Compact(slices.Sorted(slices.Values(slices.Concat(t.o.Asked, kinds))))
		if err := t.step(ctx, request.RequestEvidence, detail{note: why}); err != nil {
			return err
		}
		if t.o.NHSNumber != "" {
			t.letters = append(t.letters, Occasion{Kind: letter.EvidenceWanted, Name: req.GetRequestId(), Wanted: kinds})
		}
		return t.account(req.GetEvent(), "evidence requested")
	})
	if err != nil {
		return nil, err
	}
	return &optoutv1.RequestEvidenceResponse{OptOut: done}, nil
}

// RecordEvidence notes proof that a privacy officer has seen. See the proto for errors.
func (w *writing) RecordEvidence(ctx context.Context, req *optoutv1.RecordEvidenceRequest) (*optoutv1.RecordEvidenceResponse, error) {
	items, err := w.items(req.GetEvidenceItems())
	if err != nil {
		return nil, err
	}
	done, err := w.decide(ctx, req, request.Officer, nil, func(t *task) error {
		if err := t.checkDocuments(ctx, items); err != nil {
			return err
		}
		t.keep(items)
		t.recheck()
		if err := t.step(ctx, request.RecordEvidence, detail{}); err != nil {
			return err
		}
		return t.account(req.GetEvent(), "evidence recorded")
	})
	if err != nil {
		return nil, err
	}
	return &optoutv1.RecordEvidenceResponse{OptOut: done}, nil
}

// RefuseOptOut refuses an open request. See the proto for errors.
func (w *writing) RefuseOptOut(ctx context.Context, req *optoutv1.RefuseOptOutRequest) (*optoutv1.RefuseOptOutResponse, error) {
	why, err := note(req.GetNote())
	if err != nil {
		return nil, err
	}
	if !w.policy.MayRefuseFor(req.GetReason(), request.Officer) {
		return nil, invalid("reason", "must be a reason that the policy gives privacy officers")
	}
	done, err := w.decide(ctx, req, request.Officer, nil, func(t *task) error {
		if err := t.step(ctx, request.Refuse, detail{reason: req.GetReason(), note: why}); err != nil {
			return err
		}
		t.refusalLetter(req.GetReason())
		return errors.Join(t.store.VoidCode(ctx, t.tx, t.o.ID), t.account(req.GetEvent(), "refused"))
	})
	if err != nil {
		return nil, err
	}
	return &optoutv1.RefuseOptOutResponse{OptOut: done}, nil
}
