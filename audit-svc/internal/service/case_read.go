package service

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/timestamppb"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"

	"github.com/dorsetcarerecord/dcr/internal/fault"
	"github.com/dorsetcarerecord/dcr/internal/nhsnumber"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/store"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/watch"
)

// ReasonNoCase is the reason when there is no such case, or none in the reader's scope.
const ReasonNoCase = "CASE_NOT_FOUND"

// CaseConfig is what the services of cases need.
type CaseConfig struct {
	Cases *store.Cases
	// Rules in force, for the words of a case.
	Rules *watch.Rules
	// Now is the clock.
	Now func() time.Time
}

func (c CaseConfig) check() error {
	if c.Cases == nil || c.Rules == nil || c.Now == nil {
		return errors.New("make case service: Cases, Rules and Now are needed")
	}
	return nil
}

// CaseRead implements CaseReadService.
type CaseRead struct {
	auditv1.UnimplementedCaseReadServiceServer
	cfg CaseConfig
}

// NewCaseRead makes a CaseRead.
func NewCaseRead(cfg CaseConfig) (*CaseRead, error) {
	return &CaseRead{cfg: cfg}, cfg.check()
}

// ListCases gives a page of the cases in scope. See the proto for errors.
func (c *CaseRead) ListCases(ctx context.Context, req *auditv1.ListCasesRequest) (*auditv1.ListCasesResponse, error) {
	scope, err := scopeOf(req.GetScope())
	if err != nil {
		return nil, err
	}
	filter, err := c.cfg.filter(req.GetFilter())
	if err != nil {
		return nil, err
	}
	if after := req.GetAfterId(); after != "" && !isUUID(after) {
		return nil, fault.Invalid(ReasonPageToken, "after_id", "must be where an earlier page of the same filter ended")
	}
	size := int(req.GetPageSize())
	if size == 0 {
		size = defaultPage
	}
	// One more than asked for tells whether there is a next page.
	found, err := c.cfg.Cases.List(ctx, scope, filter, req.GetAfterId(), size+1)
	if err != nil {
		return nil, err
	}
	resp := &auditv1.ListCasesResponse{}
	if len(found) > size {
		found = found[:size]
		resp.NextAfterId = found[size-1].ID
	}
	for _, f := range found {
		resp.Cases = append(resp.Cases, c.cfg.caseOf(f))
	}
	return resp, nil
}

// GetCase gives one with its steps. See the proto for errors.
func (c *CaseRead) GetCase(ctx context.Context, req *auditv1.GetCaseRequest) (*auditv1.GetCaseResponse, error) {
	scope, err := scopeOf(req.GetScope())
	if err != nil {
		return nil, err
	}
	if !isUUID(req.GetId()) {
		return nil, noCase()
	}
	found, err := c.cfg.Cases.Find(ctx, nil, scope, req.GetId())
	if errors.Is(err, store.ErrNoCase) {
		return nil, noCase()
	}
	if err != nil {
		return nil, err
	}
	steps, err := c.cfg.Cases.Steps(ctx, found)
	if err != nil {
		return nil, err
	}
	resp := &auditv1.GetCaseResponse{Case: c.cfg.caseOf(found)}
	for _, s := range steps {
		step, err := stepOf(s)
		if err != nil {
			return nil, err
		}
		resp.Steps = append(resp.Steps, step)
	}
	return resp, nil
}

// filter reads the filter of a list.
func (c CaseConfig) filter(f *auditv1.CaseFilter) (store.CaseFilter, error) {
	made := store.CaseFilter{Rule: f.GetRule(), StaffID: f.GetStaffId(), NHSNumber: f.GetNhsNumber()}
	if n := f.GetNhsNumber(); n != "" {
		if parsed, err := nhsnumber.Parse(n); err != nil || string(parsed) != n {
			return made, fault.Invalid(ReasonNHSNumber, "filter.nhs_number", "must be a valid NHS number of ten digits")
		}
	}
	for _, s := range f.GetStates() {
		made.States = append(made.States, string(stateOf(s)))
	}
	if f.GetOverdue() {
		made.DueBefore = c.Now()
	}
	return made, nil
}

// caseOf is a case in the words of the contract.
func (c CaseConfig) caseOf(f store.Case) *auditv1.Case {
	made := &auditv1.Case{
		Id: f.ID, Rule: f.Rule, State: stateEnum(f.State), Outcome: outcomeEnum(f.Outcome),
		Overdue: store.Standing(f).Overdue(c.Now()), OdsCode: f.ODSCode, StaffId: f.StaffID, StaffDisplay: f.StaffDisplay, RoleCode: f.RoleCode,
		NhsNumber: f.NHSNumber, Period: f.Period, Findings: int32(f.Findings),
		OpenedAt: timestamppb.New(f.OpenedAt), UpdatedAt: timestamppb.New(f.UpdatedAt), RulesVersion: f.RulesVersion, Version: int32(f.Number),
	}
	if rule := c.Rules.Find(f.Rule); rule != nil {
		made.Title, made.Says = rule.Title, rule.Says
	}
	if f.DueAt != nil {
		made.DueAt = timestamppb.New(*f.DueAt)
	}
	return made
}

// scopeOf refuses a scope that names nobody's cases: it would be read as everybody's.
func scopeOf(s *auditv1.CaseScope) (store.Scope, error) {
	if s.GetAllOrganisations() == (s.GetOdsCode() != "") {
		return store.Scope{}, fault.Invalid(ReasonArgument, "scope", "must name one organisation, or all")
	}
	return store.Scope{All: s.GetAllOrganisations(), ODSCode: s.GetOdsCode(), Reader: s.GetReaderStaffId()}, nil
}

func noCase() *fault.Error {
	return fault.NotFound(ReasonNoCase, "There is no such case, or it is not yours to see.")
}

func isUUID(text string) bool {
	id, err := uuid.Parse(text)
	return err == nil && id.String() == text
}

// wordless is a stored word that the contract does not have: a later release wrote it.
func wordless(what string) error { return fmt.Errorf("read case: unknown %s", what) }
