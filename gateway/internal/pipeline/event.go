package pipeline

import (
	"context"

	"github.com/dorsetcarerecord/dcr/gateway/internal/access"
	accessv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/access/v1"
	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
)

// With is ctx inside a call. The pipeline calls it; so do tests of handlers.
func With(ctx context.Context, c *Call) context.Context {
	return context.WithValue(ctx, callKey{}, c)
}

func (c *Call) actor() *auditv1.Actor {
	a := &auditv1.Actor{
		Kind:     auditv1.ActorKind_ACTOR_KIND_UNKNOWN,
		RoleCode: c.Caller.RoleCode,
		OdsCode:  c.Caller.ODSCode,
		Session:  c.Caller.Session,
		Issuer:   c.Caller.Issuer,
		Subject:  c.Caller.Subject,
	}
	switch c.Caller.Audience {
	case accessv1.Audience_AUDIENCE_STAFF:
		a.Kind = auditv1.ActorKind_ACTOR_KIND_STAFF
		a.StaffId = c.Staff.GetStaffId()
		a.Display = c.Staff.GetName()
	case accessv1.Audience_AUDIENCE_SYSTEM:
		a.Kind = auditv1.ActorKind_ACTOR_KIND_SYSTEM
		a.Display = c.Caller.ClientID
		a.OdsCode = c.Organisation.GetOdsCode()
	}
	return a
}

func (c *Call) basis() *auditv1.Basis {
	b := &auditv1.Basis{
		Purpose:       c.Decision.Purpose,
		LawfulBasis:   c.Decision.LawfulBasis,
		Rpc:           c.Method,
		PolicyVersion: c.PolicyVersion,
		ChoiceNumber:  c.Decision.ChoiceNumber,
	}
	if r := c.Relationship; r != nil {
		b.RelationshipId = r.GetId()
		b.RelationshipKind = access.KindName(r.GetKind())
		b.ReasonCode = r.GetReasonCode()
		b.ReasonText = r.GetReasonText()
	}
	return b
}

func (c *Call) origin() *auditv1.Origin {
	return &auditv1.Origin{
		RequestId:     c.RequestID,
		TraceId:       c.traceID,
		ClientAddress: c.Origin.ClientAddress,
		Surface:       c.Origin.Surface,
	}
}
