package service

import (
	"context"

	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
)

// MatchOptOut names the person of a request.
func (o *optOut) MatchOptOut(ctx context.Context, req *gatewayv1.MatchOptOutRequest) (*gatewayv1.MatchOptOutResponse, error) {
	c, id, err := change(ctx, req.GetRequestId())
	if err != nil {
		return nil, err
	}
	done, err := o.choose.MatchOptOut(ctx, &optoutv1.MatchOptOutRequest{
		RequestId: id,
		Id:        req.GetId(),
		NhsNumber: string(c.NHSNumber),
		Override:  req.GetOverride(),
		Event:     c.EventContext(),
	})
	if err != nil {
		return nil, told(err, life(ReasonIdentityMismatch)...)
	}
	return &gatewayv1.MatchOptOutResponse{OptOut: done.GetOptOut()}, nil
}

// RequestEvidence asks the requester for proof.
func (o *optOut) RequestEvidence(ctx context.Context, req *gatewayv1.RequestEvidenceRequest) (*gatewayv1.RequestEvidenceResponse, error) {
	c, id, err := change(ctx, req.GetRequestId())
	if err != nil {
		return nil, err
	}
	done, err := o.choose.RequestEvidence(ctx, &optoutv1.RequestEvidenceRequest{
		RequestId: id,
		Id:        req.GetId(),
		Kinds:     req.GetKinds(),
		Note:      req.GetNote(),
		Event:     c.EventContext(),
	})
	if err != nil {
		return nil, told(err, life()...)
	}
	return &gatewayv1.RequestEvidenceResponse{OptOut: done.GetOptOut()}, nil
}

// RecordEvidence notes proof that was seen.
func (o *optOut) RecordEvidence(ctx context.Context, req *gatewayv1.RecordEvidenceRequest) (*gatewayv1.RecordEvidenceResponse, error) {
	c, id, err := change(ctx, req.GetRequestId())
	if err != nil {
		return nil, err
	}
	done, err := o.choose.RecordEvidence(ctx, &optoutv1.RecordEvidenceRequest{
		RequestId:     id,
		Id:            req.GetId(),
		EvidenceItems: req.GetEvidenceItems(),
		Event:         c.EventContext(),
	})
	if err != nil {
		return nil, told(err, life(reasonDocumentNotFound)...)
	}
	return &gatewayv1.RecordEvidenceResponse{OptOut: done.GetOptOut()}, nil
}

// DecideSafeguarding is a safeguarding lead's decision. The answer
// holds nothing of the request but its state.
func (o *optOut) DecideSafeguarding(ctx context.Context, req *gatewayv1.DecideSafeguardingRequest) (*gatewayv1.DecideSafeguardingResponse, error) {
	c, id, err := change(ctx, req.GetRequestId())
	if err != nil {
		return nil, err
	}
	done, err := o.choose.DecideSafeguarding(ctx, &optoutv1.DecideSafeguardingRequest{
		RequestId: id,
		Id:        req.GetId(),
		Decision:  req.GetDecision(),
		Note:      req.GetNote(),
		Event:     c.EventContext(),
	})
	if err != nil {
		return nil, told(err, life()...)
	}
	return &gatewayv1.DecideSafeguardingResponse{RequestState: done.GetRequestState()}, nil
}

// MakeEffective makes a request effective.
func (o *optOut) MakeEffective(ctx context.Context, req *gatewayv1.MakeEffectiveRequest) (*gatewayv1.MakeEffectiveResponse, error) {
	c, id, err := change(ctx, req.GetRequestId())
	if err != nil {
		return nil, err
	}
	done, err := o.choose.MakeEffective(ctx, &optoutv1.MakeEffectiveRequest{
		RequestId: id,
		Id:        req.GetId(),
		Note:      req.GetNote(),
		Event:     c.EventContext(),
	})
	if err != nil {
		return nil, told(err, life()...)
	}
	return &gatewayv1.MakeEffectiveResponse{OptOut: done.GetOptOut()}, nil
}

// RefuseOptOut refuses a request.
func (o *optOut) RefuseOptOut(ctx context.Context, req *gatewayv1.RefuseOptOutRequest) (*gatewayv1.RefuseOptOutResponse, error) {
	c, id, err := change(ctx, req.GetRequestId())
	if err != nil {
		return nil, err
	}
	done, err := o.choose.RefuseOptOut(ctx, &optoutv1.RefuseOptOutRequest{
		RequestId: id,
		Id:        req.GetId(),
		Reason:    req.GetReason(),
		Note:      req.GetNote(),
		Event:     c.EventContext(),
	})
	if err != nil {
		return nil, told(err, life()...)
	}
	return &gatewayv1.RefuseOptOutResponse{OptOut: done.GetOptOut()}, nil
}

// ReverseOptOut undoes a request for the wrong person.
func (o *optOut) ReverseOptOut(ctx context.Context, req *gatewayv1.ReverseOptOutRequest) (*gatewayv1.ReverseOptOutResponse, error) {
	c, id, err := change(ctx, req.GetRequestId())
	if err != nil {
		return nil, err
	}
	done, err := o.choose.ReverseOptOut(ctx, &optoutv1.ReverseOptOutRequest{
		RequestId: id,
		Id:        req.GetId(),
		Note:      req.GetNote(),
		Renew:     req.GetRenew(),
		Event:     c.EventContext(),
	})
	if err != nil {
		return nil, told(err, life()...)
	}
	return &gatewayv1.ReverseOptOutResponse{OptOut: done.GetOptOut(), Renewed: done.GetRenewed()}, nil
}
