package service

import (
	"context"

	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
)

type optOut struct {
	gatewayv1.UnimplementedOptOutServiceServer
	*desk
}

// RegisterOptOut registers a request. That the particulars agree with the person
// known under the number is for optout-svc to find out.
func (o *optOut) RegisterOptOut(ctx context.Context, req *gatewayv1.RegisterOptOutRequest) (*gatewayv1.RegisterOptOutResponse, error) {
	c, id, err := change(ctx, req.GetRequestId())
	if err != nil {
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
		Choice:     req.GetChoice(),
		Claimed: &optoutv1.ClaimedPerson{
			NhsNumber: string(c.AskedNHSNumber), FamilyName: req.GetFamilyName(), GivenNames: req.GetGivenNames(),
			BirthDate: req.GetBirthDate(), Postcode: req.GetPostcode(),
		},
		AskedBy:         req.GetAskedBy(),
		ChannelEvidence: req.GetChannelEvidence(),
		EvidenceItems:   req.GetEvidenceItems(),
		LetterFormat:    req.GetLetterFormat(),
		Hold:            req.GetHold(),
	})
	if err != nil {
		return nil, told(err, life(ReasonIdentityMismatch)...)
	}
	return &gatewayv1.RegisterOptOutResponse{OptOut: done.GetOptOut()}, nil
}

// StartOptOut starts a request for a person. What is known of the person is not
// looked at: the answer is the same for everybody.
func (o *optOut) StartOptOut(ctx context.Context, req *gatewayv1.StartOptOutRequest) (*gatewayv1.StartOptOutResponse, error) {
	c, id, err := change(ctx, req.GetRequestId())
	if err != nil {
		return nil, err
	}
	done, err := o.choose.StartOptOut(ctx, &optoutv1.StartOptOutRequest{
		RequestId:       id,
		Claimed:         req.GetPerson(),
		Choice:          req.GetChoice(),
		Channel:         req.GetChannel(),
		Evidence:        req.GetEvidence(),
		Requester:       req.GetRequester(),
		AskedBy:         req.GetAskedBy(),
		ChannelEvidence: req.GetChannelEvidence(),
		LetterFormat:    req.GetLetterFormat(),
		Event:           c.EventContext(),
	})
	if err != nil {
		return nil, told(err, life()...)
	}
	return &gatewayv1.StartOptOutResponse{
		Reference: done.GetReference(), ReceivedAt: done.GetReceivedAt(), DueAt: done.GetDueAt(),
	}, nil
}

// WithdrawOptOut ends a request, or opts a person back in.
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

		AskedBy:       req.GetAskedBy(),
		EvidenceItems: req.GetEvidenceItems(),
	})
	if err != nil {
		return nil, told(err, life()...)
	}
	return &gatewayv1.WithdrawOptOutResponse{OptOut: done.GetOptOut()}, nil
}
