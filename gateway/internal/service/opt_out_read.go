package service

import (
	"context"

	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"

	"github.com/dorsetcarerecord/dcr/internal/nhsnumber"
)

const optOutsPage = 50

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
		RequestState: req.GetRequestState(), Channel: req.GetChannel(), Queue: req.GetQueue(),
		Reference: req.GetReference(), Register: req.GetRegister(),
	})
	if err != nil {
		return nil, told(err)
	}
	for _, shown := range got.GetOptOuts() {
		if n := shown.GetNhsNumber(); n != "" { // empty while a request is not matched
			c.AddMatches(n)
		}
	}
	return &gatewayv1.ListOptOutsResponse{
		OptOuts:       got.GetOptOuts(),
		NextPageToken: o.pages.Seal(bound, got.GetNextAfterId()),
	}, nil
}

// ListSafeguardingOptOuts shows a safeguarding lead the requests that wait for one; each child is an event.
func (o *optOut) ListSafeguardingOptOuts(ctx context.Context, req *gatewayv1.ListSafeguardingOptOutsRequest) (*gatewayv1.ListSafeguardingOptOutsResponse, error) {
	c, err := callOf(ctx)
	if err != nil {
		return nil, err
	}
	bound := binding(c, req)
	after, err := o.pages.Open(bound, req.GetPageToken())
	if err != nil {
		return nil, err
	}
	got, err := o.optOuts.ListSafeguarding(ctx, &optoutv1.ListSafeguardingRequest{
		PageSize: sizeOr(req.GetPageSize(), optOutsPage), AfterId: after,
	})
	if err != nil {
		return nil, told(err)
	}
	for _, shown := range got.GetCases() {
		c.AddMatches(shown.GetNhsNumber())
	}
	return &gatewayv1.ListSafeguardingOptOutsResponse{
		Cases: got.GetCases(), NextPageToken: o.pages.Seal(bound, got.GetNextAfterId()),
	}, nil
}

// GetOptOutStatistics shows counts, and nobody.
func (o *optOut) GetOptOutStatistics(ctx context.Context, req *gatewayv1.GetOptOutStatisticsRequest) (*gatewayv1.GetOptOutStatisticsResponse, error) {
	if _, err := callOf(ctx); err != nil {
		return nil, err
	}
	got, err := o.optOuts.GetStatistics(ctx, &optoutv1.GetStatisticsRequest{FromMonth: req.GetFromMonth(), ToMonth: req.GetToMonth()})
	if err != nil {
		return nil, told(err)
	}
	return &gatewayv1.GetOptOutStatisticsResponse{Statistics: got}, nil
}
