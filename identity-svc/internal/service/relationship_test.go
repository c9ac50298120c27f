package service_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"google.golang.org/grpc/codes"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
)

// ward is a house with a person in hospital, a doctor and a nurse there, and a medic elsewhere.
func ward(t *testing.T) (h *house, doctor, nurse, medic *identityv1.Staff) {
	t.Helper()
	h = open(t)
	h.county()
	h.organisation("RYF", nil)
	h.send(h.message(hospital, 1, episode("Encounter/1", hospital, h.time().Add(-time.Hour), time.Time{})))
	return h, h.member("doctor", "R0050", hospital), h.member("nurse", "R8001", practice), h.member("medic", "R1070", "RYF")
}

func TestDeclaredRelationshipsEndByThemselves(t *testing.T) {
	t.Parallel()
	for kind, lasts := range map[identityv1.RelationshipKind]time.Duration{kindEmergency: 8 * time.Hour, kindDeclared: 24 * time.Hour} {
		h, _, _, medic := ward(t)
		req := h.declaration(medic, kind)
		made := must[*identityv1.DeclareCareRelationshipResponse](t)(h.relationships.DeclareCareRelationship(t.Context(), req)).GetCareRelationship()
		if got := made.GetEndsAt().AsTime().Sub(made.GetStartsAt().AsTime()); got != lasts || !made.GetActive() {
			t.Errorf("%v lasts %v, active %v; want %v", kind, got, made.GetActive(), lasts)
		}
		h.pass(lasts - time.Second)
		if got := kinds(h.ask(medic, person)); !slices.Equal(got, []identityv1.RelationshipKind{kind}) {
			t.Errorf("a second before its end: %v", got)
		}
		h.pass(time.Second)
		if got := kinds(h.ask(medic, person)); len(got) != 0 {
			t.Errorf("at its end: %v", got)
		}
		list := must[*identityv1.ListCareRelationshipsResponse](t)(h.relationships.ListCareRelationships(t.Context(), &identityv1.ListCareRelationshipsRequest{
			NhsNumber: person, StaffId: medic.GetId(), OdsCode: "RYF",
		})).GetCareRelationships()
		if len(list) != 1 || list[0].GetActive() {
			t.Errorf("list after its end: %v", list)
		}
	}
}

func TestDeclarationIsAccountedFor(t *testing.T) {
	t.Parallel()
	h, _, _, medic := ward(t)
	req := h.declaration(medic, kindEmergency)
	made := must[*identityv1.DeclareCareRelationshipResponse](t)(h.relationships.DeclareCareRelationship(t.Context(), req)).GetCareRelationship()
	e := h.audit.byID(req.GetEvent().GetEventId())
	if e == nil {
		t.Fatal("answered before audit-svc had the event")
	}
	got := []string{e.GetAction(), e.GetOutcome().String(), e.GetNhsNumber(), e.GetChange().GetId(), e.GetChange().GetSummary(),
		e.GetBasis().GetRelationshipId(), e.GetBasis().GetRelationshipKind(), e.GetBasis().GetReasonCode(), e.GetBasis().GetReasonText(),
		strings.Join(e.GetMarks(), " "), e.GetBasis().GetPolicyVersion(), e.GetActor().GetSession()}
	want := []string{"relationship.declare", "OUTCOME_CHANGED", person, made.GetId(), "declared",
		made.GetId(), "emergency", "04", "Called to the house, unconscious", "emergency", "7", "s-1"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestRefusedDeclarations(t *testing.T) {
	t.Parallel()
	h, doctor, nurse, medic := ward(t)
	for name, c := range map[string]struct {
		change func(*identityv1.DeclareCareRelationshipRequest)
		code   codes.Code
		reason string
	}{
		"unknown person":  {func(r *identityv1.DeclareCareRelationshipRequest) { r.NhsNumber = other }, codes.NotFound, "PATIENT_NOT_FOUND"},
		"bad number":      {func(r *identityv1.DeclareCareRelationshipRequest) { r.NhsNumber = "9990002672" }, codes.InvalidArgument, "INVALID_NHS_NUMBER"},
		"reason code":     {func(r *identityv1.DeclareCareRelationshipRequest) { r.ReasonCode = "07" }, codes.InvalidArgument, "INVALID_ARGUMENT"},
		"no reason code":  {func(r *identityv1.DeclareCareRelationshipRequest) { r.ReasonCode = "" }, codes.InvalidArgument, "INVALID_ARGUMENT"},
		"short text":      {func(r *identityv1.DeclareCareRelationshipRequest) { r.ReasonText = " because  " }, codes.InvalidArgument, "INVALID_ARGUMENT"},
		"empty text":      {func(r *identityv1.DeclareCareRelationshipRequest) { r.ReasonText = "xxxxxxxxxxxxxxx" }, codes.InvalidArgument, "INVALID_ARGUMENT"},
		"a kind of feeds": {func(r *identityv1.DeclareCareRelationshipRequest) { r.Kind = kindEpisode }, codes.InvalidArgument, "INVALID_ARGUMENT"},
		"a duration":      {func(r *identityv1.DeclareCareRelationshipRequest) { r.DurationHours = 2 }, codes.InvalidArgument, "INVALID_ARGUMENT"},
		"unknown staff":   {func(r *identityv1.DeclareCareRelationshipRequest) { r.StaffId = uuid.NewString() }, codes.NotFound, "STAFF_NOT_FOUND"},
		"grant to nobody": {func(r *identityv1.DeclareCareRelationshipRequest) { r.Kind = kindGranted }, codes.InvalidArgument, "INVALID_ARGUMENT"},
		"grant to oneself": {func(r *identityv1.DeclareCareRelationshipRequest) {
			r.Kind, r.GranteeStaffId = kindGranted, medic.GetId()
		}, codes.InvalidArgument, "INVALID_ARGUMENT"},
		"grant without ground": {func(r *identityv1.DeclareCareRelationshipRequest) {
			r.Kind, r.GranteeStaffId = kindGranted, nurse.GetId()
		}, codes.PermissionDenied, "GRANT_NOT_ALLOWED"},
		"grant to unknown staff": {grantTo(doctor, uuid.NewString()), codes.NotFound, "STAFF_NOT_FOUND"},
		"event id of yesterday": {func(r *identityv1.DeclareCareRelationshipRequest) {
			r.Event.EventId = idAt(h.time().Add(-24 * time.Hour)).String()
		}, codes.InvalidArgument, "INVALID_ARGUMENT"},
	} {
		t.Run(name, func(t *testing.T) {
			req := h.declaration(medic, kindEmergency)
			c.change(req)
			_, err := h.relationships.DeclareCareRelationship(t.Context(), req)
			wants(t, err, c.code, c.reason)
			if h.audit.byID(req.GetEvent().GetEventId()) != nil {
				t.Error("a refusal was accounted for as a change")
			}
		})
	}
}

// grantTo makes a declaration a grant by a member of the hospital.
func grantTo(by *identityv1.Staff, to string) func(*identityv1.DeclareCareRelationshipRequest) {
	return func(r *identityv1.DeclareCareRelationshipRequest) {
		r.Kind, r.StaffId, r.OdsCode, r.GranteeStaffId = kindGranted, by.GetId(), by.GetRoles()[0].GetOdsCode(), to
	}
}

func TestGrantIsNoLaundry(t *testing.T) {
	t.Parallel()
	h, doctor, nurse, medic := ward(t)
	grant := func(by, to *identityv1.Staff, hours int32) (*identityv1.CareRelationship, error) {
		req := h.declaration(by, kindGranted)
		req.GranteeStaffId, req.DurationHours = to.GetId(), hours
		resp, err := h.relationships.DeclareCareRelationship(t.Context(), req)
		return resp.GetCareRelationship(), err
	}
	made, err := grant(doctor, nurse, 0)
	if err != nil {
		t.Fatal(err)
	}
	if got := made.GetEndsAt().AsTime().Sub(made.GetStartsAt().AsTime()); got != 28*24*time.Hour {
		t.Errorf("a grant on an open episode lasts %v", got)
	}
	if made.GetStaffId() != nurse.GetId() || made.GetOdsCode() != practice || made.GetGrantedByStaffId() != doctor.GetId() {
		t.Errorf("holder: %v", made)
	}
	if got := kinds(h.ask(nurse, person)); !slices.Equal(got, []identityv1.RelationshipKind{kindGranted}) {
		t.Errorf("the colleague has %v", got)
	}
	_, err = grant(nurse, medic, 0)
	wants(t, err, codes.PermissionDenied, "GRANT_NOT_ALLOWED")
	for _, kind := range []identityv1.RelationshipKind{kindDeclared, kindEmergency} {
		must[*identityv1.DeclareCareRelationshipResponse](t)(h.relationships.DeclareCareRelationship(t.Context(), h.declaration(medic, kind)))
	}
	_, err = grant(medic, nurse, 0)
	wants(t, err, codes.PermissionDenied, "GRANT_NOT_ALLOWED")

	// A discharge that is told later ends the ground, and with it what rests on it: 30 days are longer
	// than this grant, so nothing changes; withdrawing the episode takes it all.
	h.pass(time.Minute)
	withdrawn := episode("Encounter/1", hospital, h.time(), time.Time{})
	withdrawn.Withdrawn = true
	h.send(h.message(hospital, 2, withdrawn))
	if got := kinds(h.ask(nurse, person)); len(got) != 0 {
		t.Errorf("a grant outlives what it rests on: %v", got)
	}
}

func TestGrantEndsWithItsGround(t *testing.T) {
	t.Parallel()
	h, doctor, nurse, _ := ward(t)
	discharged := h.time().Add(-20 * 24 * time.Hour)
	h.send(h.message(hospital, 2, episode("Encounter/1", hospital, discharged.Add(-time.Hour), discharged)))
	h.pass(21 * 24 * time.Hour) // nine days are left of the thirty
	req := h.declaration(doctor, kindGranted)
	req.GranteeStaffId = nurse.GetId()
	made := must[*identityv1.DeclareCareRelationshipResponse](t)(h.relationships.DeclareCareRelationship(t.Context(), req)).GetCareRelationship()
	ground := h.ask(doctor, person).GetRelationships()[0]
	if !made.GetEndsAt().AsTime().Equal(ground.GetEndsAt().AsTime()) {
		t.Errorf("grant ends %v, its ground %v", made.GetEndsAt().AsTime(), ground.GetEndsAt().AsTime())
	}
	req = h.declaration(doctor, kindGranted)
	req.GranteeStaffId, req.DurationHours = nurse.GetId(), 2
	made = must[*identityv1.DeclareCareRelationshipResponse](t)(h.relationships.DeclareCareRelationship(t.Context(), req)).GetCareRelationship()
	if got := made.GetEndsAt().AsTime().Sub(made.GetStartsAt().AsTime()); got != 2*time.Hour {
		t.Errorf("a grant of two hours lasts %v", got)
	}
}

func TestWhoMayEndWhat(t *testing.T) {
	t.Parallel()
	h, doctor, nurse, medic := ward(t)
	end := func(by *identityv1.Staff, id string) (*identityv1.EndCareRelationshipResponse, error) {
		return h.relationships.EndCareRelationship(t.Context(), &identityv1.EndCareRelationshipRequest{
			RequestId: uuid.NewString(), NhsNumber: person, Id: id, StaffId: by.GetId(), Event: h.event("relationship.end"),
		})
	}
	req := h.declaration(doctor, kindGranted)
	req.GranteeStaffId = nurse.GetId()
	granted := must[*identityv1.DeclareCareRelationshipResponse](t)(h.relationships.DeclareCareRelationship(t.Context(), req)).GetCareRelationship()
	_, err := end(medic, granted.GetId())
	wants(t, err, codes.NotFound, "RELATIONSHIP_NOT_FOUND")
	got := must[*identityv1.EndCareRelationshipResponse](t)(end(doctor, granted.GetId())).GetCareRelationship()
	if got.GetActive() || !got.GetEndedEarly() {
		t.Errorf("ended by its granter: %v", got)
	}
	again := must[*identityv1.EndCareRelationshipResponse](t)(end(nurse, granted.GetId())).GetCareRelationship()
	if !again.GetEndsAt().AsTime().Equal(got.GetEndsAt().AsTime()) {
		t.Error("ending again moved the end")
	}
	fromFeed := h.ask(doctor, person).GetRelationships()[0].GetId()
	_, err = end(doctor, fromFeed)
	wants(t, err, codes.FailedPrecondition, "NOT_ENDABLE")
	_, err = end(medic, fromFeed)
	wants(t, err, codes.NotFound, "RELATIONSHIP_NOT_FOUND")
	for _, id := range []string{uuid.NewString(), "x"} {
		_, err = end(doctor, id)
		wants(t, err, codes.NotFound, "RELATIONSHIP_NOT_FOUND")
	}
}

func TestBreakRestriction(t *testing.T) {
	t.Parallel()
	h, doctor, nurse, _ := ward(t)
	breakIt := func() (*identityv1.BreakRestrictionResponse, *auditv1.EventContext, error) {
		ec := h.event("restriction.break")
		resp, err := h.relationships.BreakRestriction(t.Context(), &identityv1.BreakRestrictionRequest{
			RequestId: uuid.NewString(), NhsNumber: person, StaffId: doctor.GetId(), ReasonCode: "04", ReasonText: "must find the address", Event: ec,
		})
		return resp, ec, err
	}
	_, _, err := breakIt()
	wants(t, err, codes.FailedPrecondition, "NOT_RESTRICTED")
	m := h.message(hospital, 2)
	m.Patient.Restricted = true
	h.send(m)
	resp, ec, err := breakIt()
	if err != nil {
		t.Fatal(err)
	}
	p := h.ask(doctor, person).GetPatient()
	if !p.GetRestricted() || !p.GetRestrictionBrokenUntil().AsTime().Equal(resp.GetBrokenUntil().AsTime()) ||
		!resp.GetBrokenUntil().AsTime().Equal(h.time().UTC().Truncate(time.Microsecond).Add(8*time.Hour)) {
		t.Errorf("broken until %v, facts say %v", resp.GetBrokenUntil().AsTime(), p)
	}
	if e := h.audit.byID(ec.GetEventId()); !slices.Contains(e.GetMarks(), "restriction_broken") || e.GetNhsNumber() != person {
		t.Errorf("event: %v", e)
	}
	if h.ask(nurse, person).GetPatient().GetRestrictionBrokenUntil() != nil {
		t.Error("broken for somebody else too")
	}
	h.pass(8 * time.Hour)
	if h.ask(doctor, person).GetPatient().GetRestrictionBrokenUntil() != nil {
		t.Error("still broken after eight hours")
	}
}
