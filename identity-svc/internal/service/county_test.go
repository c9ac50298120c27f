package service_test

import (
	"time"

	"github.com/google/uuid"

	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
)

// The organisations of the tests, by what they are.
const (
	practice = "J81900"
	surgery  = "J81901"
	hospital = "R0D"
	poole    = "RD3"
)

// organisation adds one through the API.
func (h *house) organisation(code string, change func(*identityv1.Organisation)) *identityv1.Organisation {
	h.t.Helper()
	o := &identityv1.Organisation{
		OdsCode: code, Name: "Organisation " + code, Kind: identityv1.OrganisationKind_ORGANISATION_KIND_ACUTE_TRUST,
		State: identityv1.OrganisationState_ORGANISATION_STATE_PARTICIPATING,
	}
	if change != nil {
		change(o)
	}
	return must[*identityv1.CreateOrganisationResponse](h.t)(h.admin.CreateOrganisation(h.t.Context(), &identityv1.CreateOrganisationRequest{
		RequestId: uuid.NewString(), Organisation: o, Event: h.event("organisation.create"),
	})).GetOrganisation()
}

// county adds the four organisations.
func (h *house) county() {
	h.t.Helper()
	for _, code := range []string{practice, surgery, hospital} {
		h.organisation(code, nil)
	}
	h.organisation(poole, func(o *identityv1.Organisation) {
		o.State, o.SuccessorOdsCode = identityv1.OrganisationState_ORGANISATION_STATE_ENDED, hospital
	})
}

// member adds somebody with one role; subject is their name too.
func (h *house) member(subject, role, odsCode string) *identityv1.Staff {
	h.t.Helper()
	return must[*identityv1.CreateStaffResponse](h.t)(h.admin.CreateStaff(h.t.Context(), &identityv1.CreateStaffRequest{
		RequestId: uuid.NewString(), Event: h.event("staff.create"),
		Staff: &identityv1.Staff{
			Issuer: issuer, Subject: subject, Name: subject,
			Roles: []*identityv1.StaffRole{{RoleCode: role, OdsCode: odsCode, StartsAt: at(h.time().Add(-time.Hour))}},
		},
	})).GetStaff()
}

// ask reads the facts of a session.
func (h *house) ask(s *identityv1.Staff, nhsNumber string) *identityv1.GetStaffFactsResponse {
	h.t.Helper()
	return h.askAs(s, s.GetRoles()[0].GetRoleCode(), s.GetRoles()[0].GetOdsCode(), nhsNumber)
}

func (h *house) askAs(s *identityv1.Staff, role, odsCode, nhsNumber string) *identityv1.GetStaffFactsResponse {
	h.t.Helper()
	return must[*identityv1.GetStaffFactsResponse](h.t)(h.facts.GetStaffFacts(h.t.Context(), &identityv1.GetStaffFactsRequest{
		Issuer: s.GetIssuer(), Subject: s.GetSubject(), RoleCode: role, OdsCode: odsCode, NhsNumber: nhsNumber,
	}))
}

// kinds are the kinds of the relationships that stand, in order.
func kinds(f *identityv1.GetStaffFactsResponse) []identityv1.RelationshipKind {
	var found []identityv1.RelationshipKind
	for _, r := range f.GetRelationships() {
		found = append(found, r.GetKind())
	}
	return found
}

// message is a message of a feed about a person, received now.
func (h *house) message(source string, sequence int64, rels ...*identityv1.FeedRelationship) *identityv1.ApplyFeedFactsRequest {
	return &identityv1.ApplyFeedFactsRequest{
		MessageId: uuid.NewString(), NhsNumber: person, SourceOdsCode: source, Sequence: sequence,
		Patient: somebody(person), Relationships: rels, ReceivedAt: at(h.time()),
	}
}

func (h *house) send(m *identityv1.ApplyFeedFactsRequest) {
	h.t.Helper()
	if _, err := h.feed.ApplyFeedFacts(h.t.Context(), m); err != nil {
		h.t.Fatal(err)
	}
}

// somebody is a person as feeds know them.
func somebody(nhsNumber string) *identityv1.Patient {
	return &identityv1.Patient{
		NhsNumber: nhsNumber, FamilyName: "O\u2019Brièn", GivenNames: []string{"Zoë Anne"}, BirthDate: "1957-03-09", Gender: "female",
		AddressLines: []string{"1 High Street"}, Postcode: "BH15 1AA", Telephones: []string{"01202 000000"},
		Gp: &identityv1.GpRegistration{OdsCode: practice, Name: "as the feed has it"},
	}
}

// registered is a registration with a practice as some Patient resource names it.
func registered(key, odsCode string, since time.Time) *identityv1.FeedRelationship {
	return &identityv1.FeedRelationship{
		SourceKey: key, Kind: identityv1.RelationshipKind_RELATIONSHIP_KIND_GP_REGISTRATION, OdsCode: odsCode, StartsAt: at(since),
	}
}

// episode is an admission; closed is zero while it lasts.
func episode(key, odsCode string, since, closed time.Time) *identityv1.FeedRelationship {
	r := &identityv1.FeedRelationship{
		SourceKey: key, Kind: identityv1.RelationshipKind_RELATIONSHIP_KIND_EPISODE, OdsCode: odsCode, StartsAt: at(since),
	}
	if !closed.IsZero() {
		r.ClosedAt = at(closed)
	}
	return r
}

// declare asks for a relationship of a kind.
func (h *house) declaration(s *identityv1.Staff, kind identityv1.RelationshipKind) *identityv1.DeclareCareRelationshipRequest {
	return &identityv1.DeclareCareRelationshipRequest{
		RequestId: uuid.NewString(), NhsNumber: person, Kind: kind, StaffId: s.GetId(), OdsCode: s.GetRoles()[0].GetOdsCode(),
		ReasonCode: "04", ReasonText: "Called to the house, unconscious", Event: h.event("relationship.declare"),
	}
}
