package service

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
	"google.golang.org/protobuf/proto"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"

	"github.com/dorsetcarerecord/dcr/internal/accounting"
	"github.com/dorsetcarerecord/dcr/internal/failpoint"
	"github.com/dorsetcarerecord/dcr/internal/fault"
	"github.com/dorsetcarerecord/dcr/internal/idempotency"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/casework"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/event"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/store"
)

// Reasons of a step that is not made.
const (
	ReasonStepNotAllowed = "STEP_NOT_ALLOWED"
	ReasonVersionChanged = "VERSION_CHANGED"
)

// CaseWrite implements CaseWriteService.
type CaseWrite struct {
	auditv1.UnimplementedCaseWriteServiceServer
	cfg CaseConfig
}

// NewCaseWrite makes a CaseWrite.
func NewCaseWrite(cfg CaseConfig) (*CaseWrite, error) {
	return &CaseWrite{cfg: cfg}, cfg.check()
}

// TakeStep makes a step of a person. This service is the log, so nothing is handed on: the step, its event and
// the request's id commit together, and the answer is given after that. See the proto for errors.
func (c *CaseWrite) TakeStep(ctx context.Context, req *auditv1.TakeStepRequest) (*auditv1.TakeStepResponse, error) {
	if err := accounting.Check(req.GetEvent(), c.cfg.Now()); err != nil {
		return nil, err
	}
	p, err := plan(req)
	if err != nil {
		return nil, err
	}
	var resp *auditv1.TakeStepResponse
	err = c.cfg.Cases.InTx(ctx, func(tx *sqlx.Tx) error {
		resp, err = c.take(ctx, tx, p)
		return err
	})
	if err != nil {
		return nil, err
	}
	failpoint.Hit("audit.case.after_commit")
	return resp, nil
}

// planned is a request that was read.
type planned struct {
	request *auditv1.TakeStepRequest
	scope   store.Scope
	step    casework.Step
	key     store.CaseRequest
}

// plan reads a request. Who acts is taken from the event that accounts for it, so that step and event cannot
// name two people.
func plan(req *auditv1.TakeStepRequest) (planned, error) {
	p := planned{request: req}
	actor := req.GetEvent().GetActor()
	var err error
	if p.scope, err = scopeOf(req.GetScope()); err != nil {
		return p, err
	}
	if actor.GetKind() != auditv1.ActorKind_ACTOR_KIND_STAFF || actor.GetStaffId() == "" || actor.GetStaffId() != p.scope.Reader {
		return p, fault.Invalid(ReasonArgument, "event.actor", "must be the member of staff whose scope it is")
	}
	if !isUUID(req.GetId()) {
		return p, noCase()
	}
	p.step = casework.Step{
		Do: keyOf(kinds(), req.GetKind()), By: keyOf(actors(), req.GetReviewer()), StaffID: actor.GetStaffId(),
		Outcome: keyOf(outcomes(), req.GetOutcome()), Note: casework.Trimmed(req.GetNote()),
	}
	p.key, err = requestKey(req)
	return p, err
}

// requestKey names the request, and what makes another the same: all but the event, which is new with every
// attempt.
func requestKey(req *auditv1.TakeStepRequest) (store.CaseRequest, error) {
	id, err := idempotency.ParseRequestID(req.GetRequestId())
	if err != nil {
		return store.CaseRequest{}, err
	}
	asked, err := proto.MarshalOptions{Deterministic: true}.Marshal(accounting.Same(req))
	if err != nil {
		return store.CaseRequest{}, fmt.Errorf("serialise request: %w", err)
	}
	sum := sha256.Sum256(asked)
	a := req.GetEvent().GetActor()
	return store.CaseRequest{
		RequestID: id.String(), Caller: fmt.Sprintf("%q %q %q", a.GetStaffId(), a.GetIssuer(), a.GetSubject()), Hash: sum[:], CaseID: req.GetId(),
	}, nil
}

// take makes the step in the transaction, or recalls the one that the same request made before.
func (c *CaseWrite) take(ctx context.Context, tx *sqlx.Tx, p planned) (*auditv1.TakeStepResponse, error) {
	if err := c.cfg.Cases.Lock(ctx, tx, p.key.CaseID); err != nil {
		return nil, err
	}
	found, err := c.cfg.Cases.Find(ctx, tx, p.scope, p.key.CaseID)
	if errors.Is(err, store.ErrNoCase) {
		return nil, noCase()
	}
	if err != nil {
		return nil, err
	}
	first, known, err := c.cfg.Cases.Request(ctx, tx, p.key.RequestID, p.key.Caller)
	if err != nil {
		return nil, err
	}
	if known {
		return c.recall(ctx, tx, found, p, first)
	}
	if v := int(p.request.GetVersion()); v != 0 && v != found.Number {
		return nil, fault.Conflict(ReasonVersionChanged, "The case has changed since it was read. Read it again, and decide on what it is now.")
	}
	next, err := casework.Next(store.Standing(found), p.step)
	if err != nil {
		return nil, refused(err)
	}
	return c.write(ctx, tx, found.After(next, c.now()), p)
}

// write stores the step, its event and the request.
func (c *CaseWrite) write(ctx context.Context, tx *sqlx.Tx, after store.Case, p planned) (*auditv1.TakeStepResponse, error) {
	actor := p.request.GetEvent().GetActor()
	step := after.Step(store.CaseStep{
		Kind: string(p.step.Do), Actor: string(p.step.By), StaffID: actor.GetStaffId(), StaffDisplay: actor.GetDisplay(), ODSCode: actor.GetOdsCode(),
		Note: p.step.Note, EventID: p.request.GetEvent().GetEventId(),
	})
	if err := c.cfg.Cases.AddStep(ctx, tx, step); err != nil {
		return nil, err
	}
	row, err := c.event(after, p)
	if err != nil {
		return nil, err
	}
	if err := c.cfg.Cases.AddEvents(ctx, tx, row); err != nil {
		return nil, err
	}
	p.key.Number = step.Number
	mine, err := c.cfg.Cases.Remember(ctx, tx, p.key, c.now())
	if err != nil {
		return nil, err
	}
	if !mine {
		return nil, reused()
	}
	failpoint.Hit("audit.case.before_commit")
	return c.answer(after, step)
}

// event completes the attempt's context into the event of the step.
func (c *CaseWrite) event(after store.Case, p planned) (store.Row, error) {
	e := accounting.Complete(p.request.GetEvent(), accounting.Change{
		Resource: "case", ID: after.ID, NHSNumber: after.NHSNumber,
		Summary: casework.Summary(p.step.Do, p.step.Outcome, after.Rule, p.step.Note),
	}, c.now())
	if problem := event.Check(e, event.Direct, c.now()); problem != nil {
		return store.Row{}, fault.Invalid(ReasonArgument, "event", "must be one that the log takes").Because(problem)
	}
	return store.NewRow(e, c.now())
}

// recall gives the answer of the first request again: the case as it stood after its step.
func (c *CaseWrite) recall(ctx context.Context, tx *sqlx.Tx, found store.Case, p planned, first store.CaseRequest) (*auditv1.TakeStepResponse, error) {
	if first.CaseID != p.key.CaseID || !bytes.Equal(first.Hash, p.key.Hash) {
		return nil, reused()
	}
	step, err := c.cfg.Cases.Step(ctx, tx, first.CaseID, first.Number)
	if err != nil {
		return nil, err
	}
	found.Number, found.State, found.Outcome, found.DueAt = step.Number, step.State, step.Outcome, step.DueAt
	found.Findings, found.UpdatedAt = step.Findings, step.MadeAt
	return c.answer(found, step)
}

func (c *CaseWrite) answer(after store.Case, step store.CaseStep) (*auditv1.TakeStepResponse, error) {
	made, err := stepOf(step)
	if err != nil {
		return nil, err
	}
	return &auditv1.TakeStepResponse{Case: c.cfg.caseOf(after), Step: made}, nil
}

// now is to the microsecond, as it is stored: a repeated request is answered in the same words.
func (c *CaseWrite) now() time.Time { return c.cfg.Now().UTC().Truncate(time.Microsecond) }

func reused() *fault.Error {
	return fault.Conflict(idempotency.ReasonReused, "This request id was used for another request. Take a new one.").With("field", "request_id")
}

// refused says in the contract's words why casework makes no step.
func refused(err error) error {
	switch {
	case errors.Is(err, casework.OwnCase):
		return noCase() // as in scope: nobody learns of a case about themselves
	case errors.Is(err, casework.WrongOutcome):
		return fault.Invalid(ReasonArgument, "outcome", casework.WrongOutcome.Error())
	case errors.Is(err, casework.WrongNote):
		return fault.Invalid(ReasonArgument, "note", casework.WrongNote.Error())
	case errors.Is(err, casework.WrongState):
		return fault.Precondition(ReasonStepNotAllowed, "The case does not stand where this step can be made. Read it again.")
	case errors.Is(err, casework.WrongActor):
		return fault.Precondition(ReasonStepNotAllowed, "This step is the Caldicott Guardian's to make, or the privacy officer's.")
	default:
		return err
	}
}
