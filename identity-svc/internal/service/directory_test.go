package service_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"

	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
)

const (
	participating = identityv1.OrganisationState_ORGANISATION_STATE_PARTICIPATING
	prospective   = identityv1.OrganisationState_ORGANISATION_STATE_PROSPECTIVE
)

func (h *house) update(o *identityv1.Organisation) (*identityv1.Organisation, error) {
	resp, err := h.admin.UpdateOrganisation(h.t.Context(), &identityv1.UpdateOrganisationRequest{
		RequestId: uuid.NewString(), Organisation: o, Event: h.event("organisation.update"),
	})
	return resp.GetOrganisation(), err
}

func (h *house) create(o *identityv1.Organisation) error {
	_, err := h.admin.CreateOrganisation(h.t.Context(), &identityv1.CreateOrganisationRequest{
		RequestId: uuid.NewString(), Organisation: o, Event: h.event("organisation.create"),
	})
	return err
}

func TestOrganisationsChangeByVersion(t *testing.T) {
	t.Parallel()
	h := open(t)
	o := h.organisation(hospital, nil)
	o.Name, o.IgnoreUnsupported = "University Hospitals", true
	changed, err := h.update(o)
	if err != nil || changed.GetName() != "University Hospitals" || !changed.GetIgnoreUnsupported() || changed.GetVersion() != o.GetVersion()+1 {
		t.Fatalf("changed: %v, %v", changed, err)
	}
	_, err = h.update(o)
	wants(t, err, codes.Aborted, "VERSION_CHANGED")
	_, err = h.update(&identityv1.Organisation{OdsCode: "ZZZ", Name: "x", Kind: 1})
	wants(t, err, codes.NotFound, "ORGANISATION_NOT_FOUND")
	wants(t, h.create(&identityv1.Organisation{OdsCode: hospital, Name: "again", Kind: 1, State: participating}), codes.AlreadyExists, "ORGANISATION_EXISTS")
	wants(t, h.create(&identityv1.Organisation{OdsCode: "X X", Name: "x", Kind: 1, State: participating}), codes.InvalidArgument, "INVALID_ARGUMENT")
	wants(t, h.create(&identityv1.Organisation{OdsCode: "XX", Name: "x", Kind: 9, State: participating}), codes.InvalidArgument, "INVALID_ARGUMENT")
	wants(t, h.create(&identityv1.Organisation{OdsCode: "XX", Name: "x", Kind: 1}), codes.InvalidArgument, "INVALID_ARGUMENT")
	if e := h.audit.byAction("organisation.update"); len(e) != 1 || e[0].GetChange().GetId() != hospital {
		t.Errorf("events: %v", e)
	}
}

func TestProspectiveUntilItsDate(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.organisation("RNZ", func(o *identityv1.Organisation) { o.State, o.ClientIds = prospective, []string{"salisbury"} })
	facts := func() *identityv1.GetSystemFactsResponse {
		return must[*identityv1.GetSystemFactsResponse](t)(h.facts.GetSystemFacts(t.Context(), &identityv1.GetSystemFactsRequest{Issuer: issuer, ClientId: "salisbury"}))
	}
	if f := facts(); f.GetActive() || f.GetOrganisation().GetOdsCode() != "RNZ" {
		t.Errorf("a prospective organisation: %v", f)
	}
	activate := func(from time.Time) error {
		_, err := h.admin.ActivateOrganisation(t.Context(), &identityv1.ActivateOrganisationRequest{
			RequestId: uuid.NewString(), OdsCode: "RNZ", ActiveFrom: at(from), Event: h.event("organisation.activate"),
		})
		return err
	}
	if err := activate(h.time().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if f := facts(); f.GetActive() || f.GetOrganisation().GetState() != prospective {
		t.Errorf("before its date: %v", f)
	}
	if err := activate(h.time().Add(2 * time.Hour)); err != nil {
		t.Errorf("another date: %v", err)
	}
	h.pass(2 * time.Hour)
	if f := facts(); !f.GetActive() || f.GetOrganisation().GetState() != participating {
		t.Errorf("at its date: %v", f)
	}
	wants(t, activate(h.time()), codes.FailedPrecondition, "NOT_PROSPECTIVE")
	if f := must[*identityv1.GetSystemFactsResponse](t)(h.facts.GetSystemFacts(t.Context(), &identityv1.GetSystemFactsRequest{Issuer: issuer, ClientId: "x"})); f.GetOrganisation() != nil || f.GetActive() {
		t.Errorf("an unknown client: %v", f)
	}
}

func TestClientsBelongToOneOrganisation(t *testing.T) {
	t.Parallel()
	h := open(t)
	a := h.organisation(hospital, func(o *identityv1.Organisation) { o.ClientIds = []string{"one", "two", "two"} })
	b := h.organisation(practice, nil)
	b.ClientIds = []string{"two"}
	_, err := h.update(b)
	wants(t, err, codes.AlreadyExists, "CLIENT_ID_TAKEN")
	a.ClientIds = []string{"one"}
	if _, err := h.update(a); err != nil {
		t.Fatal(err)
	}
	if b, err = h.update(b); err != nil || !slices.Equal(b.GetClientIds(), []string{"two"}) {
		t.Errorf("a client that became free: %v, %v", b, err)
	}
}

func TestSuccessorsMakeNoRing(t *testing.T) {
	t.Parallel()
	h := open(t)
	a := h.organisation("AAA", nil)
	h.organisation("BBB", func(o *identityv1.Organisation) { o.SuccessorOdsCode = "AAA" })
	for _, successor := range []string{"AAA", "BBB"} {
		a.SuccessorOdsCode = successor
		_, err := h.update(a)
		wants(t, err, codes.InvalidArgument, "INVALID_ARGUMENT")
	}
	a.SuccessorOdsCode = "CCC"
	_, err := h.update(a)
	wants(t, err, codes.NotFound, "ORGANISATION_NOT_FOUND")
}

func TestStaffAndRoles(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.county()
	gp := h.member("gp", "R0260", practice)
	create := func(s *identityv1.Staff) error {
		_, err := h.admin.CreateStaff(t.Context(), &identityv1.CreateStaffRequest{RequestId: uuid.NewString(), Staff: s, Event: h.event("staff.create")})
		return err
	}
	role := func(code, odsCode string) []*identityv1.StaffRole {
		return []*identityv1.StaffRole{{RoleCode: code, OdsCode: odsCode}}
	}
	wants(t, create(&identityv1.Staff{Issuer: issuer, Subject: "gp", Name: "Again"}), codes.AlreadyExists, "STAFF_EXISTS")
	wants(t, create(&identityv1.Staff{Issuer: issuer, Subject: "b", Name: "B", Roles: role("R0260", "ZZZ")}), codes.NotFound, "ORGANISATION_NOT_FOUND")
	wants(t, create(&identityv1.Staff{Issuer: issuer, Subject: "b", Name: "B", Roles: role("r 1", practice)}), codes.InvalidArgument, "INVALID_ARGUMENT")
	wants(t, create(&identityv1.Staff{Issuer: issuer, Subject: "b", Name: "B", OwnNhsNumber: "9990002672"}), codes.InvalidArgument, "INVALID_NHS_NUMBER")
	wants(t, create(&identityv1.Staff{Issuer: issuer, Subject: "b", Name: "\x00"}), codes.InvalidArgument, "INVALID_ARGUMENT")

	add := func(code, odsCode string) (*identityv1.Staff, error) {
		resp, err := h.admin.AddStaffRole(t.Context(), &identityv1.AddStaffRoleRequest{
			RequestId: uuid.NewString(), StaffId: gp.GetId(), Role: role(code, odsCode)[0], Event: h.event("staff.add_role"),
		})
		return resp.GetStaff(), err
	}
	_, err := add("R0260", practice)
	wants(t, err, codes.AlreadyExists, "ROLE_EXISTS")
	two, err := add("R0050", hospital)
	if err != nil || len(two.GetRoles()) != 2 || two.GetVersion() != gp.GetVersion()+1 {
		t.Fatalf("two roles: %v, %v", two, err)
	}
	if f := h.askAs(gp, "R0050", hospital, ""); !f.GetStaff().GetRoleActive() {
		t.Error("a role that was added is not active")
	}
	_, err = h.admin.EndStaffRole(t.Context(), &identityv1.EndStaffRoleRequest{
		RequestId: uuid.NewString(), StaffId: gp.GetId(), RoleId: uuid.NewString(), Event: h.event("staff.end_role"),
	})
	wants(t, err, codes.NotFound, "ROLE_NOT_FOUND")
	gp.Name = "Stale"
	_, err = h.admin.UpdateStaff(t.Context(), &identityv1.UpdateStaffRequest{RequestId: uuid.NewString(), Staff: gp, Event: h.event("staff.update")})
	wants(t, err, codes.Aborted, "VERSION_CHANGED")
	_, err = h.directory.GetStaff(t.Context(), &identityv1.GetStaffRequest{Id: "x"})
	wants(t, err, codes.NotFound, "STAFF_NOT_FOUND")
}

func TestPages(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.county()
	var codesSeen []string
	for after, pages := "", 0; pages == 0 || after != ""; pages++ {
		page := must[*identityv1.ListOrganisationsResponse](t)(h.directory.ListOrganisations(t.Context(), &identityv1.ListOrganisationsRequest{PageSize: 3, AfterOdsCode: after}))
		for _, o := range page.GetOrganisations() {
			codesSeen = append(codesSeen, o.GetOdsCode())
		}
		after = page.GetNextAfterOdsCode()
	}
	if !slices.Equal(codesSeen, []string{practice, surgery, hospital, poole}) {
		t.Errorf("organisations: %v", codesSeen)
	}
	for _, subject := range []string{"a", "b", "c"} {
		h.member(subject, "R0050", hospital)
	}
	h.member("d", "R0260", practice)
	first := must[*identityv1.ListStaffResponse](t)(h.directory.ListStaff(t.Context(), &identityv1.ListStaffRequest{OdsCode: hospital, PageSize: 2}))
	second := must[*identityv1.ListStaffResponse](t)(h.directory.ListStaff(t.Context(), &identityv1.ListStaffRequest{OdsCode: hospital, PageSize: 2, AfterId: first.GetNextAfterId()}))
	if len(first.GetStaff()) != 2 || len(second.GetStaff()) != 1 || second.GetNextAfterId() != "" || len(second.GetStaff()[0].GetRoles()) != 1 {
		t.Errorf("staff: %v, %v", first, second)
	}
}
