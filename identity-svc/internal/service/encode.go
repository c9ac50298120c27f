package service

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/dorsetcarerecord/dcr/identity-svc/internal/directory"
	"github.com/dorsetcarerecord/dcr/identity-svc/internal/relationship"
	"github.com/dorsetcarerecord/dcr/identity-svc/internal/store"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
)

// stamp is a nullable time in the contract's form.
func stamp(t *time.Time) *timestamppb.Timestamp {
	if t == nil {
		return nil
	}
	return timestamppb.New(*t)
}

// moment is a time of the contract, nil when absent, in the precision that is stored.
func moment(t *timestamppb.Timestamp) *time.Time {
	if t == nil {
		return nil
	}
	at := t.AsTime().Truncate(time.Microsecond)
	return &at
}

// deref is the value, or the zero value for nil.
func deref[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

func stateAt(state int16, activeFrom *time.Time, now time.Time) identityv1.OrganisationState {
	return identityv1.OrganisationState(directory.At(directory.State(state), activeFrom, now))
}

func organisationOf(o store.Organisation, now time.Time) *identityv1.Organisation {
	return &identityv1.Organisation{
		OdsCode: o.ODSCode, Name: o.Name, Kind: identityv1.OrganisationKind(o.Kind),
		State:      stateAt(o.State, o.ActiveFrom, now),
		ActiveFrom: stamp(o.ActiveFrom), EndedAt: stamp(o.EndedAt), SuccessorOdsCode: o.Successor,
		IgnoreUnsupported: o.IgnoreUnsupported, ClientIds: o.ClientIDs, Version: o.Version,
	}
}

// staffOf leaves the own NHS number out: it is compared here and told to nobody.
func staffOf(s store.Staff) *identityv1.Staff {
	out := &identityv1.Staff{
		Id: s.ID, Issuer: s.Issuer, Subject: s.Subject, Name: s.Name,
		OwnNhsNumberKnown: s.OwnKnown, EndedAt: stamp(s.EndedAt), Version: s.Version,
	}
	for _, r := range s.Roles {
		out.Roles = append(out.Roles, &identityv1.StaffRole{
			Id: r.ID, RoleCode: r.RoleCode, OdsCode: r.ODSCode,
			StartsAt: timestamppb.New(r.StartsAt), EndedAt: stamp(r.EndedAt),
		})
	}
	return out
}

func patientOf(p store.Patient, now time.Time) *identityv1.Patient {
	return &identityv1.Patient{
		NhsNumber: p.NHSNumber, FamilyName: p.FamilyName, GivenNames: p.GivenNames, BirthDate: p.BirthDate,
		Gender: p.Gender, Deceased: p.Deceased, DeceasedOn: p.DeceasedOn,
		AddressLines: p.AddressLines, Postcode: p.Postcode, Telephones: p.Telephones,
		Gp:         practiceOf(p.GPODSCode, p.GPName, p.GPRegistryName, p.GPState, p.GPActiveFrom, now),
		Restricted: p.Restricted, UpdatedAt: timestamppb.New(p.UpdatedAt),
	}
}

// practiceOf is a person's practice: its name from our registry, else as the feed had it.
func practiceOf(odsCode, feedName string, name *string, state *int16, activeFrom *time.Time, now time.Time) *identityv1.GpRegistration {
	if odsCode == "" && feedName == "" {
		return nil
	}
	gp := &identityv1.GpRegistration{OdsCode: odsCode, Name: feedName}
	if name != nil {
		gp.Name = *name
	}
	if state != nil {
		gp.State = stateAt(*state, activeFrom, now)
	}
	return gp
}

func relationshipOf(r store.Relationship, now time.Time) *identityv1.CareRelationship {
	begun := !r.StartsAt.After(now) || !relationship.Kind(r.Kind).FromFeed()
	over := r.EndedEarly || r.Withdrawn || (r.EndsAt != nil && !r.EndsAt.After(now))
	return &identityv1.CareRelationship{
		Id: r.ID, NhsNumber: r.NHSNumber, Kind: identityv1.RelationshipKind(r.Kind), OdsCode: r.ODSCode,
		StaffId: deref(r.StaffID), Team: r.Team, StartsAt: timestamppb.New(r.StartsAt), EndsAt: stamp(r.EndsAt), ClosedAt: stamp(r.ClosedAt),
		EndedEarly: r.EndedEarly, ReasonCode: r.ReasonCode, ReasonText: r.ReasonText,
		GrantedByStaffId: deref(r.GrantedBy), Active: begun && !over,
	}
}
