package service_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"

	"github.com/dorsetcarerecord/dcr/internal/testkit"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
)

const (
	kindRegistration = identityv1.RelationshipKind_RELATIONSHIP_KIND_GP_REGISTRATION
	kindEpisode      = identityv1.RelationshipKind_RELATIONSHIP_KIND_EPISODE
	kindGranted      = identityv1.RelationshipKind_RELATIONSHIP_KIND_COLLEAGUE_GRANTED
	kindDeclared     = identityv1.RelationshipKind_RELATIONSHIP_KIND_SELF_DECLARED
	kindEmergency    = identityv1.RelationshipKind_RELATIONSHIP_KIND_EMERGENCY
)

func TestUnlistedCallersAreRefused(t *testing.T) {
	t.Parallel()
	h := open(t)
	for _, name := range []string{"record-svc", "optout-svc", "audit-svc"} {
		conn := testkit.Dial(t, h.dir, name, "identity-svc", h.addr)
		_, err := identityv1.NewFactsServiceClient(conn).GetStaffFacts(t.Context(), &identityv1.GetStaffFactsRequest{Issuer: issuer, Subject: "x", RoleCode: "R", OdsCode: "X"})
		wants(t, err, codes.PermissionDenied, "CALLER_NOT_ALLOWED")
		_, err = identityv1.NewDirectoryAdminServiceClient(conn).EndStaff(t.Context(), &identityv1.EndStaffRequest{})
		wants(t, err, codes.PermissionDenied, "CALLER_NOT_ALLOWED")
	}
	gateway := testkit.Dial(t, h.dir, "gateway", "identity-svc", h.addr)
	_, err := identityv1.NewFeedServiceClient(gateway).ApplyFeedFacts(t.Context(), h.message(hospital, 1))
	wants(t, err, codes.PermissionDenied, "CALLER_NOT_ALLOWED")
}

func TestFactsOfTheUnknown(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.county()
	f := h.askAs(&identityv1.Staff{Issuer: issuer, Subject: "nobody"}, "R0260", practice, person)
	if f.GetStaff() != nil || f.GetPatient() != nil || len(f.GetRelationships()) != 0 {
		t.Errorf("facts about nobody: %v", f)
	}
	h.send(h.message(hospital, 1, registered("Patient/1", practice, h.time())))
	f = h.askAs(&identityv1.Staff{Issuer: issuer, Subject: "nobody"}, "R0260", practice, person)
	if len(f.GetRelationships()) != 0 {
		t.Error("an unknown member of staff has the relationships of the practice that the token names")
	}
}

func TestFactsOfASession(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.county()
	gp := h.member("gp", "R0260", practice)
	h.send(h.message(hospital, 1, registered("Patient/1", practice, h.time().Add(-time.Hour))))
	f := h.ask(gp, person)
	s := f.GetStaff()
	if !s.GetActive() || !s.GetRoleActive() || s.GetStaffId() != gp.GetId() || s.GetOrganisation().GetOdsCode() != practice || s.GetOwnNhsNumberKnown() {
		t.Errorf("staff: %v", s)
	}
	p := f.GetPatient()
	if p.GetNhsNumber() != person || p.GetGp().GetOdsCode() != practice || p.GetGp().GetName() != "Organisation "+practice ||
		p.GetGp().GetState() != identityv1.OrganisationState_ORGANISATION_STATE_PARTICIPATING {
		t.Errorf("patient: %v", p)
	}
	if got := kinds(f); !slices.Equal(got, []identityv1.RelationshipKind{kindRegistration}) {
		t.Errorf("relationships: %v", got)
	}
	if got := h.askAs(gp, "R1070", practice, person).GetStaff(); got.GetRoleActive() {
		t.Error("a role that the member does not hold is active")
	}
	if got := h.askAs(gp, "R0260", surgery, person); got.GetStaff().GetRoleActive() || len(got.GetRelationships()) != 0 {
		t.Error("a role counts at another organisation")
	}
	if got := h.ask(gp, ""); got.GetPatient() != nil || got.GetStaff() == nil {
		t.Errorf("facts about no person: %v", got)
	}
}

func TestEndsTakeEffectOnTheNextQuestion(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.county()
	gp := h.member("gp", "R0260", practice)
	nurse := h.member("nurse", "R8001", practice)
	h.send(h.message(hospital, 1, registered("Patient/1", practice, h.time().Add(-time.Hour))))

	if _, err := h.admin.EndStaffRole(t.Context(), &identityv1.EndStaffRoleRequest{
		RequestId: uuid.NewString(), StaffId: gp.GetId(), RoleId: gp.GetRoles()[0].GetId(), Event: h.event("staff.end_role"),
	}); err != nil {
		t.Fatal(err)
	}
	if h.ask(gp, person).GetStaff().GetRoleActive() {
		t.Error("an ended role is active")
	}
	if _, err := h.admin.EndStaff(t.Context(), &identityv1.EndStaffRequest{
		RequestId: uuid.NewString(), StaffId: nurse.GetId(), Event: h.event("staff.end"),
	}); err != nil {
		t.Fatal(err)
	}
	if s := h.ask(nurse, person).GetStaff(); s.GetActive() || s.GetRoleActive() {
		t.Errorf("an ended member is active: %v", s)
	}

	medic := h.member("medic", "R1070", hospital)
	made := must[*identityv1.DeclareCareRelationshipResponse](t)(h.relationships.DeclareCareRelationship(t.Context(), h.declaration(medic, kindEmergency))).GetCareRelationship()
	if got := kinds(h.ask(medic, person)); !slices.Equal(got, []identityv1.RelationshipKind{kindEmergency}) {
		t.Fatalf("after declaring: %v", got)
	}
	if _, err := h.relationships.EndCareRelationship(t.Context(), &identityv1.EndCareRelationshipRequest{
		RequestId: uuid.NewString(), NhsNumber: person, Id: made.GetId(), StaffId: medic.GetId(), Event: h.event("relationship.end"),
	}); err != nil {
		t.Fatal(err)
	}
	h.pass(-time.Minute) // a replica whose clock is behind must see the end too
	if got := kinds(h.ask(medic, person)); len(got) != 0 {
		t.Errorf("after ending: %v", got)
	}
}

func TestOwnRecord(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.county()
	gp := h.member("gp", "R0260", practice)
	h.send(h.message(hospital, 1))
	updated := must[*identityv1.UpdateStaffResponse](t)(h.admin.UpdateStaff(t.Context(), &identityv1.UpdateStaffRequest{
		RequestId: uuid.NewString(), Event: h.event("staff.update"),
		Staff: &identityv1.Staff{Id: gp.GetId(), Name: "gp", OwnNhsNumber: person, Version: gp.GetVersion()},
	})).GetStaff()
	if updated.GetOwnNhsNumber() != "" || !updated.GetOwnNhsNumberKnown() {
		t.Errorf("own number: told %q, known %v", updated.GetOwnNhsNumber(), updated.GetOwnNhsNumberKnown())
	}
	if !h.ask(gp, person).GetStaff().GetIsOwnRecord() || h.ask(gp, other).GetStaff().GetIsOwnRecord() {
		t.Error("the own record is not told from others")
	}
	// What was read and is sent back keeps the number, which cannot be read.
	updated.Name = "New Name"
	kept := must[*identityv1.UpdateStaffResponse](t)(h.admin.UpdateStaff(t.Context(), &identityv1.UpdateStaffRequest{
		RequestId: uuid.NewString(), Event: h.event("staff.update"), Staff: updated,
	})).GetStaff()
	if !kept.GetOwnNhsNumberKnown() || !h.ask(gp, person).GetStaff().GetIsOwnRecord() {
		t.Error("a change of the name removed the own number")
	}
	// The number was merged into another since.
	h.exec("INSERT INTO patient (nhs_number, updated_at) VALUES ($1, now())", other)
	h.exec("UPDATE patient SET superseded_by = $2 WHERE nhs_number = $1", person, other)
	if !h.ask(gp, other).GetStaff().GetIsOwnRecord() || !h.ask(gp, person).GetStaff().GetIsOwnRecord() {
		t.Error("a superseded own number is not recognised")
	}
}

func TestSupersededAndInvalidated(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.county()
	gp := h.member("gp", "R0260", practice)
	h.send(h.message(hospital, 1, registered("Patient/1", practice, h.time().Add(-time.Hour))))
	h.exec("INSERT INTO patient (nhs_number, updated_at, superseded_by) VALUES ($1, now(), $2)", other, person)

	f := h.ask(gp, other)
	if !f.GetPatient().GetSuperseded() || f.GetPatient().GetNhsNumber() != person || len(f.GetRelationships()) != 1 {
		t.Errorf("facts under a superseded number: %v", f)
	}
	got := must[*identityv1.GetPatientResponse](t)(h.patients.GetPatient(t.Context(), &identityv1.GetPatientRequest{NhsNumber: other}))
	if !got.GetSuperseded() || got.GetPatient().GetNhsNumber() != person {
		t.Errorf("patient under a superseded number: %v", got)
	}
	h.exec("UPDATE patient SET invalidated = true WHERE nhs_number = $1", person)
	if f := h.ask(gp, person); f.GetPatient() != nil || len(f.GetRelationships()) != 0 {
		t.Errorf("facts under an invalidated number: %v", f)
	}
	_, err := h.patients.GetPatient(t.Context(), &identityv1.GetPatientRequest{NhsNumber: person})
	wants(t, err, codes.NotFound, "PATIENT_NOT_FOUND")
}

func TestSuccessorsInherit(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.county()
	doctor := h.member("doctor", "R0050", hospital)
	h.send(h.message(poole, 1, episode("Encounter/1", poole, h.time().Add(-time.Hour), time.Time{})))
	if got := kinds(h.ask(doctor, person)); !slices.Equal(got, []identityv1.RelationshipKind{kindEpisode}) {
		t.Errorf("an episode at Poole does not count for its successor: %v", got)
	}
	// A successor of the successor inherits both; while it takes part, nobody does.
	h.organisation("R9X", nil)
	if _, err := h.admin.EndOrganisation(t.Context(), &identityv1.EndOrganisationRequest{
		RequestId: uuid.NewString(), OdsCode: hospital, SuccessorOdsCode: "R9X", Event: h.event("organisation.end"),
	}); err != nil {
		t.Fatal(err)
	}
	next := h.member("next", "R0050", "R9X")
	if got := kinds(h.ask(next, person)); !slices.Equal(got, []identityv1.RelationshipKind{kindEpisode}) {
		t.Errorf("a chain of successors is not followed: %v", got)
	}
	if o := h.ask(doctor, person).GetStaff().GetOrganisation(); o.GetState() != identityv1.OrganisationState_ORGANISATION_STATE_ENDED {
		t.Errorf("state of the ended organisation: %v", o.GetState())
	}
}

// exec changes a row in a way for which there is no RPC yet.
func (h *house) exec(text string, args ...any) {
	h.t.Helper()
	if _, err := h.db.App.ExecContext(h.t.Context(), text, args...); err != nil {
		h.t.Fatal(err)
	}
}
