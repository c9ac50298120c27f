package service

import (
	"context"
	"slices"

	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"

	"github.com/dorsetcarerecord/dcr/gateway/internal/pipeline"
)

const (
	directoryPage = 100
	// permissionAdmin is what shows OAuth2 clients of organisations.
	permissionAdmin = "organisation.admin"
)

type organisation struct {
	gatewayv1.UnimplementedOrganisationServiceServer
	*desk
}

// ListOrganisations shows a page of the register.
func (o *organisation) ListOrganisations(ctx context.Context, req *gatewayv1.ListOrganisationsRequest) (*gatewayv1.ListOrganisationsResponse, error) {
	c, err := callOf(ctx)
	if err != nil {
		return nil, err
	}
	bound := binding(c, req)
	after, err := o.pages.Open(bound, req.GetPageToken())
	if err != nil {
		return nil, err
	}
	got, err := o.directory.ListOrganisations(ctx, &identityv1.ListOrganisationsRequest{
		PageSize: sizeOr(req.GetPageSize(), directoryPage), AfterOdsCode: after,
	})
	if err != nil {
		return nil, told(err)
	}
	answer := &gatewayv1.ListOrganisationsResponse{NextPageToken: o.pages.Seal(bound, got.GetNextAfterOdsCode())}
	for _, one := range got.GetOrganisations() {
		answer.Organisations = append(answer.Organisations, cut(c, one))
	}
	return answer, nil
}

// GetOrganisation shows one.
func (o *organisation) GetOrganisation(ctx context.Context, req *gatewayv1.GetOrganisationRequest) (*gatewayv1.GetOrganisationResponse, error) {
	c, err := callOf(ctx)
	if err != nil {
		return nil, err
	}
	got, err := o.directory.GetOrganisation(ctx, &identityv1.GetOrganisationRequest{OdsCode: req.GetOdsCode()})
	if err != nil {
		return nil, told(err, reasonOrganisationNotFound)
	}
	return &gatewayv1.GetOrganisationResponse{Organisation: cut(c, got.GetOrganisation())}, nil
}

// CreateOrganisation adds one.
func (o *organisation) CreateOrganisation(ctx context.Context, req *gatewayv1.CreateOrganisationRequest) (*gatewayv1.CreateOrganisationResponse, error) {
	c, id, err := change(ctx, req.GetRequestId())
	if err != nil {
		return nil, err
	}
	done, err := o.administer.CreateOrganisation(ctx, &identityv1.CreateOrganisationRequest{
		RequestId: id, Organisation: req.GetOrganisation(), Event: c.EventContext(),
	})
	if err != nil {
		return nil, told(err, reasonOrganisationExists, reasonClientTaken)
	}
	return &gatewayv1.CreateOrganisationResponse{Organisation: cut(c, done.GetOrganisation())}, nil
}

// UpdateOrganisation changes one, if it is still as the caller read it.
func (o *organisation) UpdateOrganisation(ctx context.Context, req *gatewayv1.UpdateOrganisationRequest) (*gatewayv1.UpdateOrganisationResponse, error) {
	c, id, err := change(ctx, req.GetRequestId())
	if err != nil {
		return nil, err
	}
	changed := req.GetOrganisation()
	if err := same("organisation.ods_code", req.GetOdsCode(), changed.GetOdsCode()); err != nil {
		return nil, err
	}
	changed.OdsCode = req.GetOdsCode()
	done, err := o.administer.UpdateOrganisation(ctx, &identityv1.UpdateOrganisationRequest{
		RequestId: id, Organisation: changed, Event: c.EventContext(),
	})
	if err != nil {
		return nil, told(err, reasonOrganisationNotFound, reasonVersionChanged, reasonClientTaken)
	}
	return &gatewayv1.UpdateOrganisationResponse{Organisation: cut(c, done.GetOrganisation())}, nil
}

// ActivateOrganisation makes a prospective one participate.
func (o *organisation) ActivateOrganisation(ctx context.Context, req *gatewayv1.ActivateOrganisationRequest) (*gatewayv1.ActivateOrganisationResponse, error) {
	c, id, err := change(ctx, req.GetRequestId())
	if err != nil {
		return nil, err
	}
	done, err := o.administer.ActivateOrganisation(ctx, &identityv1.ActivateOrganisationRequest{
		RequestId: id, OdsCode: req.GetOdsCode(), ActiveFrom: req.GetActiveFrom(), Event: c.EventContext(),
	})
	if err != nil {
		return nil, told(err, reasonOrganisationNotFound, reasonNotProspective)
	}
	return &gatewayv1.ActivateOrganisationResponse{Organisation: cut(c, done.GetOrganisation())}, nil
}

// EndOrganisation ends its part.
func (o *organisation) EndOrganisation(ctx context.Context, req *gatewayv1.EndOrganisationRequest) (*gatewayv1.EndOrganisationResponse, error) {
	c, id, err := change(ctx, req.GetRequestId())
	if err != nil {
		return nil, err
	}
	done, err := o.administer.EndOrganisation(ctx, &identityv1.EndOrganisationRequest{
		RequestId: id, OdsCode: req.GetOdsCode(), SuccessorOdsCode: req.GetSuccessorOdsCode(), Event: c.EventContext(),
	})
	if err != nil {
		return nil, told(err, reasonOrganisationNotFound)
	}
	return &gatewayv1.EndOrganisationResponse{Organisation: cut(c, done.GetOrganisation())}, nil
}

// cut takes the OAuth2 clients out for everybody but administrators. The
// message came from the network for this call alone, so it is changed in place.
func cut(c *pipeline.Call, o *identityv1.Organisation) *identityv1.Organisation {
	if o != nil && !slices.Contains(c.Decision.Permissions, permissionAdmin) {
		o.ClientIds = nil
	}
	return o
}
