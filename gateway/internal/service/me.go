package service

import (
	"context"

	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
)

type me struct {
	gatewayv1.UnimplementedMeServiceServer
	*desk
}

// GetMe tells the caller who they are here; everything in it was established
// by the decision.
func (*me) GetMe(ctx context.Context, _ *gatewayv1.GetMeRequest) (*gatewayv1.GetMeResponse, error) {
	c, err := staffCall(ctx)
	if err != nil {
		return nil, err
	}
	return &gatewayv1.GetMeResponse{
		StaffId:          c.Staff.GetStaffId(),
		Name:             c.Staff.GetName(),
		RoleCode:         c.Caller.RoleCode,
		Profession:       c.Decision.Profession,
		OdsCode:          c.Organisation.GetOdsCode(),
		OrganisationName: c.Organisation.GetName(),
		Sections:         c.Decision.RoleSections,
		Permissions:      c.Decision.Permissions,
		PolicyVersion:    c.PolicyVersion,
	}, nil
}
