package service

import (
	"context"

	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"

	"github.com/dorsetcarerecord/dcr/internal/nhsnumber"
)

// publicOptOut answers the public. It asks nobody but optout-svc, which answers
// the same whoever is known, so that neither what is said here nor what is done
// depends on a person.
type publicOptOut struct {
	gatewayv1.UnimplementedPublicOptOutServiceServer
	*desk
}

// SubmitPublicOptOut receives a request from the public form.
func (o *publicOptOut) SubmitPublicOptOut(ctx context.Context, req *gatewayv1.SubmitPublicOptOutRequest) (*gatewayv1.SubmitPublicOptOutResponse, error) {
	c, err := callOf(ctx)
	if err != nil {
		return nil, err
	}
	id, err := requestID(req.GetRequestId())
	if err != nil {
		return nil, err
	}
	done, err := o.public.SubmitOptOut(ctx, &optoutv1.SubmitOptOutRequest{
		RequestId: id, Choice: req.GetChoice(), Claimed: req.GetPerson(), Requester: req.GetRequester(),
		AskedBy: req.GetAskedBy(), LetterFormat: req.GetLetterFormat(), Event: c.EventContext(),
	})
	if err != nil {
		return nil, told(err)
	}
	return &gatewayv1.SubmitPublicOptOutResponse{
		Reference: done.GetReference(), ReceivedAt: done.GetReceivedAt(), DueAt: done.GetDueAt(),
	}, nil
}

// ConfirmPublicOptOut confirms a request with its code.
func (o *publicOptOut) ConfirmPublicOptOut(ctx context.Context, req *gatewayv1.ConfirmPublicOptOutRequest) (*gatewayv1.ConfirmPublicOptOutResponse, error) {
	c, err := callOf(ctx)
	if err != nil {
		return nil, err
	}
	done, err := o.public.ConfirmOptOut(ctx, &optoutv1.ConfirmOptOutRequest{
		Reference: req.GetReference(), Code: req.GetCode(), Event: c.EventContext(),
	})
	if err != nil {
		return nil, told(err, reasonCodeNotAccepted)
	}
	return &gatewayv1.ConfirmPublicOptOutResponse{Status: done.GetStatus()}, nil
}

// GetPublicOptOutStatus tells how far a request is. The event names the person,
// the answer does not.
func (o *publicOptOut) GetPublicOptOutStatus(ctx context.Context, req *gatewayv1.GetPublicOptOutStatusRequest) (*gatewayv1.GetPublicOptOutStatusResponse, error) {
	c, err := callOf(ctx)
	if err != nil {
		return nil, err
	}
	got, err := o.public.GetOptOutStatus(ctx, &optoutv1.GetOptOutStatusRequest{
		Reference: req.GetReference(), BirthDate: req.GetBirthDate(),
	})
	if err != nil {
		return nil, told(err, reasonStatusNotFound)
	}
	c.About(nhsnumber.Number(got.GetNhsNumber()))
	return &gatewayv1.GetPublicOptOutStatusResponse{
		Status: got.GetStatus(), Choice: got.GetChoice(), ReceivedAt: got.GetReceivedAt(),
		DueAt: got.GetDueAt(), InEffectSince: got.GetInEffectSince(),
	}, nil
}
