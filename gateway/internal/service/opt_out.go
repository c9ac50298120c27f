package service

import (
	"context"

	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"

	"github.com/dorsetcarerecord/dcr/internal/nhsnumber"
)

const optOutsPage = 50

type optOut struct {
	gatewayv1.UnimplementedOptOutServiceServer
	*desk
}

// RegisterOptOut seals a person's record, once the name and birth date given
// agree with the person known under the number.
func (o *optOut) RegisterOptOut(ctx context.Context, req *gatewayv1.RegisterOptOutRequest) (*gatewayv1.RegisterOptOutResponse, error) {
	c, id, err := change(ctx, req.GetRequestId())
	if err != nil {
		return nil, err
	}
	if err := o.sameIdentity(ctx, c.NHSNumber, req.GetFamilyName(), req.GetBirthDate()); err != nil {
		return nil, err
	}
	done, err := o.choose.RegisterOptOut(ctx, &optoutv1.RegisterOptOutRequest{
		RequestId:  id,
		NhsNumber:  string(c.NHSNumber),
		Channel:    req.GetChannel(),
		Evidence:   req.GetEvidence(),
		Requester:  req.GetRequester(),
		ReceivedAt: req.GetReceivedAt(),
		Event:      c.EventContext(),
	})
	if err != nil {
		return nil, told(err, reasonAlreadyOut, ReasonIdentityMismatch)
	}
	return &gatewayv1.RegisterOptOutResponse{OptOut: done.GetOptOut()}, nil
}

// WithdrawOptOut opts a person back in.
func (o *optOut) WithdrawOptOut(ctx context.Context, req *gatewayv1.WithdrawOptOutRequest) (*gatewayv1.WithdrawOptOutResponse, error) {
	c, id, err := change(ctx, req.GetRequestId())
	if err != nil {
		return nil, err
	}
	done, err := o.choose.WithdrawOptOut(ctx, &optoutv1.WithdrawOptOutRequest{
		RequestId:  id,
		Id:         req.GetId(),
		Channel:    req.GetChannel(),
		Evidence:   req.GetEvidence(),
		Requester:  req.GetRequester(),
		ReceivedAt: req.GetReceivedAt(),
		Event:      c.EventContext(),
	})
	if err != nil {
		return nil, told(err, reasonOptOutNotFound, reasonNotOut)
	}
	return &gatewayv1.WithdrawOptOutResponse{OptOut: done.GetOptOut()}, nil
}

// GetOptOut shows one; its event names the person.
func (o *optOut) GetOptOut(ctx context.Context, req *gatewayv1.GetOptOutRequest) (*gatewayv1.GetOptOutResponse, error) {
	c, err := callOf(ctx)
	if err != nil {
		return nil, err
	}
	got, err := o.optOuts.GetOptOut(ctx, &optoutv1.GetOptOutRequest{Id: req.GetId()})
	if err != nil {
		return nil, told(err, reasonOptOutNotFound)
	}
	c.About(nhsnumber.Number(got.GetOptOut().GetNhsNumber()))
	return &gatewayv1.GetOptOutResponse{OptOut: got.GetOptOut()}, nil
}

// ListOptOuts shows a page; each person shown is an event.
func (o *optOut) ListOptOuts(ctx context.Context, req *gatewayv1.ListOptOutsRequest) (*gatewayv1.ListOptOutsResponse, error) {
	c, err := callOf(ctx)
	if err != nil {
		return nil, err
	}
	of, err := number("nhs_number", req.GetNhsNumber())
	if err != nil {
		return nil, err
	}
	c.About(of)
	bound := binding(c, req)
	after, err := o.pages.Open(bound, req.GetPageToken())
	if err != nil {
		return nil, err
	}
	got, err := o.optOuts.ListOptOuts(ctx, &optoutv1.ListOptOutsRequest{
		NhsNumber: string(of), PageSize: sizeOr(req.GetPageSize(), optOutsPage), AfterId: after,
	})
	if err != nil {
		return nil, told(err)
	}
	for _, shown := range got.GetOptOuts() {
		c.AddMatches(shown.GetNhsNumber())
	}
	return &gatewayv1.ListOptOutsResponse{
		OptOuts:       got.GetOptOuts(),
		NextPageToken: o.pages.Seal(bound, got.GetNextAfterId()),
	}, nil
}
