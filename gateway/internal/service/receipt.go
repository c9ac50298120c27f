package service

import (
	"context"

	"google.golang.org/genproto/googleapis/api/httpbody"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"

	"github.com/dorsetcarerecord/dcr/gateway/internal/pipeline"
)

// GetReceipt is the receipt of an event. Whoever may list the audit log may have any; everybody else those
// of events that they made themselves, and cannot tell the others from events that do not exist.
func (l *logs) GetReceipt(ctx context.Context, req *gatewayv1.GetReceiptRequest) (*gatewayv1.GetReceiptResponse, error) {
	c, err := callOf(ctx)
	if err != nil {
		return nil, err
	}
	got, err := l.log.GetReceipt(ctx, &auditv1.GetReceiptRequest{EventId: req.GetEventId(), Maker: makerAlone(c)})
	if err != nil {
		return nil, told(err, reasonEventNotFound)
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
