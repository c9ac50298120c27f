package service

import (
	"context"

	"google.golang.org/genproto/googleapis/api/httpbody"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"

	"github.com/dorsetcarerecord/dcr/gateway/internal/pipeline"
	"github.com/dorsetcarerecord/dcr/internal/fault"
)

// GetReceipt is the receipt of an event. Whoever may list the audit log may have any; everybody else those
// of events that they made themselves and that rest on what they were told (restsOnTold), and cannot tell
// the others from events that do not exist.
func (l *logs) GetReceipt(ctx context.Context, req *gatewayv1.GetReceiptRequest) (*gatewayv1.GetReceiptResponse, error) {
	c, err := callOf(ctx)
	if err != nil {
		return nil, err
	}
	maker := makerAlone(c)
	got, err := l.log.GetReceipt(ctx, &auditv1.GetReceiptRequest{EventId: req.GetEventId(), Maker: maker})
	if err != nil {
		return nil, told(err, reasonEventNotFound)
	}
	if maker != nil && !restsOnTold(got.GetEvent()) {
		return nil, fault.NotFound(reasonEventNotFound, "there is no such event")
	}
	if of, err := number("event.nhs_number", got.GetEvent().GetNhsNumber()); err == nil {
		c.About(of)
	}
	c.Release(&auditv1.Disclosure{Entries: 1})
	return &gatewayv1.GetReceiptResponse{Body: &httpbody.HttpBody{ContentType: typeText, Data: got.GetFile()}}, nil
}

// makerAlone narrows to the caller's own events; nil where the caller may list everybody's.
func makerAlone(c *pipeline.Call) *auditv1.EventMaker {
	if c.Would(gatewayv1.AuditService_ListEvents_FullMethodName).Permit {
		return nil
	}
	return &auditv1.EventMaker{Issuer: c.Caller.Issuer, Subject: c.Caller.Subject}
}

// restsOnTold tells whether an event says no more of a person than its maker was told. An event holds what the
// decision found, refused or not: that the person has opted out, is restricted, lives where the maker lives. To
// whoever has no relationship with the person, and to whoever is refused, none of that may be told (DESIGN
// section 4), so the receipt must not tell it either. What is asked here is known to the maker beforehand: were
// it whether the person has opted out, the absence of the receipt would tell.
func restsOnTold(e *auditv1.Event) bool {
	switch e.GetOutcome() {
	case auditv1.Outcome_OUTCOME_RELEASED, auditv1.Outcome_OUTCOME_CHANGED:
	default:
		return false
	}
	// Nothing is found out about a person for a partner's system beyond what it sent.
	return e.GetNhsNumber() == "" || e.GetBasis().GetRelationshipId() != "" || e.GetActor().GetKind() == auditv1.ActorKind_ACTOR_KIND_SYSTEM
}
