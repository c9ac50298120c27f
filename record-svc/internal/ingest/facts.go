package ingest

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/dorsetcarerecord/dcr/internal/nhsnumber"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/fhir"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/section"
)

// Facts are what identity-svc must know of an accepted bundle; nil when it changed nothing.
type Facts struct {
	Number   nhsnumber.Number
	Sequence int64
	// Person is nil when the bundle said nothing about who the person is.
	Person        *Merged
	Relationships []section.Relationship
	ReceivedAt    time.Time
}

// Empty tells whether there is nothing to tell.
func (f *Facts) Empty() bool { return f == nil || f.Person == nil && len(f.Relationships) == 0 }

// Message is the facts as identity-svc takes them.
func (f *Facts) Message(messageID, sourceODS string) *identityv1.ApplyFeedFactsRequest {
	m := &identityv1.ApplyFeedFactsRequest{
		MessageId: messageID, NhsNumber: string(f.Number), SourceOdsCode: sourceODS, Sequence: f.Sequence,
		ReceivedAt: timestamppb.New(f.ReceivedAt),
	}
	if f.Person != nil {
		m.Patient = f.Person.message(f.Number, f.ReceivedAt)
		m.Contact = &identityv1.FeedContact{Mobiles: f.Person.Mobiles, Emails: f.Person.Emails}
	}
	for _, r := range f.Relationships {
		m.Relationships = append(m.Relationships, relationshipMessage(r))
	}
	return m
}

func (m *Merged) message(number nhsnumber.Number, at time.Time) *identityv1.Patient {
	p := &identityv1.Patient{
		NhsNumber: string(number), FamilyName: m.Demographics.Family, GivenNames: m.Demographics.Given, BirthDate: m.Demographics.BirthDate,
		Gender: m.Gender, Deceased: m.Deceased, DeceasedOn: m.DeceasedOn, AddressLines: m.AddressLines, Postcode: m.Postcode,
		Telephones: m.Telephones, Restricted: m.Restricted, UpdatedAt: timestamppb.New(at),
	}
	if m.GPODSCode != "" {
		p.Gp = &identityv1.GpRegistration{OdsCode: m.GPODSCode, Name: m.GPName}
	}
	return p
}

func relationshipMessage(r section.Relationship) *identityv1.FeedRelationship {
	kinds := map[section.RelationshipKind]identityv1.RelationshipKind{
		section.Registration: identityv1.RelationshipKind_RELATIONSHIP_KIND_GP_REGISTRATION,
		section.Referral:     identityv1.RelationshipKind_RELATIONSHIP_KIND_REFERRAL,
		section.Episode:      identityv1.RelationshipKind_RELATIONSHIP_KIND_EPISODE,
		section.Caseload:     identityv1.RelationshipKind_RELATIONSHIP_KIND_CASELOAD,
	}
	m := &identityv1.FeedRelationship{
		SourceKey: r.Key, Kind: kinds[r.Kind], OdsCode: r.ODS, Team: r.Team, StartsAt: instant(r.Start), Withdrawn: r.Withdrawn,
	}
	if r.Closed {
		m.ClosedAt = instant(r.End)
		if m.ClosedAt == nil { // closed without saying when: as early as it can be, so that it outlasts nothing
			m.ClosedAt = instant(r.Start)
		}
		if m.ClosedAt == nil {
			m.ClosedAt = timestamppb.New(time.Unix(0, 0))
		}
	}
	return m
}

func instant(d fhir.Date) *timestamppb.Timestamp {
	if d.IsZero() {
		return nil
	}
	return timestamppb.New(d.Instant)
}

// KindOf is the kind of a sender, as far as sections and relationships depend on it.
func KindOf(kind int32) section.Kind {
	switch identityv1.OrganisationKind(kind) {
	case identityv1.OrganisationKind_ORGANISATION_KIND_LOCAL_AUTHORITY:
		return section.Council
	case identityv1.OrganisationKind_ORGANISATION_KIND_GP_PRACTICE:
		return section.Practice
	}
	return section.Other
}
