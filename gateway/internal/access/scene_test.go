package access_test

import (
	"time"

	accessv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/access/v1"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"

	"github.com/dorsetcarerecord/dcr/gateway/internal/access"
)

const (
	testPerson = "9990002673"
	testStaff  = "staff-1"
)

// facts are the scene as the services would tell it.
func (s scene) facts() access.Facts {
	f := access.Facts{
		Now: testNow, Token: tokenStates()[s.token], Audience: audienceOf(s.audience), RoleCode: s.role, NHSNumber: testPerson,
		Relationships: s.relationships(), Choice: s.chosen(),
	}
	switch s.audience {
	case "staff":
		f.Staff = s.staff()
	case "system":
		f.RoleCode = ""
		if s.standing != "unknown" {
			o := s.organisation()
			f.System = &identityv1.GetSystemFactsResponse{Organisation: o, Active: s.standing != "left" && s.standing != "role ended"}
		}
	}
	if s.known {
		f.Patient = s.patient()
	}
	return f
}

func tokenStates() map[string]access.TokenState {
	return map[string]access.TokenState{
		"unknown": access.TokenUnknown, "absent": access.TokenAbsent, "refused": access.TokenRefused,
		"unverifiable": access.TokenUnverifiable, "accepted": access.TokenAccepted,
	}
}

func audienceOf(name string) accessv1.Audience {
	switch name {
	case "staff":
		return accessv1.Audience_AUDIENCE_STAFF
	case "system":
		return accessv1.Audience_AUDIENCE_SYSTEM
	default:
		return accessv1.Audience_AUDIENCE_ANYONE
	}
}

func (s scene) staff() *identityv1.StaffFacts {
	if s.standing == "unknown" {
		return nil
	}
	return &identityv1.StaffFacts{
		StaffId: testStaff, Active: s.standing != "left", RoleActive: s.standing != "role ended", Organisation: s.organisation(),
		OwnNhsNumberKnown: true, IsOwnRecord: s.own,
	}
}

func (s scene) organisation() *identityv1.Organisation {
	o := &identityv1.Organisation{
		OdsCode: "RYF", Kind: identityv1.OrganisationKind_ORGANISATION_KIND_AMBULANCE_TRUST,
		State: identityv1.OrganisationState_ORGANISATION_STATE_PARTICIPATING,
	}
	switch s.standing {
	case "prospective":
		o.State = identityv1.OrganisationState_ORGANISATION_STATE_PROSPECTIVE
	case "not begun":
		o.ActiveFrom = at(time.Second)
	case "ended":
		o.EndedAt = at(0)
	case "out of area":
		o.State = identityv1.OrganisationState_ORGANISATION_STATE_OUT_OF_AREA
	case "commissioner":
		o.Kind = identityv1.OrganisationKind_ORGANISATION_KIND_COMMISSIONER
	}
	return o
}

func (s scene) relationships() []*identityv1.CareRelationship {
	r := &identityv1.CareRelationship{
		Id: "rel-1", NhsNumber: testPerson, Kind: kinds[s.relation], OdsCode: "RYF", Active: true, EndsAt: at(time.Second),
	}
	switch s.relation {
	case "none":
		return nil
	case "inactive":
		r.Kind, r.Active = kinds["episode"], false
	case "over":
		r.Kind, r.EndsAt = kinds["episode"], at(0)
	case "of another person":
		r.Kind, r.NhsNumber = kinds["episode"], "9990002681"
	case "of a colleague":
		r.Kind, r.StaffId = kinds["emergency"], "staff-2"
	case "granted", "self-declared", "emergency":
		r.StaffId = testStaff
	}
	return []*identityv1.CareRelationship{r}
}

func (s scene) chosen() *access.Choice {
	switch s.choice {
	case "never chose":
		return &access.Choice{}
	case "in":
		return &access.Choice{Number: 2}
	case "out":
		return &access.Choice{Number: 3, Sealed: true}
	default:
		return nil
	}
}

func (s scene) patient() *identityv1.PatientFacts {
	p := &identityv1.PatientFacts{NhsNumber: testPerson, Restricted: s.restriction != "no"}
	switch s.restriction {
	case "broken":
		p.RestrictionBrokenUntil = at(time.Second)
	case "broken, over":
		p.RestrictionBrokenUntil = at(0)
	}
	return p
}
