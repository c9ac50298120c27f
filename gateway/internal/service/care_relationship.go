package service

import (
	"context"

	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
)

type careRelationship struct {
	gatewayv1.UnimplementedCareRelationshipServiceServer
	*desk
}

// ListCareRelationships shows the caller's own with the person. That there are
// none says nothing about the person, not even that they are known.
func (s *careRelationship) ListCareRelationships(ctx context.Context, _ *gatewayv1.ListCareRelationshipsRequest) (*gatewayv1.ListCareRelationshipsResponse, error) {
	c, err := staffCall(ctx)
	if err != nil {
		return nil, err
	}
	got, err := s.relationships.ListCareRelationships(ctx, &identityv1.ListCareRelationshipsRequest{
		NhsNumber: string(c.NHSNumber),
		StaffId:   c.Staff.GetStaffId(),
		OdsCode:   c.Organisation.GetOdsCode(),
	})
	if err != nil {
		return nil, told(err)
	}
	return &gatewayv1.ListCareRelationshipsResponse{CareRelationships: got.GetCareRelationships()}, nil
}

// DeclareCareRelationship makes one on the caller's word.
func (s *careRelationship) DeclareCareRelationship(ctx context.Context, req *gatewayv1.DeclareCareRelationshipRequest) (*gatewayv1.DeclareCareRelationshipResponse, error) {
	c, id, err := change(ctx, req.GetRequestId())
	if err != nil {
		return nil, err
	}
	event := c.EventContext()
	event.GetBasis().ReasonCode, event.GetBasis().ReasonText = req.GetReasonCode(), req.GetReasonText()
	done, err := s.relationships.DeclareCareRelationship(ctx, &identityv1.DeclareCareRelationshipRequest{
		RequestId:      id,
		NhsNumber:      string(c.NHSNumber),
		Kind:           req.GetKind(),
		StaffId:        c.Staff.GetStaffId(),
		OdsCode:        c.Organisation.GetOdsCode(),
		ReasonCode:     req.GetReasonCode(),
		ReasonText:     req.GetReasonText(),
		GranteeStaffId: req.GetGranteeStaffId(),
		DurationHours:  req.GetDurationHours(),
		Event:          event,
	})
	if err != nil {
		return nil, told(err, reasonPatientNotFound, reasonGrantNotAllowed, reasonStaffNotFound)
	}
	return &gatewayv1.DeclareCareRelationshipResponse{CareRelationship: done.GetCareRelationship()}, nil
}

// EndCareRelationship ends one that the caller declared or granted.
func (s *careRelationship) EndCareRelationship(ctx context.Context, req *gatewayv1.EndCareRelationshipRequest) (*gatewayv1.EndCareRelationshipResponse, error) {
	c, id, err := change(ctx, req.GetRequestId())
	if err != nil {
		return nil, err
	}
	done, err := s.relationships.EndCareRelationship(ctx, &identityv1.EndCareRelationshipRequest{
		RequestId: id,
		NhsNumber: string(c.NHSNumber),
		Id:        req.GetId(),
		StaffId:   c.Staff.GetStaffId(),
		Event:     c.EventContext(),
	})
	if err != nil {
		return nil, told(err, reasonRelationshipNotFound, reasonNotEndable)
	}
	return &gatewayv1.EndCareRelationshipResponse{CareRelationship: done.GetCareRelationship()}, nil
}
