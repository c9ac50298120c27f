package service

import (
	"context"

	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"

	"github.com/dorsetcarerecord/dcr/internal/nhsnumber"
)

const mergesPage = 50

type numberMerge struct {
	gatewayv1.UnimplementedMergeServiceServer
	*desk
}

// MergeNumbers begins a merge of the numbers as they were named: one that is
// superseded already is not followed, since the merge would be another one.
func (m *numberMerge) MergeNumbers(ctx context.Context, req *gatewayv1.MergeNumbersRequest) (*gatewayv1.MergeNumbersResponse, error) {
	c, id, err := change(ctx, req.GetRequestId())
	if err != nil {
		return nil, err
	}
	superseded, err := number("superseded_nhs_number", req.GetSupersededNhsNumber())
	if err != nil {
		return nil, err
	}
	done, err := m.merges.MergeNumbers(ctx, &identityv1.MergeNumbersRequest{
		RequestId: id, NhsNumber: string(c.AskedNHSNumber), SupersededNhsNumber: string(superseded), Reason: req.GetReason(), Event: c.EventContext(),
	})
	if err != nil {
		return nil, told(err, reasonSameNumber, reasonAlreadyMerged)
	}
	return &gatewayv1.MergeNumbersResponse{Merge: done.GetMerge()}, nil
}

// UnmergeNumbers undoes a merge.
func (m *numberMerge) UnmergeNumbers(ctx context.Context, req *gatewayv1.UnmergeNumbersRequest) (*gatewayv1.UnmergeNumbersResponse, error) {
	c, id, err := change(ctx, req.GetRequestId())
	if err != nil {
		return nil, err
	}
	done, err := m.merges.UnmergeNumbers(ctx, &identityv1.UnmergeNumbersRequest{
		RequestId: id, Id: req.GetId(), Reason: req.GetReason(), Event: c.EventContext(),
	})
	if err != nil {
		return nil, told(err, reasonMergeNotFound, reasonAlreadyUnmerged)
	}
	return &gatewayv1.UnmergeNumbersResponse{Merge: done.GetMerge()}, nil
}

// GetMerge shows one; its event names the number that stays in force.
func (m *numberMerge) GetMerge(ctx context.Context, req *gatewayv1.GetMergeRequest) (*gatewayv1.GetMergeResponse, error) {
	c, err := callOf(ctx)
	if err != nil {
		return nil, err
	}
	got, err := m.merges.GetMerge(ctx, &identityv1.GetMergeRequest{Id: req.GetId()})
	if err != nil {
		return nil, told(err, reasonMergeNotFound)
	}
	c.About(nhsnumber.Number(got.GetMerge().GetNhsNumber()))
	return &gatewayv1.GetMergeResponse{Merge: got.GetMerge()}, nil
}

// ListMerges shows a page; each number shown is an event.
func (m *numberMerge) ListMerges(ctx context.Context, req *gatewayv1.ListMergesRequest) (*gatewayv1.ListMergesResponse, error) {
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
	after, err := m.pages.Open(bound, req.GetPageToken())
	if err != nil {
		return nil, err
	}
	got, err := m.merges.ListMerges(ctx, &identityv1.ListMergesRequest{
		NhsNumber: string(of), PageSize: sizeOr(req.GetPageSize(), mergesPage), AfterId: after,
	})
	if err != nil {
		return nil, told(err)
	}
	for _, one := range got.GetMerges() {
		c.AddMatches(one.GetNhsNumber(), one.GetSupersededNhsNumber())
	}
	return &gatewayv1.ListMergesResponse{Merges: got.GetMerges(), NextPageToken: m.pages.Seal(bound, got.GetNextAfterId())}, nil
}
