package blackbox_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"google.golang.org/protobuf/testing/protocmp"

	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
)

// declare declares a relationship.
func (s *suite) declare(t *testing.T, who member, number string, kind identityv1.RelationshipKind) *identityv1.CareRelationship {
	t.Helper()
	done := &gatewayv1.DeclareCareRelationshipResponse{}
	s.ask(t, who, &gatewayv1.DeclareCareRelationshipRequest{
		RequestId: uuid.NewString(), NhsNumber: number, Kind: kind, ReasonCode: "04", ReasonText: "Found unconscious at the quay",
	}).into(t, done)
	return done.GetCareRelationship()
}

// emergency overrides a missing relationship, for its time and marked, but never an opt-out.
func (s *suite) emergency(t *testing.T) {
	const emergency = identityv1.RelationshipKind_RELATIONSHIP_KIND_EMERGENCY
	p := s.attended(t)
	who := s.hire(t, "R0050", "RBD", "")
	s.ask(t, who, &gatewayv1.GetRecordRequest{NhsNumber: p.number}).want(t, http.StatusForbidden, "NO_RELATIONSHIP")
	r := s.declare(t, who, p.number, emergency)
	if hours := time.Until(r.GetEndsAt().AsTime()).Hours(); hours < 7.9 || hours > 8 {
		t.Errorf("an emergency of %.2f hours", hours)
	}
	got := s.askAt(t, 1, who, &gatewayv1.GetRecordRequest{NhsNumber: p.number})
	view := &gatewayv1.RecordView{}
	got.bodyInto(t, view)
	if a := view.GetAccess(); !a.GetDeclared() || a.GetRelationshipKind() != "emergency" || a.GetRelationshipEndsAt() == "" {
		t.Errorf("the view does not say that it was declared: %v", a)
	}
	e := s.event(t, got.eventID)
	if !slices.Contains(e.GetMarks(), "emergency") || e.GetBasis().GetReasonCode() != "04" || e.GetBasis().GetRelationshipId() != r.GetId() {
		t.Errorf("the event does not mark the emergency: %v %v", e.GetMarks(), e.GetBasis().GetReasonCode())
	}
	t.Run("opted out", func(t *testing.T) {
		s.optsOut(t, p)
		other := s.hire(t, "R0050", "RBD", "")
		s.declare(t, other, p.number, emergency)
		for _, in := range reads(p.number, uuid.NewString()) {
			s.ask(t, other, in).want(t, http.StatusForbidden, "NO_PATIENT_CONSENT")
		}
	})
	t.Run("without a reason", func(t *testing.T) {
		for name, in := range map[string]*gatewayv1.DeclareCareRelationshipRequest{
			"code": {ReasonText: "Found unconscious at the quay"}, "text": {ReasonCode: "04"},
			"unknown code": {ReasonCode: "07", ReasonText: "Found unconscious at the quay"}, "short text": {ReasonCode: "04", ReasonText: "quay"},
		} {
			in.RequestId, in.NhsNumber, in.Kind = uuid.NewString(), p.number, emergency
			if r := s.ask(t, who, in); r.status != http.StatusBadRequest || r.reason != "INVALID_ARGUMENT" || len(r.fields) == 0 ||
				!strings.HasPrefix(r.fields[0], "reason_") {
				t.Errorf("%s: %d %s %v", name, r.status, r.reason, r.fields)
			}
		}
	})
	t.Run("nobody known", func(t *testing.T) {
		s.ask(t, who, &gatewayv1.DeclareCareRelationshipRequest{
			RequestId: uuid.NewString(), NhsNumber: s.newNumber(t), Kind: emergency, ReasonCode: "04", ReasonText: "Found unconscious at the quay",
		}).want(t, http.StatusNotFound, "PATIENT_NOT_FOUND")
	})
}

// nextCall: what an administrator or a member ends counts from the next call on, on every replica.
func (s *suite) nextCall(t *testing.T) {
	p := s.attended(t)
	see := func(t *testing.T, who member, status int, reason string) {
		t.Helper()
		for gateway := range s.rest {
			s.askAt(t, gateway, who, &gatewayv1.GetRecordRequest{NhsNumber: p.number}).want(t, status, reason)
			s.overGRPC(gateway).call(t, who.token, &gatewayv1.GetRecordRequest{NhsNumber: p.number}).want(t, status, reason)
		}
	}
	t.Run("a role", func(t *testing.T) {
		who := s.hire(t, "R1070", ambulance, "")
		see(t, who, http.StatusOK, "")
		s.ask(t, s.admin, &gatewayv1.EndStaffRoleRequest{RequestId: uuid.NewString(), StaffId: who.id, RoleId: who.roleID}).want(t, http.StatusOK, "")
		see(t, who, http.StatusForbidden, "ACCESS_DENIED")
	})
	t.Run("a member of staff", func(t *testing.T) {
		who := s.hire(t, "R1070", ambulance, "")
		see(t, who, http.StatusOK, "")
		s.ask(t, s.admin, &gatewayv1.EndStaffRequest{RequestId: uuid.NewString(), StaffId: who.id}).want(t, http.StatusOK, "")
		see(t, who, http.StatusForbidden, "ACCESS_DENIED")
	})
	t.Run("a relationship", func(t *testing.T) {
		who := s.hire(t, "R8001", "RBD", "")
		r := s.declare(t, who, p.number, identityv1.RelationshipKind_RELATIONSHIP_KIND_SELF_DECLARED)
		see(t, who, http.StatusOK, "")
		s.ask(t, who, &gatewayv1.EndCareRelationshipRequest{RequestId: uuid.NewString(), NhsNumber: p.number, Id: r.GetId()}).want(t, http.StatusOK, "")
		see(t, who, http.StatusForbidden, "NO_RELATIONSHIP")
	})
	t.Run("a grant to a colleague", func(t *testing.T) { s.grant(t, p, see) })
}

// grant: a colleague sees by a grant and not without; what was declared cannot be granted on.
func (s *suite) grant(t *testing.T, p person, see func(*testing.T, member, int, string)) {
	crew, colleague := s.hire(t, "R1070", ambulance, ""), s.hire(t, "R0050", "RBD", "")
	see(t, colleague, http.StatusForbidden, "NO_RELATIONSHIP")
	to := func(from, to member) result {
		return s.ask(t, from, &gatewayv1.DeclareCareRelationshipRequest{
			RequestId: uuid.NewString(), NhsNumber: p.number, Kind: identityv1.RelationshipKind_RELATIONSHIP_KIND_COLLEAGUE_GRANTED,
			ReasonCode: "04", ReasonText: "Takes over at the hospital", GranteeStaffId: to.id, DurationHours: 2,
		})
	}
	granted := &gatewayv1.DeclareCareRelationshipResponse{}
	to(crew, colleague).into(t, granted)
	see(t, colleague, http.StatusOK, "")
	third := s.hire(t, "R0050", "RBD", "")
	if r := to(colleague, third); r.reason != "GRANT_NOT_ALLOWED" {
		t.Errorf("what was granted was granted on: %d %s", r.status, r.reason)
	}
	s.ask(t, crew, &gatewayv1.EndCareRelationshipRequest{
		RequestId: uuid.NewString(), NhsNumber: p.number, Id: granted.GetCareRelationship().GetId(),
	}).want(t, http.StatusOK, "")
	see(t, colleague, http.StatusForbidden, "NO_RELATIONSHIP")
}

// whoMayLearnWhat is DESIGN section 4.
func (s *suite) whoMayLearnWhat(t *testing.T) {
	t.Run("own record", func(t *testing.T) {
		p := s.attended(t)
		who := s.hire(t, "R1070", ambulance, p.number)
		for _, in := range append(reads(p.number, uuid.NewString()),
			&gatewayv1.GetPatientRequest{NhsNumber: p.number}, &gatewayv1.ExplainAccessRequest{NhsNumber: p.number}) {
			r := s.ask(t, who, in)
			r.want(t, http.StatusForbidden, "ACCESS_DENIED")
			if e := s.event(t, r.eventID); !slices.Contains(e.GetMarks(), "own_record") {
				t.Errorf("the event is marked %v", e.GetMarks())
			}
		}
	})
	t.Run("explained in the same words", s.explainedAlike)
	t.Run("own number not known", func(t *testing.T) {
		p := s.attended(t)
		r := s.ask(t, s.hire(t, "R1070", ambulance, ""), &gatewayv1.GetRecordRequest{NhsNumber: p.number})
		r.want(t, http.StatusOK, "")
		if e := s.event(t, r.eventID); !slices.Contains(e.GetMarks(), "own_number_unknown") {
			t.Errorf("the event is marked %v", e.GetMarks())
		}
	})
	t.Run("GP outside the county", s.outsideGP)
	t.Run("deceased", s.deceased)
}

// explainedAlike: without a relationship an explanation is the same whether the person opted out, is known,
// or not. With one it says both.
func (s *suite) explainedAlike(t *testing.T) {
	open, out := s.attended(t), s.attended(t)
	s.optsOut(t, out)
	stranger, crew := s.hire(t, "R1110", "RBD", ""), s.hire(t, "R1070", ambulance, "")
	var first *gatewayv1.ExplainAccessResponse
	for _, number := range []string{open.number, out.number, s.newNumber(t)} {
		got := &gatewayv1.ExplainAccessResponse{}
		s.ask(t, stranger, &gatewayv1.ExplainAccessRequest{NhsNumber: number}).into(t, got)
		if got.GetAllowed() || got.GetReason() != "NO_RELATIONSHIP" {
			t.Errorf("a stranger is told %v", got)
		}
		if first == nil {
			first = got
		}
		if diff := cmp.Diff(first, got, protocmp.Transform()); diff != "" {
			t.Errorf("a stranger learns a difference: %s", diff)
		}
		s.ask(t, stranger, &gatewayv1.GetRecordRequest{NhsNumber: number}).want(t, http.StatusForbidden, "NO_RELATIONSHIP")
	}
	shown, sealed := &gatewayv1.ExplainAccessResponse{}, &gatewayv1.ExplainAccessResponse{}
	s.ask(t, crew, &gatewayv1.ExplainAccessRequest{NhsNumber: open.number}).into(t, shown)
	s.ask(t, crew, &gatewayv1.ExplainAccessRequest{NhsNumber: out.number}).into(t, sealed)
	if !shown.GetAllowed() || shown.GetRelationshipKind() != "episode" || len(shown.GetSections()) != 8 {
		t.Errorf("the crew is told %v", shown)
	}
	if sealed.GetAllowed() || sealed.GetReason() != "NO_PATIENT_CONSENT" || len(sealed.GetSections()) != 0 || sealed.GetOptOut() == shown.GetOptOut() {
		t.Errorf("of somebody who opted out the crew is told %v", sealed)
	}
}

// outsideGP: what the practice holds is marked as not included, and the rest is there (L11).
func (s *suite) outsideGP(t *testing.T) {
	p := s.newPerson(t)
	s.sends(t, ambulance, puts(p.patient("J82900", nil), p.attendance("attendance-"+p.number)))
	who := s.hire(t, "R1070", ambulance, "")
	count := func(number string) (n int) {
		for _, one := range s.record(t, who, number).GetRecord().GetNotIncluded() {
			if one.GetReason() == "gp_outside_county" {
				n++
			}
		}
		return n
	}
	if n := count(p.number); n != 1 {
		t.Errorf("%d notes about a GP outside the county", n)
	}
	if n := count(s.attended(t).number); n != 0 {
		t.Errorf("%d notes about a GP outside the county for somebody whose GP is inside", n)
	}
}

// deceased: any active staff may learn it; the record stays readable with a relationship.
func (s *suite) deceased(t *testing.T) {
	p, died := s.newPerson(t), time.Now().AddDate(0, 0, -20).Format(time.DateOnly)
	s.sends(t, ambulance, puts(p.patient(practice, object{"deceasedDateTime": died}), p.attendance("attendance-"+p.number)))
	banner := &gatewayv1.GetPatientResponse{}
	s.ask(t, s.hire(t, "R1110", "RBD", ""), &gatewayv1.GetPatientRequest{NhsNumber: p.number}).into(t, banner)
	if !banner.GetIdentity().GetDeceased() || banner.GetDeceasedOn() != "" || banner.GetPostcode() != "" || banner.GetWithRelationship() {
		t.Errorf("without a relationship: %v", banner)
	}
	s.ask(t, s.hire(t, "R1070", ambulance, ""), &gatewayv1.GetPatientRequest{NhsNumber: p.number}).into(t, banner)
	if !banner.GetIdentity().GetDeceased() || banner.GetDeceasedOn() != died || banner.GetPostcode() == "" {
		t.Errorf("with a relationship: %v", banner)
	}
}
