package service

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/dorsetcarerecord/dcr/identity-svc/internal/kin"
	"github.com/dorsetcarerecord/dcr/identity-svc/internal/store"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
)

// facts implements FactsService.
type facts struct {
	identityv1.UnimplementedFactsServiceServer
	*core
}

// GetStaffFacts reads everything in one statement, and decides nothing.
func (f *facts) GetStaffFacts(ctx context.Context, req *identityv1.GetStaffFactsRequest) (*identityv1.GetStaffFactsResponse, error) {
	now := f.now()
	who := store.Session{
		Issuer: req.GetIssuer(), Subject: req.GetSubject(),
		RoleCode: req.GetRoleCode(), ODSCode: req.GetOdsCode(),
	}
	rows, err := f.store.StaffFacts(ctx, who, req.GetNhsNumber(), now)
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, errors.New("facts gave no row")
	}
	return &identityv1.GetStaffFactsResponse{
		Staff:         staffFactsOf(rows[0], now),
		Patient:       patientFactsOf(rows[0], req.GetNhsNumber(), now),
		Relationships: relationshipsOf(rows),
	}, nil
}

func staffFactsOf(r store.FactRow, now time.Time) *identityv1.StaffFacts {
	if r.StaffID == nil {
		return nil
	}
	s := &identityv1.StaffFacts{
		StaffId: *r.StaffID, Name: deref(r.StaffName), Active: deref(r.StaffActive), RoleActive: r.RoleActive,
		OwnNhsNumberKnown: deref(r.OwnKnown), IsOwnRecord: r.OwnRecord,
	}
	if r.NHSNumber != nil && !r.OwnRecord {
		s.SameSurnameAndAddress, s.SameSurname = kin.Of(
			kin.Home{Surname: deref(r.OwnFamily), Postcode: deref(r.OwnPostcode), Lines: r.OwnLines}, s.GetName(),
			kin.Home{Surname: deref(r.Family), Postcode: deref(r.Postcode), Lines: r.Lines})
		s.IsColleague = r.Colleague
	}
	if r.ODSCode != nil {
		s.Organisation = organisationOf(store.Organisation{
			ODSCode: *r.ODSCode, Name: deref(r.OrganisationName), Kind: deref(r.Kind), State: deref(r.State),
			ActiveFrom: r.ActiveFrom, EndedAt: r.EndedAt, Successor: deref(r.Successor),
			IgnoreUnsupported: deref(r.IgnoreUnsupported), Version: deref(r.Version),
		}, now)
	}
	return s
}

func patientFactsOf(r store.FactRow, asked string, now time.Time) *identityv1.PatientFacts {
	if r.NHSNumber == nil {
		return nil
	}
	return &identityv1.PatientFacts{
		NhsNumber: *r.NHSNumber, Superseded: *r.NHSNumber != asked,
		Restricted: deref(r.Restricted), RestrictionBrokenUntil: stamp(r.BrokenUntil),
		Gp:       practiceOf(deref(r.GPODSCode), deref(r.GPName), r.GPRegistryName, r.GPState, r.GPActiveFrom, now),
		Deceased: deref(r.Deceased),
	}
}

// relationshipsOf sorts what stands by kind, the firmest first, and within a kind the longest first.
func relationshipsOf(rows []store.FactRow) []*identityv1.CareRelationship {
	var found []*identityv1.CareRelationship
	for _, r := range rows {
		if r.RelID == nil {
			continue
		}
		found = append(found, &identityv1.CareRelationship{
			Id: *r.RelID, NhsNumber: deref(r.NHSNumber), Kind: identityv1.RelationshipKind(deref(r.RelKind)),
			OdsCode: deref(r.RelODSCode), StaffId: deref(r.RelStaffID), Team: deref(r.RelTeam),
			StartsAt: stamp(r.RelStartsAt), EndsAt: stamp(r.RelEndsAt), ClosedAt: stamp(r.RelClosedAt),
			ReasonCode: deref(r.RelReasonCode), ReasonText: deref(r.RelReasonText),
			GrantedByStaffId: deref(r.RelGrantedBy), Active: true,
		})
	}
	slices.SortFunc(found, func(a, b *identityv1.CareRelationship) int {
		return cmp.Or(cmp.Compare(a.GetKind(), b.GetKind()), compareEnds(b.GetEndsAt(), a.GetEndsAt()), cmp.Compare(a.GetId(), b.GetId()))
	})
	return found
}

// compareEnds orders ends, where an absent one is later than any.
func compareEnds(a, b *timestamppb.Timestamp) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return 1
	case b == nil:
		return -1
	}
	return a.AsTime().Compare(b.AsTime())
}

// GetSystemFacts reads the organisation of a client from our registry, whatever its token claims.
func (f *facts) GetSystemFacts(ctx context.Context, req *identityv1.GetSystemFactsRequest) (*identityv1.GetSystemFactsResponse, error) {
	o, err := f.store.ClientOrganisation(ctx, req.GetClientId())
	if errors.Is(err, store.ErrNone) {
		return &identityv1.GetSystemFactsResponse{}, nil
	}
	if err != nil {
		return nil, err
	}
	now := f.now()
	return &identityv1.GetSystemFactsResponse{
		Organisation: organisationOf(o, now),
		Active:       stateAt(o.State, o.ActiveFrom, now) == identityv1.OrganisationState_ORGANISATION_STATE_PARTICIPATING,
	}, nil
}
