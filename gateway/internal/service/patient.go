package service

import (
	"context"
	"time"

	accessv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/access/v1"
	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
	recordv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/record/v1"

	"github.com/dorsetcarerecord/dcr/gateway/internal/access"
	"github.com/dorsetcarerecord/dcr/gateway/internal/pipeline"
	"github.com/dorsetcarerecord/dcr/internal/nhsnumber"
)

type patient struct {
	gatewayv1.UnimplementedPatientServiceServer
	*desk
}

// SearchPatients shows all matches or none; each is an event of its own.
func (p *patient) SearchPatients(ctx context.Context, req *gatewayv1.SearchPatientsRequest) (*gatewayv1.SearchPatientsResponse, error) {
	c, err := callOf(ctx)
	if err != nil {
		return nil, err
	}
	asked, err := search(req)
	if err != nil {
		return nil, err
	}
	found, err := p.patients.SearchPatients(ctx, asked)
	if err != nil {
		return nil, told(err, reasonSearchTooWide)
	}
	answer := &gatewayv1.SearchPatientsResponse{}
	for _, person := range found.GetPatients() {
		answer.Matches = append(answer.Matches, p.match(person))
		c.AddMatches(person.GetNhsNumber())
	}
	return answer, nil
}

// GetPatient is the banner: as much as the caller's relationship and the
// person's restriction allow (DESIGN.md section 4, DOMAIN.md section 6).
func (p *patient) GetPatient(ctx context.Context, _ *gatewayv1.GetPatientRequest) (*gatewayv1.GetPatientResponse, error) {
	c, err := callOf(ctx)
	if err != nil {
		return nil, err
	}
	found, err := p.patients.GetPatient(ctx, &identityv1.GetPatientRequest{NhsNumber: string(c.NHSNumber)})
	if err != nil {
		return nil, told(err, reasonPatientNotFound)
	}
	person := found.GetPatient()
	answer := &gatewayv1.GetPatientResponse{
		Identity:   p.match(person),
		Superseded: found.GetSuperseded() || c.AskedNHSNumber != c.NHSNumber,
	}
	level := accessv1.Level_LEVEL_SUMMARY
	// Of somebody who has opted out nobody is shown more than that they exist, by
	// a relationship declared in an emergency either.
	if c.Relationship != nil && !c.Sealed {
		level = widen(answer, person, c)
	}
	c.Release(&auditv1.Disclosure{Sections: []*accessv1.SectionGrant{
		{Section: accessv1.Section_SECTION_DEMOGRAPHICS, Level: level},
	}})
	return answer, nil
}

// widen adds what a relationship shows. Of a restricted person only name, NHS
// number and birth date show until the restriction is broken; when the decision
// and identity-svc's newest word differ, the stricter one counts.
func widen(to *gatewayv1.GetPatientResponse, person *identityv1.Patient, c *pipeline.Call) accessv1.Level {
	to.WithRelationship = true
	to.RelationshipKind = access.KindName(c.Relationship.GetKind())
	to.Restricted = person.GetRestricted() || c.Patient.GetRestricted()
	broken := c.Decision.Restriction == recordv1.Restriction_RESTRICTION_BROKEN
	if broken {
		to.RestrictionBrokenUntil = c.Patient.GetRestrictionBrokenUntil()
	}
	if to.GetRestricted() && !broken {
		return accessv1.Level_LEVEL_SUMMARY
	}
	to.Gender = person.GetGender()
	to.DeceasedOn = person.GetDeceasedOn()
	to.AddressLines = person.GetAddressLines()
	to.Postcode = person.GetPostcode()
	to.Telephones = person.GetTelephones()
	to.Gp = person.GetGp()
	return accessv1.Level_LEVEL_FULL
}

// BreakRestriction shows the caller a restricted person's hidden fields for a time.
func (p *patient) BreakRestriction(ctx context.Context, req *gatewayv1.BreakRestrictionRequest) (*gatewayv1.BreakRestrictionResponse, error) {
	c, id, err := change(ctx, req.GetRequestId())
	if err != nil {
		return nil, err
	}
	event := c.EventContext()
	event.GetBasis().ReasonCode, event.GetBasis().ReasonText = req.GetReasonCode(), req.GetReasonText()
	done, err := p.relationships.BreakRestriction(ctx, &identityv1.BreakRestrictionRequest{
		RequestId:  id,
		NhsNumber:  string(c.NHSNumber),
		StaffId:    c.Staff.GetStaffId(),
		ReasonCode: req.GetReasonCode(),
		ReasonText: req.GetReasonText(),
		Event:      event,
	})
	if err != nil {
		return nil, told(err, reasonNotRestricted, reasonPatientNotFound)
	}
	return &gatewayv1.BreakRestrictionResponse{BrokenUntil: done.GetBrokenUntil()}, nil
}

// match is what any member of staff may learn of a person.
func (p *patient) match(person *identityv1.Patient) *gatewayv1.PatientMatch {
	return &gatewayv1.PatientMatch{
		NhsNumber:        person.GetNhsNumber(),
		NhsNumberGrouped: nhsnumber.Number(person.GetNhsNumber()).Grouped(),
		FamilyName:       person.GetFamilyName(),
		GivenNames:       person.GetGivenNames(),
		BirthDate:        person.GetBirthDate(),
		Age:              age(person, p.now()),
		Deceased:         person.GetDeceased(),
	}
}

// age in whole years today, or at death. Somebody born on 29 February is a year
// older on 1 March. It is 0 (left out of JSON) where a date is not known.
func age(person *identityv1.Patient, now time.Time) int32 {
	born, err := time.Parse(dateForm, person.GetBirthDate())
	if err != nil {
		return 0
	}
	at := now.UTC()
	if person.GetDeceased() {
		if at, err = time.Parse(dateForm, person.GetDeceasedOn()); err != nil {
			return 0
		}
	}
	years := at.Year() - born.Year()
	if at.Month() < born.Month() || (at.Month() == born.Month() && at.Day() < born.Day()) {
		years--
	}
	return int32(max(years, 0))
}
