package service

import (
	"context"
	"errors"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"

	"github.com/dorsetcarerecord/dcr/gateway/internal/access"
	"github.com/dorsetcarerecord/dcr/gateway/internal/pipeline"
	"github.com/dorsetcarerecord/dcr/internal/fault"
	"github.com/dorsetcarerecord/dcr/internal/nhsnumber"
)

const casesPage = 50

type caseDesk struct {
	gatewayv1.UnimplementedCaseServiceServer
	*desk
}

// scopeOf is whose cases the caller may see, and that of nobody's own.
func scopeOf(c *pipeline.Call) *auditv1.CaseScope {
	scope := &auditv1.CaseScope{ReaderStaffId: c.Staff.GetStaffId(), AllOrganisations: c.Decision.CountyWide}
	if !scope.GetAllOrganisations() {
		scope.OdsCode = c.Organisation.GetOdsCode()
	}
	return scope
}

// ListCases shows a page; each person shown is an event.
func (s *caseDesk) ListCases(ctx context.Context, req *gatewayv1.ListCasesRequest) (*gatewayv1.ListCasesResponse, error) {
	c, err := staffCall(ctx)
	if err != nil {
		return nil, err
	}
	of, err := number("nhs_number", req.GetNhsNumber())
	if err != nil {
		return nil, err
	}
	c.About(of)
	bound := binding(c, req)
	after, err := s.pages.Open(bound, req.GetPageToken())
	if err != nil {
		return nil, err
	}
	filter := &auditv1.CaseFilter{Rule: req.GetRule(), Overdue: req.GetOverdue(), StaffId: req.GetStaffId(), NhsNumber: string(of)}
	if req.GetState() != auditv1.CaseState_CASE_STATE_UNSPECIFIED {
		filter.States = []auditv1.CaseState{req.GetState()}
	}
	got, err := s.caseReads.ListCases(ctx, &auditv1.ListCasesRequest{
		Scope: scopeOf(c), Filter: filter, PageSize: sizeOr(req.GetPageSize(), casesPage), AfterId: after,
	})
	if err != nil {
		return nil, told(err)
	}
	for _, shown := range got.GetCases() {
		if shown.GetNhsNumber() != "" {
			c.AddMatches(shown.GetNhsNumber())
		}
	}
	return &gatewayv1.ListCasesResponse{Cases: got.GetCases(), NextPageToken: s.pages.Seal(bound, got.GetNextAfterId())}, nil
}

// GetCase shows one; its event names the person.
func (s *caseDesk) GetCase(ctx context.Context, req *gatewayv1.GetCaseRequest) (*gatewayv1.GetCaseResponse, error) {
	c, err := staffCall(ctx)
	if err != nil {
		return nil, err
	}
	got, err := s.caseReads.GetCase(ctx, &auditv1.GetCaseRequest{Scope: scopeOf(c), Id: req.GetId()})
	if err != nil {
		return nil, told(err, reasonCaseNotFound)
	}
	c.About(nhsnumber.Number(got.GetCase().GetNhsNumber()))
	return &gatewayv1.GetCaseResponse{Case: got.GetCase(), Steps: got.GetSteps()}, nil
}

// stepRequest is what the requests of all steps have.
type stepRequest interface {
	GetRequestId() string
	GetId() string
	GetNote() string
	GetVersion() int32
}

// step makes one step, as what the policy says the caller is.
func (s *caseDesk) step(ctx context.Context, req stepRequest, kind auditv1.CaseStepKind, outcome auditv1.CaseOutcome) (*auditv1.Case, error) {
	c, id, err := change(ctx, req.GetRequestId())
	if err != nil {
		return nil, err
	}
	reviewer, err := reviewerOf(c)
	if err != nil {
		return nil, err
	}
	done, err := s.caseSteps.TakeStep(ctx, &auditv1.TakeStepRequest{
		RequestId: id, Scope: scopeOf(c), Id: req.GetId(), Kind: kind, Reviewer: reviewer, Outcome: outcome,
		Note: req.GetNote(), Version: req.GetVersion(), Event: c.EventContext(),
	})
	if err != nil {
		return nil, told(err, reasonCaseNotFound, reasonStepNotAllowed, reasonVersionChanged)
	}
	return done.GetCase(), nil
}

// reviewerOf is as what the caller makes steps. A policy that lets somebody make steps and does not say as what
// is a fault of the policy.
func reviewerOf(c *pipeline.Call) (auditv1.CaseActor, error) {
	switch c.Decision.Reviewer {
	case access.ReviewerOfficer:
		return auditv1.CaseActor_CASE_ACTOR_PRIVACY_OFFICER, nil
	case access.ReviewerGuardian:
		return auditv1.CaseActor_CASE_ACTOR_CALDICOTT_GUARDIAN, nil
	default:
		return 0, fault.Internal(errors.New("the policy lets a profession review cases, and does not name it under cases"))
	}
}

// ExplainCase writes an explanation down.
func (s *caseDesk) ExplainCase(ctx context.Context, req *gatewayv1.ExplainCaseRequest) (*gatewayv1.ExplainCaseResponse, error) {
	made, err := s.step(ctx, req, auditv1.CaseStepKind_CASE_STEP_KIND_EXPLAIN, 0)
	if err != nil {
		return nil, err
	}
	return &gatewayv1.ExplainCaseResponse{Case: made}, nil
}

// UpholdCase finds the look wrong.
func (s *caseDesk) UpholdCase(ctx context.Context, req *gatewayv1.UpholdCaseRequest) (*gatewayv1.UpholdCaseResponse, error) {
	made, err := s.step(ctx, req, auditv1.CaseStepKind_CASE_STEP_KIND_UPHOLD, 0)
	if err != nil {
		return nil, err
	}
	return &gatewayv1.UpholdCaseResponse{Case: made}, nil
}

// EscalateCase hands the case to the Caldicott Guardian.
func (s *caseDesk) EscalateCase(ctx context.Context, req *gatewayv1.EscalateCaseRequest) (*gatewayv1.EscalateCaseResponse, error) {
	made, err := s.step(ctx, req, auditv1.CaseStepKind_CASE_STEP_KIND_ESCALATE, 0)
	if err != nil {
		return nil, err
	}
	return &gatewayv1.EscalateCaseResponse{Case: made}, nil
}

// CloseCase ends the case.
func (s *caseDesk) CloseCase(ctx context.Context, req *gatewayv1.CloseCaseRequest) (*gatewayv1.CloseCaseResponse, error) {
	made, err := s.step(ctx, req, auditv1.CaseStepKind_CASE_STEP_KIND_CLOSE, req.GetOutcome())
	if err != nil {
		return nil, err
	}
	return &gatewayv1.CloseCaseResponse{Case: made}, nil
}

// NoteCase adds a note.
func (s *caseDesk) NoteCase(ctx context.Context, req *gatewayv1.NoteCaseRequest) (*gatewayv1.NoteCaseResponse, error) {
	made, err := s.step(ctx, req, auditv1.CaseStepKind_CASE_STEP_KIND_NOTE, 0)
	if err != nil {
		return nil, err
	}
	return &gatewayv1.NoteCaseResponse{Case: made}, nil
}
