package service

import (
	"context"
	"errors"
	"time"

	"github.com/jmoiron/sqlx"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/dorsetcarerecord/dcr/identity-svc/internal/relationship"
	"github.com/dorsetcarerecord/dcr/identity-svc/internal/store"
	"github.com/dorsetcarerecord/dcr/internal/accounting"
	"github.com/dorsetcarerecord/dcr/internal/fault"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
)

// listedFor is how long ago a listed relationship may have ended.
const listedFor = 365 * 24 * time.Hour

// relationships implements RelationshipService.
type relationships struct {
	identityv1.UnimplementedRelationshipServiceServer
	*core
}

// ListCareRelationships lists those of a session. A person who is not known has none.
func (s *relationships) ListCareRelationships(ctx context.Context, req *identityv1.ListCareRelationshipsRequest) (*identityv1.ListCareRelationshipsResponse, error) {
	number, err := parseNumber("nhs_number", req.GetNhsNumber())
	if err != nil {
		return nil, err
	}
	resp := &identityv1.ListCareRelationshipsResponse{}
	person, err := s.store.Patient(ctx, number)
	if errors.Is(err, store.ErrNone) {
		return resp, nil
	}
	if err != nil {
		return nil, err
	}
	now := s.now()
	found, err := s.store.RelationshipsOf(ctx, person.NHSNumber, req.GetStaffId(), req.GetOdsCode(), now.Add(-listedFor))
	if err != nil {
		return nil, err
	}
	for _, r := range found {
		resp.CareRelationships = append(resp.CareRelationships, relationshipOf(r, now))
	}
	return resp, nil
}

// EndCareRelationship ends one that the member holds or granted. It takes effect on the next question for
// facts, by the row and not by a clock.
func (s *relationships) EndCareRelationship(ctx context.Context, req *identityv1.EndCareRelationshipRequest) (*identityv1.EndCareRelationshipResponse, error) {
	number, err := parseNumber("nhs_number", req.GetNhsNumber())
	if err != nil {
		return nil, err
	}
	return mutate(ctx, s.core, req, func(tx *sqlx.Tx) (*identityv1.EndCareRelationshipResponse, accounting.Change, error) {
		person, err := s.store.LockPatient(ctx, tx, number)
		if errors.Is(err, store.ErrNone) {
			return nil, accounting.Change{}, relationshipNotFound()
		}
		if err != nil {
			return nil, accounting.Change{}, err
		}
		r, err := s.endable(ctx, tx, person.NHSNumber, req)
		if err != nil {
			return nil, accounting.Change{}, err
		}
		now, did := s.now(), "ended already"
		if relationshipOf(r, now).GetActive() {
			did, r.EndedEarly, r.EndsAt = "ended", true, &now
			if err := s.store.EndRelationship(ctx, tx, r.NHSNumber, r.ID, now); err != nil {
				return nil, accounting.Change{}, err
			}
		}
		return &identityv1.EndCareRelationshipResponse{CareRelationship: relationshipOf(r, now)}, relationshipChange(r, did), nil
	})
}

// endable finds the relationship that is to be ended, or the refusal.
func (s *relationships) endable(ctx context.Context, tx *sqlx.Tx, number string, req *identityv1.EndCareRelationshipRequest) (store.Relationship, error) {
	if !isUUID(req.GetId()) {
		return store.Relationship{}, relationshipNotFound()
	}
	r, err := s.store.LockRelationship(ctx, tx, number, req.GetId())
	if errors.Is(err, store.ErrNone) {
		return r, relationshipNotFound()
	}
	if err != nil {
		return r, err
	}
	if relationship.Kind(r.Kind).ByPerson() {
		if deref(r.StaffID) != req.GetStaffId() && deref(r.GrantedBy) != req.GetStaffId() {
			return r, relationshipNotFound()
		}
		return r, nil
	}
	// A colleague of the organisation that holds it may know that it is there; nobody else.
	member, err := s.store.StaffByID(ctx, tx, req.GetStaffId())
	if errors.Is(err, store.ErrNone) {
		return r, relationshipNotFound()
	}
	if err != nil {
		return r, err
	}
	if !holdsRoleAt(member, r.ODSCode) {
		return r, relationshipNotFound()
	}
	return r, fault.Precondition("NOT_ENDABLE", "This relationship comes from a partner's feed and ends with it.")
}

// BreakRestriction shows a restricted person's hidden fields to one member of staff, for a time. Whether
// there is a relationship was decided before the call.
func (s *relationships) BreakRestriction(ctx context.Context, req *identityv1.BreakRestrictionRequest) (*identityv1.BreakRestrictionResponse, error) {
	number, err := parseNumber("nhs_number", req.GetNhsNumber())
	if err != nil {
		return nil, err
	}
	text, err := reason(req.GetReasonCode(), req.GetReasonText())
	if err != nil {
		return nil, err
	}
	return mutate(ctx, s.core, req, func(tx *sqlx.Tx) (*identityv1.BreakRestrictionResponse, accounting.Change, error) {
		person, err := s.lockPatient(ctx, tx, number)
		if err != nil {
			return nil, accounting.Change{}, err
		}
		if !person.Restricted {
			return nil, accounting.Change{}, fault.Precondition("NOT_RESTRICTED", "This person is not restricted.")
		}
		if _, err := s.activeStaff(ctx, tx, req.GetStaffId()); err != nil {
			return nil, accounting.Change{}, err
		}
		until := s.periods.BreakEnd(s.now())
		err = s.store.PutBreak(ctx, tx, store.Break{
			NHSNumber: person.NHSNumber, StaffID: req.GetStaffId(), Until: until,
			ReasonCode: req.GetReasonCode(), ReasonText: text,
		})
		return &identityv1.BreakRestrictionResponse{BrokenUntil: timestamppb.New(until)}, accounting.Change{
			Resource: "restriction", ID: req.GetStaffId(), Summary: "broken", NHSNumber: person.NHSNumber,
			ReasonCode: req.GetReasonCode(), ReasonText: text, Marks: []string{"restriction_broken"},
		}, err
	})
}

// reason checks why something is declared, and gives the text without spaces around it.
func reason(code, text string) (string, error) {
	if !relationship.ValidReasonCode(code) {
		return "", invalid("reason_code", "A reason code is 01 to 06.")
	}
	trimmed, ok := relationship.ReasonText(text)
	if !ok {
		return "", invalid("reason_text", "Say why, in 10 to 1000 characters.")
	}
	return trimmed, nil
}

// relationshipChange is what the audit says about a change of a relationship.
func relationshipChange(r store.Relationship, summary string) accounting.Change {
	c := accounting.Change{
		Resource: "care_relationship", ID: r.ID, Summary: summary, NHSNumber: r.NHSNumber,
		RelationshipID: r.ID, RelationshipKind: relationship.Kind(r.Kind).String(),
		ReasonCode: r.ReasonCode, ReasonText: r.ReasonText,
	}
	switch kind := relationship.Kind(r.Kind); kind {
	case relationship.Emergency, relationship.SelfDeclared, relationship.ColleagueGranted:
		c.Marks = []string{kind.String()}
	}
	return c
}

// lockPatient finds the person in force, whose row then stays as it is until the transaction ends.
func (c *core) lockPatient(ctx context.Context, tx *sqlx.Tx, number string) (store.Patient, error) {
	p, err := c.store.LockPatient(ctx, tx, number)
	if errors.Is(err, store.ErrNone) {
		return p, patientNotFound()
	}
	return p, err
}

// activeStaff finds a member who has not left.
func (c *core) activeStaff(ctx context.Context, tx *sqlx.Tx, id string) (store.Staff, error) {
	s, err := c.store.StaffByID(ctx, tx, id)
	if errors.Is(err, store.ErrNone) || (err == nil && s.EndedAt != nil) {
		return s, staffNotFound()
	}
	return s, err
}

func holdsRoleAt(s store.Staff, odsCode string) bool {
	for _, r := range s.Roles {
		if r.EndedAt == nil && r.ODSCode == odsCode {
			return true
		}
	}
	return false
}
