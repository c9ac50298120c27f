package blackbox_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
)

const (
	selfDeclared = identityv1.RelationshipKind_RELATIONSHIP_KIND_SELF_DECLARED
	inEmergency  = identityv1.RelationshipKind_RELATIONSHIP_KIND_EMERGENCY

	caseNote  = "The ward manager confirms it."
	caseLimit = 30 * time.Second
)

// caseRows are the permitted calls about cases.
func caseRows() map[string]baseline {
	aCase := func(s *suite, t *testing.T) string {
		crew := s.hire(t, paramedic, ambulance, "")
		s.declare(t, crew, s.newlyKnown(t).number, selfDeclared)
		return s.awaitCase(t, s.hire(t, privacy, ambulance, ""), "self_declared", crew).GetId()
	}
	return map[string]baseline{
		"CaseService/ListCases": {role: guardian, make: func(*suite, *testing.T, member, person) proto.Message {
			return &gatewayv1.ListCasesRequest{PageSize: 1}
		}},
		"CaseService/GetCase": {role: privacy, make: func(s *suite, t *testing.T, _ member, _ person) proto.Message {
			return &gatewayv1.GetCaseRequest{Id: aCase(s, t)}
		}},
		"CaseService/ExplainCase": {role: privacy, make: func(s *suite, t *testing.T, _ member, _ person) proto.Message {
			return &gatewayv1.ExplainCaseRequest{RequestId: uuid.NewString(), Id: aCase(s, t), Note: caseNote}
		}},
		"CaseService/UpholdCase": {role: guardian, make: func(s *suite, t *testing.T, _ member, _ person) proto.Message {
			return &gatewayv1.UpholdCaseRequest{RequestId: uuid.NewString(), Id: aCase(s, t), Note: caseNote}
		}},
		"CaseService/EscalateCase": {role: privacy, make: func(s *suite, t *testing.T, _ member, _ person) proto.Message {
			return &gatewayv1.EscalateCaseRequest{RequestId: uuid.NewString(), Id: aCase(s, t), Note: caseNote}
		}},
		"CaseService/CloseCase": {role: privacy, make: func(s *suite, t *testing.T, _ member, _ person) proto.Message {
			return &gatewayv1.CloseCaseRequest{RequestId: uuid.NewString(), Id: aCase(s, t), Note: caseNote, Outcome: auditv1.CaseOutcome_CASE_OUTCOME_JUSTIFIED}
		}},
		"CaseService/NoteCase": {role: guardian, make: func(s *suite, t *testing.T, _ member, _ person) proto.Message {
			return &gatewayv1.NoteCaseRequest{RequestId: uuid.NewString(), Id: aCase(s, t), Note: caseNote}
		}},
	}
}

// newlyKnown is somebody of whom one practice has told.
func (s *suite) newlyKnown(t *testing.T) person {
	t.Helper()
	p := s.newPerson(t)
	s.sends(t, practice, puts(p.patient(practice, nil)))
	return p
}

// casesOf lists the cases about a member that a reviewer sees.
func (s *suite) casesOf(t *testing.T, reviewer, about member) []*auditv1.Case {
	t.Helper()
	list := &gatewayv1.ListCasesResponse{}
	s.ask(t, reviewer, &gatewayv1.ListCasesRequest{StaffId: about.id}).into(t, list)
	return list.GetCases()
}

// awaitCase waits until the watcher has opened a case of a rule about a member.
func (s *suite) awaitCase(t *testing.T, reviewer member, rule string, about member) *auditv1.Case {
	t.Helper()
	return s.awaitCaseThat(t, reviewer, about, rule, func(c *auditv1.Case) bool { return c.GetRule() == rule })
}

func (s *suite) awaitCaseThat(t *testing.T, reviewer, about member, what string, fits func(*auditv1.Case) bool) *auditv1.Case {
	t.Helper()
	for began := time.Now(); ; {
		found := s.casesOf(t, reviewer, about)
		if i := slices.IndexFunc(found, fits); i >= 0 {
			return found[i]
		}
		if time.Since(began) > caseLimit {
			t.Fatalf("no case: %s; there are %v", what, found)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// cases: what a privacy officer looks for becomes a case of the viewing organisation, with its event, and of no
// other organisation.
func (s *suite) cases(t *testing.T) {
	const here = "RBD"
	officer, elsewhere := s.hire(t, privacy, here, ""), s.hire(t, privacy, "RDY", "")
	county, localGuardian := s.signIn(t, guardian), s.hire(t, guardian, here, "")
	p := s.newPerson(t)
	s.sends(t, here, puts(p.patient(practice, nil), p.attendance("attendance-"+p.number)))
	view := func(t *testing.T, who member, number string, status int) {
		t.Helper()
		if got := s.ask(t, who, &gatewayv1.GetRecordRequest{NhsNumber: number}); got.status != status {
			t.Fatalf("a view is answered with %d %s", got.status, got.reason)
		}
	}
	doctor := func(t *testing.T, own string) member { t.Helper(); return s.hire(t, "R0050", here, own) }
	for name, play := range map[string]func(t *testing.T) (member, string){
		"own record": func(t *testing.T) (member, string) {
			who := doctor(t, p.number)
			view(t, who, p.number, http.StatusForbidden)
			return who, "own_record"
		},
		"family": func(t *testing.T) (member, string) {
			spouse := s.newPerson(t)
			spouse.family = p.family
			s.sends(t, practice, puts(spouse.patient(practice, nil)))
			who := doctor(t, spouse.number)
			s.awaitKnown(t, spouse.number)
			view(t, who, p.number, http.StatusOK)
			return who, "same_surname_and_address"
		},
		"eleven opens": func(t *testing.T) (member, string) {
			who := doctor(t, "")
			for range 11 {
				view(t, who, p.number, http.StatusOK)
			}
			return who, "many_opens"
		},
		"an opted-out person": func(t *testing.T) (member, string) {
			gone := s.attended(t)
			s.optsOut(t, gone)
			who := doctor(t, "")
			view(t, who, gone.number, http.StatusForbidden)
			return who, "opted_out"
		},
		"a broken restriction": func(t *testing.T) (member, string) {
			who := s.hire(t, paramedic, ambulance, "")
			s.ask(t, who, breaks(s.attendedAs(t, true).number)).want(t, http.StatusOK, "")
			return who, "restriction_broken"
		},
		"an emergency": func(t *testing.T) (member, string) {
			who := doctor(t, "")
			s.declare(t, who, s.newlyKnown(t).number, inEmergency)
			return who, "emergency"
		},
	} {
		t.Run(name, func(t *testing.T) {
			who, rule := play(t)
			reviewer := officer
			if who.ods != here {
				reviewer = s.hire(t, privacy, who.ods, "")
			}
			found := s.awaitCase(t, reviewer, rule, who)
			if found.GetOdsCode() != who.ods || found.GetState() != auditv1.CaseState_CASE_STATE_OPEN {
				t.Errorf("case %v", found)
			}
			if got := s.casesOf(t, elsewhere, who); len(got) != 0 {
				t.Errorf("another organisation's officer sees %v", got)
			}
			if got := s.casesOf(t, county, who); len(got) == 0 {
				t.Error("the county's Guardian does not see it")
			}
			if got := s.casesOf(t, localGuardian, who); (len(got) > 0) != (who.ods == here) {
				t.Errorf("the Guardian of %s sees %v", here, got)
			}
			s.ask(t, elsewhere, &gatewayv1.GetCaseRequest{Id: found.GetId()}).want(t, http.StatusNotFound, "CASE_NOT_FOUND")
			s.ask(t, elsewhere, &gatewayv1.NoteCaseRequest{RequestId: uuid.NewString(), Id: found.GetId(), Note: caseNote}).want(t, http.StatusNotFound, "CASE_NOT_FOUND")
			whole := &gatewayv1.GetCaseResponse{}
			s.ask(t, reviewer, &gatewayv1.GetCaseRequest{Id: found.GetId()}).into(t, whole)
			if e := whole.GetSteps()[len(whole.GetSteps())-1].GetEvent(); e.GetActor().GetStaffId() != who.id {
				t.Errorf("the finding's event is %v", e)
			}
		})
	}
	t.Run("reconciled", func(t *testing.T) { s.reconciled(t, officer) })
	t.Run("escalated", func(t *testing.T) { s.escalated(t, officer, county) })
}

// awaitKnown waits until identity-svc has heard of a person.
func (s *suite) awaitKnown(t *testing.T, number string) {
	t.Helper()
	for began := time.Now(); !s.known(t, number); time.Sleep(50 * time.Millisecond) {
		if time.Since(began) > caseLimit {
			t.Fatal("nobody is known under the number")
		}
	}
}

// reconciled: who declared a relationship was only earlier than the feed.
func (s *suite) reconciled(t *testing.T, officer member) {
	p, who := s.newlyKnown(t), s.hire(t, "R0050", officer.ods, "")
	s.awaitKnown(t, p.number)
	s.declare(t, who, p.number, selfDeclared)
	s.awaitCase(t, officer, "self_declared", who)
	s.sends(t, officer.ods, puts(p.patient(practice, nil), p.attendance("attendance-"+p.number)))
	closed := s.awaitCaseThat(t, officer, who, "closed by the feed", func(c *auditv1.Case) bool { return c.GetState() == auditv1.CaseState_CASE_STATE_CLOSED })
	if closed.GetOutcome() != auditv1.CaseOutcome_CASE_OUTCOME_RECONCILED {
		t.Errorf("closed as %v", closed.GetOutcome())
	}
}

// escalated: a case that the officer hands on is the Guardian's, and each step is in the log.
func (s *suite) escalated(t *testing.T, officer, county member) {
	who := s.hire(t, "R0050", officer.ods, "")
	p := s.newlyKnown(t)
	s.awaitKnown(t, p.number)
	s.declare(t, who, p.number, inEmergency)
	id := s.awaitCase(t, officer, "emergency", who).GetId()
	step := func(by member, in proto.Message, status int, reason string) result {
		t.Helper()
		got := s.ask(t, by, in)
		got.want(t, status, reason)
		return got
	}
	step(officer, &gatewayv1.UpholdCaseRequest{RequestId: uuid.NewString(), Id: id, Note: "short"}, http.StatusBadRequest, "INVALID_ARGUMENT")
	step(officer, &gatewayv1.EscalateCaseRequest{RequestId: uuid.NewString(), Id: id, Note: caseNote, Version: 7}, http.StatusConflict, "VERSION_CHANGED")
	step(officer, &gatewayv1.EscalateCaseRequest{RequestId: uuid.NewString(), Id: id, Note: caseNote, Version: 1}, http.StatusOK, "")
	step(officer, &gatewayv1.UpholdCaseRequest{RequestId: uuid.NewString(), Id: id, Note: caseNote}, http.StatusBadRequest, "STEP_NOT_ALLOWED")
	upheld := step(county, &gatewayv1.UpholdCaseRequest{RequestId: uuid.NewString(), Id: id, Note: caseNote}, http.StatusOK, "")
	e := s.event(t, upheld.eventID)
	if e.GetAction() != "case.uphold" || e.GetNhsNumber() != p.number || e.GetChange().GetId() != id || e.GetActor().GetStaffId() != county.id {
		t.Errorf("the event of the step: %v", e)
	}
	closing := &gatewayv1.CloseCaseRequest{RequestId: uuid.NewString(), Id: id, Note: caseNote, Outcome: auditv1.CaseOutcome_CASE_OUTCOME_MISUSE}
	first, again := &gatewayv1.CloseCaseResponse{}, &gatewayv1.CloseCaseResponse{}
	s.ask(t, officer, closing).into(t, first)
	s.askAt(t, 1, officer, closing).into(t, again)
	if !proto.Equal(first, again) || first.GetCase().GetState() != auditv1.CaseState_CASE_STATE_CLOSED {
		t.Errorf("closed twice: %v, %v", first, again)
	}
}
