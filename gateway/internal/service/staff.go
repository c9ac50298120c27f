package service

import (
	"context"

	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
)

type staff struct {
	gatewayv1.UnimplementedStaffServiceServer
	*desk
}

// ListStaff shows a page of the register.
func (s *staff) ListStaff(ctx context.Context, req *gatewayv1.ListStaffRequest) (*gatewayv1.ListStaffResponse, error) {
	c, err := callOf(ctx)
	if err != nil {
		return nil, err
	}
	bound := binding(c, req)
	after, err := s.pages.Open(bound, req.GetPageToken())
	if err != nil {
		return nil, err
	}
	got, err := s.directory.ListStaff(ctx, &identityv1.ListStaffRequest{
		OdsCode: req.GetOdsCode(), PageSize: sizeOr(req.GetPageSize(), directoryPage), AfterId: after,
	})
	if err != nil {
		return nil, told(err)
	}
	answer := &gatewayv1.ListStaffResponse{NextPageToken: s.pages.Seal(bound, got.GetNextAfterId())}
	for _, one := range got.GetStaff() {
		answer.Staff = append(answer.Staff, withoutNumber(one))
	}
	return answer, nil
}

// GetStaff shows one.
func (s *staff) GetStaff(ctx context.Context, req *gatewayv1.GetStaffRequest) (*gatewayv1.GetStaffResponse, error) {
	if _, err := callOf(ctx); err != nil {
		return nil, err
	}
	got, err := s.directory.GetStaff(ctx, &identityv1.GetStaffRequest{Id: req.GetId()})
	if err != nil {
		return nil, told(err, reasonStaffNotFound)
	}
	return &gatewayv1.GetStaffResponse{Staff: withoutNumber(got.GetStaff())}, nil
}

// CreateStaff adds one, with roles.
func (s *staff) CreateStaff(ctx context.Context, req *gatewayv1.CreateStaffRequest) (*gatewayv1.CreateStaffResponse, error) {
	c, id, err := change(ctx, req.GetRequestId())
	if err != nil {
		return nil, err
	}
	added, err := withCheckedNumber(req.GetStaff())
	if err != nil {
		return nil, err
	}
	done, err := s.administer.CreateStaff(ctx, &identityv1.CreateStaffRequest{
		RequestId: id, Staff: added, Event: c.EventContext(),
	})
	if err != nil {
		return nil, told(err, reasonStaffExists, reasonOrganisationNotFound)
	}
	return &gatewayv1.CreateStaffResponse{Staff: withoutNumber(done.GetStaff())}, nil
}

// UpdateStaff changes one, if it is still as the caller read it.
func (s *staff) UpdateStaff(ctx context.Context, req *gatewayv1.UpdateStaffRequest) (*gatewayv1.UpdateStaffResponse, error) {
	c, id, err := change(ctx, req.GetRequestId())
	if err != nil {
		return nil, err
	}
	if err := same("staff.id", req.GetId(), req.GetStaff().GetId()); err != nil {
		return nil, err
	}
	changed, err := withCheckedNumber(req.GetStaff())
	if err != nil {
		return nil, err
	}
	changed.Id = req.GetId()
	done, err := s.administer.UpdateStaff(ctx, &identityv1.UpdateStaffRequest{
		RequestId: id, Staff: changed, Event: c.EventContext(),
	})
	if err != nil {
		return nil, told(err, reasonStaffNotFound, reasonVersionChanged)
	}
	return &gatewayv1.UpdateStaffResponse{Staff: withoutNumber(done.GetStaff())}, nil
}

// AddStaffRole adds a role.
func (s *staff) AddStaffRole(ctx context.Context, req *gatewayv1.AddStaffRoleRequest) (*gatewayv1.AddStaffRoleResponse, error) {
	c, id, err := change(ctx, req.GetRequestId())
	if err != nil {
		return nil, err
	}
	done, err := s.administer.AddStaffRole(ctx, &identityv1.AddStaffRoleRequest{
		RequestId: id, StaffId: req.GetStaffId(), Role: req.GetRole(), Event: c.EventContext(),
	})
	if err != nil {
		return nil, told(err, reasonStaffNotFound, reasonOrganisationNotFound, reasonRoleExists)
	}
	return &gatewayv1.AddStaffRoleResponse{Staff: withoutNumber(done.GetStaff())}, nil
}

// EndStaffRole ends a role; the next call in it is refused.
func (s *staff) EndStaffRole(ctx context.Context, req *gatewayv1.EndStaffRoleRequest) (*gatewayv1.EndStaffRoleResponse, error) {
	c, id, err := change(ctx, req.GetRequestId())
	if err != nil {
		return nil, err
	}
	done, err := s.administer.EndStaffRole(ctx, &identityv1.EndStaffRoleRequest{
		RequestId: id, StaffId: req.GetStaffId(), RoleId: req.GetRoleId(), Event: c.EventContext(),
	})
	if err != nil {
		return nil, told(err, reasonStaffNotFound, reasonRoleNotFound)
	}
	return &gatewayv1.EndStaffRoleResponse{Staff: withoutNumber(done.GetStaff())}, nil
}

// EndStaff ends a member of staff; the next call of theirs is refused.
func (s *staff) EndStaff(ctx context.Context, req *gatewayv1.EndStaffRequest) (*gatewayv1.EndStaffResponse, error) {
	c, id, err := change(ctx, req.GetRequestId())
	if err != nil {
		return nil, err
	}
	done, err := s.administer.EndStaff(ctx, &identityv1.EndStaffRequest{
		RequestId: id, StaffId: req.GetStaffId(), Event: c.EventContext(),
	})
	if err != nil {
		return nil, told(err, reasonStaffNotFound)
	}
	return &gatewayv1.EndStaffResponse{Staff: withoutNumber(done.GetStaff())}, nil
}

// withoutNumber: a member's own NHS number goes in and never comes out.
func withoutNumber(s *identityv1.Staff) *identityv1.Staff {
	if s != nil {
		s.OwnNhsNumber = ""
	}
	return s
}

// withCheckedNumber has the own NHS number in its ten digits.
func withCheckedNumber(s *identityv1.Staff) (*identityv1.Staff, error) {
	n, err := number("staff.own_nhs_number", s.GetOwnNhsNumber())
	if err != nil {
		return nil, err
	}
	s.OwnNhsNumber = string(n)
	return s, nil
}
