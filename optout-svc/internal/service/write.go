package service

import (
	"context"
	"errors"
	"slices"

	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
	"github.com/jmoiron/sqlx"

	"github.com/dorsetcarerecord/dcr/internal/fault"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/policy"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/request"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/store"
)

// writing implements OptOutWriteService.
type writing struct {
	optoutv1.UnimplementedOptOutWriteServiceServer
	*core
}

// reasonDuplicate is why a request is refused whose choice is in force already.
func reasonDuplicate(out bool) string {
	if out {
		return policy.RefusedAlreadyOut
	}
	return policy.RefusedNotOut
}

// RegisterOptOut takes a request as a privacy officer, and makes it effective when nothing is missing. See the
// proto for errors.
func (w *writing) RegisterOptOut(ctx context.Context, req *optoutv1.RegisterOptOutRequest) (*optoutv1.RegisterOptOutResponse, error) {
	if err := checkNumber(req.GetNhsNumber()); err != nil {
		return nil, err
	}
	if err := checkStaff(req.GetEvent(), w.now()); err != nil {
		return nil, err
	}
	o, err := w.draft(asked{
		out: wantsOut(req.GetChoice()), channel: req.GetChannel(), evidence: req.GetEvidence(), channelEvidence: req.GetChannelEvidence(),
		requester: req.GetRequester(), claimed: req.GetClaimed(), askedBy: req.GetAskedBy(), receivedAt: req.GetReceivedAt(),
		format: req.GetLetterFormat(),
	})
	if err != nil {
		return nil, err
	}
	items, err := w.items(req.GetEvidenceItems())
	if err != nil {
		return nil, err
	}
	if done, err := w.again(ctx, req); err != nil || done != nil {
		return &optoutv1.RegisterOptOutResponse{OptOut: done}, err
	}
	number, err := w.identified(ctx, o.Claim, req.GetNhsNumber())
	if err != nil {
		return nil, err
	}
	protected, err := w.protected(ctx, req.GetRequester(), o.BirthDate, number)
	if err != nil {
		return nil, err
	}
	done, err := w.mutate(ctx, req, request.Officer, func(tx *sqlx.Tx, by who) (*task, error) {
		t := w.begin(tx, o, by)
		return t, t.register(ctx, number, protected, items, req)
	})
	if err != nil {
		return nil, err
	}
	return &optoutv1.RegisterOptOutResponse{OptOut: done}, nil
}

// identified refuses a claim that contradicts who is known: somebody may have misread a digit. A number of whom
// nothing is known may be named by a privacy officer (DOMAIN section 7).
func (c *core) identified(ctx context.Context, said store.Claim, number string) (string, error) {
	found, err := c.meant(ctx, said, number)
	if err != nil {
		return "", err
	}
	switch found.GetOutcome() {
	case identityv1.MatchOutcome_MATCH_OUTCOME_SURE:
		return found.GetNhsNumber(), nil
	case identityv1.MatchOutcome_MATCH_OUTCOME_NONE:
		return number, nil
	default:
		return "", fault.Precondition(ReasonMismatch,
			"What is claimed is not what is known under this NHS number. Nothing was registered.")
	}
}

// register takes all steps that a privacy officer's own registration can take at once.
func (t *task) register(ctx context.Context, number string, protected bool, items []store.Evidence, req *optoutv1.RegisterOptOutRequest) error {
	if err := t.step(ctx, request.Submit, detail{}); err != nil {
		return err
	}
	t.assign(number, protected)
	if err := t.unlessInForce(ctx); err != nil {
		return err
	}
	if err := t.checkDocuments(ctx, items); err != nil {
		return err
	}
	t.keep(items)
	t.recheck()
	if !req.GetHold() {
		t.state()
	}
	if err := t.step(ctx, request.Match, detail{}); err != nil {
		return err
	}
	if req.GetHold() || request.State(t.o.State) != request.Ready {
		return errors.Join(t.greet(ctx, ""), t.account(req.GetEvent(), "received"))
	}
	if err := t.effectuate(ctx, ""); err != nil {
		return err
	}
	summary := "opted in"
	if t.o.Sealed {
		summary = "registered"
	}
	return t.account(req.GetEvent(), summary)
}

// unlessInForce refuses what is in force already, and names the first request.
func (t *task) unlessInForce(ctx context.Context) error {
	if err := t.lockPerson(ctx); err != nil {
		return err
	}
	if t.standing.Sealed != t.o.Sealed {
		return nil
	}
	first, err := t.first(ctx)
	if err != nil {
		return err
	}
	refusal := fault.Precondition(ReasonNotOut, "This person has no opt-out in force.")
	if t.o.Sealed {
		refusal = fault.Duplicate(string(request.ReasonAlreadyOut), "This person has opted out already.")
	}
	if first != nil {
		refusal = refusal.With("reference", first.Reference).With("opt_out_id", first.ID.String())
	}
	return refusal
}

// state keeps a privacy officer's word for a person's own request that all evidence of its channel was seen,
// where the policy takes it instead of a list: the line of evidence says what it was. Where the channel's own
// evidence says otherwise the request waits, so that an officer looks again and lists what was seen.
func (t *task) state() {
	if t.o.CheckedAt != nil || contradicts(decodeEvidence(t.o.ChannelEvidence)) || !t.policy.OfficerMayState(requesterOf(optoutv1.Requester(t.o.Requester)), channelOf(optoutv1.Channel(t.o.Channel))) {
		return
	}
	t.keep([]store.Evidence{{Kind: evidenceStatement, Note: t.o.Evidence, SeenOn: string(t.today())}})
	at := t.at
	t.o.CheckedAt = &at
}

// contradicts tells whether what a channel left behind says that who asks is not proved: a question that was not
// answered rightly, or a form that came by post without proof of name and address.
func contradicts(e *optoutv1.ChannelEvidence) bool {
	wrong := func(q *optoutv1.IdentityQuestion) bool { return !q.GetAnsweredRightly() }
	byPost := e.GetPost()
	return slices.ContainsFunc(e.GetTelephone().GetQuestions(), wrong) ||
		byPost != nil && !(byPost.GetNameProofSeen() && byPost.GetAddressProofSeen())
}

// StartOptOut takes a request that a member of staff starts, or a privacy officer who does not know the number.
// See the proto for errors.
func (w *writing) StartOptOut(ctx context.Context, req *optoutv1.StartOptOutRequest) (*optoutv1.StartOptOutResponse, error) {
	if err := checkStaff(req.GetEvent(), w.now()); err != nil {
		return nil, err
	}
	o, err := w.draft(asked{
		out: wantsOut(req.GetChoice()), channel: req.GetChannel(), evidence: req.GetEvidence(), channelEvidence: req.GetChannelEvidence(),
		requester: req.GetRequester(), claimed: req.GetClaimed(), askedBy: req.GetAskedBy(), format: req.GetLetterFormat(),
		claimField: "person.",
	})
	if err != nil {
		return nil, err
	}
	actor := request.Staff
	if req.GetEvent().GetActor().GetProfession() == privacyOfficer {
		actor = request.Officer
	}
	done, err := w.mutate(ctx, req, actor, func(tx *sqlx.Tx, by who) (*task, error) {
		t := w.begin(tx, o, by)
		if err := t.step(ctx, request.Submit, detail{}); err != nil {
			return t, err
		}
		return t, errors.Join(t.proceed(), t.account(req.GetEvent(), "started"))
	})
	if err != nil {
		return nil, err
	}
	return &optoutv1.StartOptOutResponse{Reference: done.GetReference(), ReceivedAt: done.GetReceivedAt(), DueAt: done.GetDueAt()}, nil
}

// privacyOfficer is the profession of the access policy that starts requests in a privacy officer's part.
const privacyOfficer = "privacy_officer"
