package app

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"

	"github.com/dorsetcarerecord/dcr/internal/fault"
)

type fakeCases struct {
	auditv1.UnimplementedCaseReadServiceServer
	auditv1.UnimplementedCaseWriteServiceServer
}

func (*fakeCases) ListCases(context.Context, *auditv1.ListCasesRequest) (*auditv1.ListCasesResponse, error) {
	return &auditv1.ListCasesResponse{Cases: []*auditv1.Case{{Id: epoch, NhsNumber: rich}, {Id: epoch, Rule: "volume"}, {Id: epoch, NhsNumber: stranger}}}, nil
}

func (*fakeCases) GetCase(_ context.Context, req *auditv1.GetCaseRequest) (*auditv1.GetCaseResponse, error) {
	if req.GetId() != epoch {
		return nil, fault.NotFound("CASE_NOT_FOUND", "no such case")
	}
	return &auditv1.GetCaseResponse{Case: &auditv1.Case{Id: epoch, NhsNumber: rich}}, nil
}

func (*fakeCases) TakeStep(_ context.Context, req *auditv1.TakeStepRequest) (*auditv1.TakeStepResponse, error) {
	if req.GetVersion() == 9 {
		return nil, fault.Conflict("VERSION_CHANGED", "somebody was quicker")
	}
	return &auditv1.TakeStepResponse{Case: &auditv1.Case{Id: req.GetId(), NhsNumber: rich, Version: 2}}, nil
}

// TestCases: what is read is accounted for by the gateway, each person shown; what is changed by audit-svc, to
// which the gateway says who acts, as what, and whose cases are theirs.
func TestCases(t *testing.T) {
	s := newStack(t)
	fields(t, s.do(call{method: "GET", path: "/v1/audit/cases?state=CASE_STATE_OPEN&overdue=true&nhs_number=999%20000%202673", token: s.privacy()}))
	want := &auditv1.ListCasesRequest{
		Scope:    &auditv1.CaseScope{OdsCode: "RYF", ReaderStaffId: staffID},
		Filter:   &auditv1.CaseFilter{NhsNumber: rich, Overdue: true, States: []auditv1.CaseState{auditv1.CaseState_CASE_STATE_OPEN}},
		PageSize: 50,
	}
	if diff := cmp.Diff(want, lastOf[*auditv1.ListCasesRequest](t, s.behind), protocmp.Transform()); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
	if looks, shown := s.behind.accounted("case.list"), s.behind.accounted("case.list.match"); len(looks) != 1 || looks[0].GetNhsNumber() != rich || len(shown) != 2 {
		t.Errorf("events of the list: %v and %v", looks, shown)
	}
	fields(t, s.do(call{method: "GET", path: "/v1/audit/cases/" + epoch, token: s.role("R5100")}))
	if looks := s.behind.accounted("case.view"); len(looks) != 1 || looks[0].GetNhsNumber() != rich {
		t.Errorf("events of the look: %v", looks)
	}
	wantRefused(t, s.do(call{method: "GET", path: "/v1/audit/cases/other", token: s.privacy()}), 404, "CASE_NOT_FOUND", "")
	wantRefused(t, s.do(call{method: "GET", path: "/v1/audit/cases", token: s.paramedic()}), 403, "ACCESS_DENIED", "")
}

// TestCaseSteps: each call is one step, by whoever the policy says may make it.
func TestCaseSteps(t *testing.T) {
	s := newStack(t)
	const id, note = "0198a000-0000-7000-8000-0000000000bb", `"note":"confirmed by the ward"`
	step := func(verb, token, more string) call {
		return call{method: "POST", path: "/v1/audit/cases/" + epoch + ":" + verb, token: token, body: `{"request_id":"` + id + `",` + note + more + `}`}
	}
	for verb, c := range map[string]struct {
		token, more string
		kind        auditv1.CaseStepKind
		by          auditv1.CaseActor
	}{
		"explain":  {s.privacy(), "", auditv1.CaseStepKind_CASE_STEP_KIND_EXPLAIN, auditv1.CaseActor_CASE_ACTOR_PRIVACY_OFFICER},
		"uphold":   {s.role("R5105"), "", auditv1.CaseStepKind_CASE_STEP_KIND_UPHOLD, auditv1.CaseActor_CASE_ACTOR_CALDICOTT_GUARDIAN},
		"escalate": {s.privacy(), "", auditv1.CaseStepKind_CASE_STEP_KIND_ESCALATE, auditv1.CaseActor_CASE_ACTOR_PRIVACY_OFFICER},
		"close":    {s.privacy(), `,"outcome":"CASE_OUTCOME_MISTAKE","version":4`, auditv1.CaseStepKind_CASE_STEP_KIND_CLOSE, auditv1.CaseActor_CASE_ACTOR_PRIVACY_OFFICER},
		"note":     {s.role("R5105"), "", auditv1.CaseStepKind_CASE_STEP_KIND_NOTE, auditv1.CaseActor_CASE_ACTOR_CALDICOTT_GUARDIAN},
	} {
		fields(t, s.do(step(verb, c.token, c.more)))
		got := lastOf[*auditv1.TakeStepRequest](t, s.behind)
		if got.GetKind() != c.kind || got.GetReviewer() != c.by || got.GetNote() != "confirmed by the ward" || got.GetRequestId() != id ||
			got.GetScope().GetOdsCode() != "RYF" || got.GetScope().GetAllOrganisations() || got.GetEvent().GetAction() != "case."+verb ||
			got.GetEvent().GetActor().GetStaffId() != staffID || (verb == "close") != (got.GetOutcome() == auditv1.CaseOutcome_CASE_OUTCOME_MISTAKE && got.GetVersion() == 4) {
			t.Errorf("%s: audit-svc was asked %v", verb, got)
		}
	}
	wantRefused(t, s.do(step("explain", s.privacy(), `,"version":9`)), 409, "VERSION_CHANGED", "")
	wantRefused(t, s.do(step("escalate", s.role("R5105"), "")), 403, "ACCESS_DENIED", "")
	wantRefused(t, s.do(step("close", s.role("R5100"), "")), 403, "ACCESS_DENIED", "")
	wantRefused(t, s.do(step("note", s.paramedic(), "")), 403, "ACCESS_DENIED", "")
	wantRefused(t, s.do(call{method: "POST", path: "/v1/audit/cases/" + epoch + ":note", token: s.privacy(), body: "{" + note + "}"}), 400, "REQUEST_ID_REQUIRED", "request_id")
}
