package service

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/dorsetcarerecord/dcr/identity-svc/internal/relationship"
	"github.com/dorsetcarerecord/dcr/identity-svc/internal/store"
	"github.com/dorsetcarerecord/dcr/internal/accounting"
	"github.com/dorsetcarerecord/dcr/internal/fault"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
)

// DeclareCareRelationship makes a self-declared, emergency or colleague-granted relationship. It says
// nothing of opt-outs: one may be declared for anyone, and shows nothing of a person who has opted out.
func (s *relationships) DeclareCareRelationship(ctx context.Context, req *identityv1.DeclareCareRelationshipRequest) (*identityv1.DeclareCareRelationshipResponse, error) {
	number, err := parseNumber("nhs_number", req.GetNhsNumber())
	if err != nil {
		return nil, err
	}
	text, err := reason(req.GetReasonCode(), req.GetReasonText())
	if err != nil {
		return nil, err
	}
	if err := fieldsFit(req); err != nil {
		return nil, err
	}
	return mutate(ctx, s.core, req, func(tx *sqlx.Tx) (*identityv1.DeclareCareRelationshipResponse, accounting.Change, error) {
		r, now, err := s.declare(ctx, tx, req, number, text)
		if err != nil {
			return nil, accounting.Change{}, err
		}
		return &identityv1.DeclareCareRelationshipResponse{CareRelationship: relationshipOf(r, now)}, relationshipChange(r, "declared"), nil
	})
}

// declare adds the relationship; number and text are checked.
func (s *relationships) declare(ctx context.Context, tx *sqlx.Tx, req *identityv1.DeclareCareRelationshipRequest, number, text string) (store.Relationship, time.Time, error) {
	now := s.now()
	person, err := s.lockPatient(ctx, tx, number)
	if err != nil {
		return store.Relationship{}, now, err
	}
	if _, err := s.activeStaff(ctx, tx, req.GetStaffId()); err != nil {
		return store.Relationship{}, now, err
	}
	id, err := s.newID()
	if err != nil {
		return store.Relationship{}, now, fmt.Errorf("make relationship id: %w", err)
	}
	r := store.Relationship{
		NHSNumber: person.NHSNumber, ID: id.String(), Kind: int16(req.GetKind()), ODSCode: req.GetOdsCode(),
		StartsAt: now, ReasonCode: req.GetReasonCode(), ReasonText: text,
	}
	if err := s.complete(ctx, tx, req, &r, now); err != nil {
		return store.Relationship{}, now, err
	}
	return r, now, s.store.AddDeclared(ctx, tx, r)
}

// fieldsFit refuses parts of a request that belong to another kind: they would be passed over.
func fieldsFit(req *identityv1.DeclareCareRelationshipRequest) error {
	granted := relationship.Kind(req.GetKind()) == relationship.ColleagueGranted
	switch {
	case granted && !isUUID(req.GetGranteeStaffId()):
		return invalid("grantee_staff_id", "A grant names the colleague by staff id.")
	case granted && req.GetGranteeStaffId() == req.GetStaffId():
		return invalid("grantee_staff_id", "A grant is for a colleague, not for oneself.")
	case !granted && req.GetGranteeStaffId() != "":
		return invalid("grantee_staff_id", "Only a grant names a colleague.")
	case !granted && req.GetDurationHours() != 0:
		return invalid("duration_hours", "Only a grant has a duration to choose.")
	}
	return nil
}

// complete sets holder and end.
func (s *relationships) complete(ctx context.Context, tx *sqlx.Tx, req *identityv1.DeclareCareRelationshipRequest, r *store.Relationship, now time.Time) error {
	kind := relationship.Kind(r.Kind)
	if kind == relationship.ColleagueGranted {
		return s.grant(ctx, tx, req, r, now)
	}
	end, ok := s.periods.DeclaredEnd(kind, now)
	if !ok {
		return invalid("kind", "The kind is one that a person can declare.")
	}
	holder := req.GetStaffId()
	r.StaffID, r.EndsAt = &holder, &end
	return nil
}

// grant rests a relationship of a colleague on one of the granter's own.
func (s *relationships) grant(ctx context.Context, tx *sqlx.Tx, req *identityv1.DeclareCareRelationshipRequest, r *store.Relationship, now time.Time) error {
	own, err := s.store.Standing(ctx, tx, r.NHSNumber, req.GetStaffId(), req.GetOdsCode(), now)
	if err != nil {
		return err
	}
	standing := make([]relationship.Standing, len(own))
	for i, o := range own {
		standing[i] = relationship.Standing{ID: o.ID, Kind: relationship.Kind(o.Kind), EndsAt: deref(o.EndsAt)}
	}
	ground, ok := relationship.Ground(standing)
	if !ok {
		return fault.Denied("GRANT_NOT_ALLOWED", "Only who has a registration, referral, episode or caseload with this person can grant a relationship.")
	}
	colleague, err := s.activeStaff(ctx, tx, req.GetGranteeStaffId())
	if err != nil {
		return err
	}
	at, ok := placeOf(colleague, r.ODSCode)
	if !ok {
		return staffNotFound()
	}
	end := s.periods.GrantEnd(ground.EndsAt, now, time.Duration(req.GetDurationHours())*time.Hour)
	granter := req.GetStaffId()
	r.ODSCode, r.StaffID, r.EndsAt = at, &colleague.ID, &end
	r.GrantedBy, r.GrantedFrom = &granter, &ground.ID
	return nil
}

// placeOf is where a colleague acts: at the granter's organisation when they do, else at their own.
func placeOf(s store.Staff, granterAt string) (string, bool) {
	if holdsRoleAt(s, granterAt) {
		return granterAt, true
	}
	for _, r := range s.Roles {
		if r.EndedAt == nil {
			return r.ODSCode, true
		}
	}
	return "", false
}
