package app

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"google.golang.org/protobuf/testing/protocmp"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
)

const (
	officer  = auditv1.CaseActor_CASE_ACTOR_PRIVACY_OFFICER
	guardian = auditv1.CaseActor_CASE_ACTOR_CALDICOTT_GUARDIAN

	explain  = auditv1.CaseStepKind_CASE_STEP_KIND_EXPLAIN
	uphold   = auditv1.CaseStepKind_CASE_STEP_KIND_UPHOLD
	escalate = auditv1.CaseStepKind_CASE_STEP_KIND_ESCALATE
	closing  = auditv1.CaseStepKind_CASE_STEP_KIND_CLOSE
	noting   = auditv1.CaseStepKind_CASE_STEP_KIND_NOTE
)

// casebook is a suite with the clients of cases.
type casebook struct {
	*suite
	t      testing.TB
	append auditv1.AppendServiceClient
	read   auditv1.CaseReadServiceClient
	write  auditv1.CaseWriteServiceClient
	query  auditv1.QueryServiceClient
}

func openCasebook(t testing.TB) *casebook {
	t.Helper()
	s := serveTest(t, database(t).AppURL, 1)
	conn := s.dial(t, gateway)
	return &casebook{
		suite: s, t: t, append: auditv1.NewAppendServiceClient(conn), query: auditv1.NewQueryServiceClient(conn),
		read: auditv1.NewCaseReadServiceClient(conn), write: auditv1.NewCaseWriteServiceClient(conn),
	}
}

// opened is a case about a member of an organisation, once the watcher has opened it.
func (b *casebook) opened(staff, ods string) *auditv1.Case {
	b.t.Helper()
	e := newEvent()
	e.Actor.StaffId, e.Actor.OdsCode, e.Marks = staff, ods, []string{"own_record"}
	mustSend(b.t, b.append, e)
	ctx := limit(b.t)
	for {
		found := b.list(&auditv1.CaseScope{AllOrganisations: true, ReaderStaffId: "reader"}, &auditv1.CaseFilter{StaffId: staff})
		if len(found) == 1 {
			return found[0]
		}
		select {
		case <-ctx.Done():
			b.t.Fatal("the watcher opened no case")
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (b *casebook) list(scope *auditv1.CaseScope, filter *auditv1.CaseFilter) []*auditv1.Case {
	b.t.Helper()
	resp, err := b.read.ListCases(limit(b.t), &auditv1.ListCasesRequest{Scope: scope, Filter: filter})
	if err != nil {
		b.t.Fatal(err)
	}
	return resp.GetCases()
}

// step is a step of the officer of the case's organisation, with what is changed in it.
func step(c *auditv1.Case, kind auditv1.CaseStepKind, change ...func(*auditv1.TakeStepRequest)) *auditv1.TakeStepRequest {
	r := &auditv1.TakeStepRequest{
		RequestId: uuid.NewString(), Scope: &auditv1.CaseScope{OdsCode: c.GetOdsCode(), ReaderStaffId: "officer-1"}, Id: c.GetId(), Kind: kind, Reviewer: officer,
		Note: "as the ward manager confirmed",
		Event: &auditv1.EventContext{
			EventId: uuid.Must(uuid.NewV7()).String(), Action: "case.step",
			Actor: &auditv1.Actor{Kind: auditv1.ActorKind_ACTOR_KIND_STAFF, StaffId: "officer-1", Display: "Test Officer", RoleCode: "R0001", OdsCode: c.GetOdsCode()},
			Basis: &auditv1.Basis{Purpose: "oversight"}, Origin: &auditv1.Origin{RequestId: "r"},
		},
	}
	for _, f := range change {
		f(r)
	}
	return r
}

func outcome(o auditv1.CaseOutcome) func(*auditv1.TakeStepRequest) {
	return func(r *auditv1.TakeStepRequest) { r.Outcome = o }
}

func asGuardian(r *auditv1.TakeStepRequest) {
	r.Reviewer, r.Scope = guardian, &auditv1.CaseScope{AllOrganisations: true, ReaderStaffId: "guardian-1"}
	r.Event.Actor.StaffId = "guardian-1"
}

// TestCaseFromFindingToClosing: a finding becomes a case with its event, is explained and closed, and each step
// is in the log before it is answered.
func TestCaseFromFindingToClosing(t *testing.T) {
	t.Parallel()
	b := openCasebook(t)
	c := b.opened("staff-7", "RYF")
	explained, err := b.write.TakeStep(limit(t), step(c, explain))
	if err != nil {
		t.Fatal(err)
	}
	if got := explained.GetCase(); got.GetState() != auditv1.CaseState_CASE_STATE_EXPLAINED || got.GetVersion() != c.GetVersion()+1 {
		t.Errorf("after the explanation: %v", got)
	}
	closed, err := b.write.TakeStep(limit(t), step(c, closing, outcome(auditv1.CaseOutcome_CASE_OUTCOME_JUSTIFIED)))
	if err != nil {
		t.Fatal(err)
	}
	got, err := b.read.GetCase(limit(t), &auditv1.GetCaseRequest{Scope: &auditv1.CaseScope{OdsCode: "RYF", ReaderStaffId: "officer-1"}, Id: c.GetId()})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(closed.GetCase(), got.GetCase(), protocmp.Transform()); diff != "" {
		t.Errorf("case (-answered +read):\n%s", diff)
	}
	if first := got.GetSteps()[2]; len(got.GetSteps()) != 3 || first.GetEvent().GetNhsNumber() != c.GetNhsNumber() || first.GetEvent().GetActor().GetStaffId() != "staff-7" {
		t.Errorf("steps: %v", got.GetSteps())
	}
	event, err := b.query.GetEvent(limit(t), &auditv1.GetEventRequest{EventId: closed.GetStep().GetEventId()})
	if err != nil {
		t.Fatal(err)
	}
	change := event.GetEvent().GetChange()
	if change.GetResource() != "case" || change.GetId() != c.GetId() || !strings.HasPrefix(change.GetSummary(), "closed as justified; sha256 of the note ") ||
		event.GetEvent().GetNhsNumber() != c.GetNhsNumber() || strings.Contains(event.String(), "ward manager") {
		t.Errorf("the event of the step: %v", event)
	}
}

// TestStepsThatAreRefused: every refusal has its reason, and leaves neither step nor event.
func TestStepsThatAreRefused(t *testing.T) {
	t.Parallel()
	b := openCasebook(t)
	c := b.opened("staff-8", "RYF")
	for name, r := range map[string]struct {
		request *auditv1.TakeStepRequest
		reason  string
	}{
		"another organisation":  {step(c, explain, func(r *auditv1.TakeStepRequest) { r.Scope.OdsCode = "R0D" }), "CASE_NOT_FOUND"},
		"no such case":          {step(c, explain, func(r *auditv1.TakeStepRequest) { r.Id = uuid.NewString() }), "CASE_NOT_FOUND"},
		"no id":                 {step(c, explain, func(r *auditv1.TakeStepRequest) { r.Id = "../" }), "CASE_NOT_FOUND"},
		"about oneself":         {step(c, explain, func(r *auditv1.TakeStepRequest) { r.Scope.ReaderStaffId, r.Event.Actor.StaffId = "staff-8", "staff-8" }), "CASE_NOT_FOUND"},
		"no scope":              {step(c, explain, func(r *auditv1.TakeStepRequest) { r.Scope.OdsCode = "" }), "INVALID_ARGUMENT"},
		"both scopes":           {step(c, explain, func(r *auditv1.TakeStepRequest) { r.Scope.AllOrganisations = true }), "INVALID_ARGUMENT"},
		"in another's name":     {step(c, explain, func(r *auditv1.TakeStepRequest) { r.Event.Actor.StaffId = "officer-2" }), "INVALID_ARGUMENT"},
		"no words":              {step(c, explain, func(r *auditv1.TakeStepRequest) { r.Note = "  fine  " }), "INVALID_ARGUMENT"},
		"an explanation closes": {step(c, explain, outcome(auditv1.CaseOutcome_CASE_OUTCOME_JUSTIFIED)), "INVALID_ARGUMENT"},
		"no outcome":            {step(c, closing), "INVALID_ARGUMENT"},
		"misuse not upheld":     {step(c, closing, outcome(auditv1.CaseOutcome_CASE_OUTCOME_MISUSE)), "INVALID_ARGUMENT"},
		"reconciled by hand":    {step(c, closing, outcome(auditv1.CaseOutcome_CASE_OUTCOME_RECONCILED)), "INVALID_ARGUMENT"},
		"a stale version":       {step(c, explain, func(r *auditv1.TakeStepRequest) { r.Version = c.GetVersion() + 1 }), "VERSION_CHANGED"},
		"the guardian hands on": {step(c, escalate, asGuardian), "STEP_NOT_ALLOWED"},
		"an old event":          {step(c, explain, func(r *auditv1.TakeStepRequest) { r.Event.EventId = "01900000-0000-7000-8000-000000000000" }), "INVALID_ARGUMENT"},
	} {
		if _, err := b.write.TakeStep(limit(t), r.request); err == nil {
			t.Errorf("%s: made", name)
		} else {
			wantReason(t, err, r.reason)
		}
	}
	if got := b.list(&auditv1.CaseScope{OdsCode: "RYF", ReaderStaffId: "officer-1"}, nil); len(got) != 1 || got[0].GetVersion() != c.GetVersion() {
		t.Errorf("refused steps changed the case: %v", got)
	}
	events, err := b.query.ListEvents(limit(t), &auditv1.ListEventsRequest{Filter: &auditv1.EventFilter{Action: "case.step"}})
	if err != nil || len(events.GetEvents()) != 0 {
		t.Errorf("refused steps left %d events, %v", len(events.GetEvents()), err)
	}
}

// TestEscalatedCase: what is handed on is the guardian's, and stays in the officer's sight.
func TestEscalatedCase(t *testing.T) {
	t.Parallel()
	b := openCasebook(t)
	c := b.opened("staff-9", "RYF")
	made := func(r *auditv1.TakeStepRequest) {
		t.Helper()
		if _, err := b.write.TakeStep(limit(t), r); err != nil {
			t.Fatal(err)
		}
	}
	made(step(c, escalate))
	_, err := b.write.TakeStep(limit(t), step(c, uphold))
	wantReason(t, err, "STEP_NOT_ALLOWED")
	_, err = b.write.TakeStep(limit(t), step(c, closing, outcome(auditv1.CaseOutcome_CASE_OUTCOME_JUSTIFIED)))
	wantReason(t, err, "STEP_NOT_ALLOWED")
	made(step(c, noting))
	made(step(c, uphold, asGuardian))
	made(step(c, closing, outcome(auditv1.CaseOutcome_CASE_OUTCOME_MISUSE)))
	if got := b.list(&auditv1.CaseScope{OdsCode: "RYF", ReaderStaffId: "officer-1"}, &auditv1.CaseFilter{States: []auditv1.CaseState{auditv1.CaseState_CASE_STATE_CLOSED}}); len(got) != 1 || got[0].GetOutcome() != auditv1.CaseOutcome_CASE_OUTCOME_MISUSE {
		t.Errorf("closed: %v", got)
	}
}

// TestCasesAreScoped: an organisation's cases are its own; the county sees all; nobody sees a case about
// themselves.
func TestCasesAreScoped(t *testing.T) {
	t.Parallel()
	b := openCasebook(t)
	one, other := b.opened("staff-a", "RYF"), b.opened("staff-b", "R0D")
	for name, c := range map[string]struct {
		scope *auditv1.CaseScope
		want  []string
	}{
		"one":       {&auditv1.CaseScope{OdsCode: "RYF", ReaderStaffId: "officer-1"}, []string{one.GetId()}},
		"other":     {&auditv1.CaseScope{OdsCode: "R0D", ReaderStaffId: "officer-1"}, []string{other.GetId()}},
		"a third":   {&auditv1.CaseScope{OdsCode: "RBD", ReaderStaffId: "officer-1"}, nil},
		"county":    {&auditv1.CaseScope{AllOrganisations: true, ReaderStaffId: "guardian-1"}, []string{other.GetId(), one.GetId()}},
		"about one": {&auditv1.CaseScope{AllOrganisations: true, ReaderStaffId: "staff-a"}, []string{other.GetId()}},
	} {
		var got []string
		for _, found := range b.list(c.scope, nil) {
			got = append(got, found.GetId())
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		for _, id := range []string{one.GetId(), other.GetId()} {
			_, err := b.read.GetCase(limit(t), &auditv1.GetCaseRequest{Scope: c.scope, Id: id})
			if visible := cmp.Equal(err, nil); visible != contains(c.want, id) {
				t.Errorf("%s: a case can be read: %v", name, visible)
			}
		}
	}
}

func contains(list []string, id string) bool {
	for _, l := range list {
		if l == id {
			return true
		}
	}
	return false
}

// TestCasePages: pages follow each other without gap or repeat.
func TestCasePages(t *testing.T) {
	t.Parallel()
	b := openCasebook(t)
	for _, staff := range []string{"p1", "p2", "p3", "p4", "p5"} {
		b.opened(staff, "RYF")
	}
	var got []string
	after := ""
	for {
		page, err := b.read.ListCases(limit(t), &auditv1.ListCasesRequest{Scope: &auditv1.CaseScope{OdsCode: "RYF", ReaderStaffId: "o"}, PageSize: 2, AfterId: after})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range page.GetCases() {
			got = append(got, c.GetStaffId())
		}
		if after = page.GetNextAfterId(); after == "" {
			break
		}
	}
	if diff := cmp.Diff([]string{"p5", "p4", "p3", "p2", "p1"}, got); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}
}

// TestStepIsMadeOnce: the same request, at the same moment or again, is one step with one event and one answer;
// the same id with other words is refused.
func TestStepIsMadeOnce(t *testing.T) {
	t.Parallel()
	b := openCasebook(t)
	c := b.opened("staff-c", "RYF")
	asked := step(c, explain)
	var senders sync.WaitGroup
	answers, errs := make([]*auditv1.TakeStepResponse, 8), make([]error, 8)
	for i := range answers {
		senders.Go(func() { answers[i], errs[i] = b.write.TakeStep(context.Background(), asked) })
	}
	senders.Wait()
	again := step(c, explain)
	again.RequestId = asked.GetRequestId() // a later attempt has an event of its own
	answer, err := b.write.TakeStep(limit(t), again)
	for i, a := range append(answers, answer) {
		if e := append(errs, err)[i]; e != nil {
			t.Fatal(e)
		}
		if diff := cmp.Diff(answers[0], a, protocmp.Transform()); diff != "" {
			t.Errorf("answer %d differs (-first +other):\n%s", i, diff)
		}
	}
	again.Note = "as nobody confirmed at all"
	_, err = b.write.TakeStep(limit(t), again)
	wantReason(t, err, "REQUEST_ID_REUSED")
	other := step(b.opened("staff-d", "RYF"), explain)
	other.RequestId = asked.GetRequestId()
	_, err = b.write.TakeStep(limit(t), other)
	wantReason(t, err, "REQUEST_ID_REUSED")
	events, err := b.query.ListEvents(limit(t), &auditv1.ListEventsRequest{Filter: &auditv1.EventFilter{Action: "case.step"}})
	if err != nil || len(events.GetEvents()) != 1 {
		t.Errorf("%d events of one step, %v", len(events.GetEvents()), err)
	}
	if got := b.list(&auditv1.CaseScope{OdsCode: "RYF", ReaderStaffId: "o"}, &auditv1.CaseFilter{StaffId: "staff-c"}); got[0].GetVersion() != 2 {
		t.Errorf("version %d after one step", got[0].GetVersion())
	}
}

// TestOnlyTheGatewayReadsCases: the services have no business there.
func TestOnlyTheGatewayReadsCases(t *testing.T) {
	t.Parallel()
	s := serveTest(t, database(t).AppURL, 1)
	for _, caller := range []string{identitySvc, recordSvc, optoutSvc} {
		conn := s.dial(t, caller)
		_, err := auditv1.NewCaseReadServiceClient(conn).ListCases(limit(t), &auditv1.ListCasesRequest{})
		wantReason(t, err, "CALLER_NOT_ALLOWED")
		_, err = auditv1.NewCaseWriteServiceClient(conn).TakeStep(limit(t), &auditv1.TakeStepRequest{})
		wantReason(t, err, "CALLER_NOT_ALLOWED")
	}
}
