package pipeline

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/dorsetcarerecord/dcr/gateway/internal/access"
	accessv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/access/v1"
	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
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
		ClientId: c.Caller.ClientID,

		Profession:       c.Decision.Profession,
		OrganisationName: c.Organisation.GetName(),
		Assurance:        c.Caller.Assurance,
	}
	switch c.Caller.Audience {
	case accessv1.Audience_AUDIENCE_ANYONE:
		if slices.Contains(c.Rule.GetAudiences(), accessv1.Audience_AUDIENCE_PUBLIC) {
			a.Kind = auditv1.ActorKind_ACTOR_KIND_PUBLIC
		}
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
		RuleVersion:   c.ruleVersion,
		PolicyVersion: c.PolicyVersion,
		ChoiceNumber:  c.Decision.ChoiceNumber,
	}
	if r := c.Relationship; r != nil {
		b.RelationshipClosedAt = r.GetClosedAt()
		b.RelationshipId = r.GetId()
		b.RelationshipKind = access.KindName(r.GetKind())
		b.ReasonCode = r.GetReasonCode()
		b.ReasonText = r.GetReasonText()
		b.RelationshipVersion = relationshipVersion(r)
		b.RelationshipEndsAt = r.GetEndsAt()
	}
	return b
}

// relationshipVersion names the state of a relationship by its content: identity-svc numbers none, and two
// events that rested on the same state say the same. It is empty when it cannot be encoded, which would be
// text that is not UTF-8, and such an answer of identity-svc was refused before.
func relationshipVersion(r *identityv1.CareRelationship) string {
	encoded, err := proto.MarshalOptions{Deterministic: true}.Marshal(r)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(encoded)
	return hex.EncodeToString(sum[:8])
}

func (c *Call) origin() *auditv1.Origin {
	return &auditv1.Origin{
		RequestId:     c.RequestID,
		TraceId:       c.traceID,
		ClientAddress: c.Origin.ClientAddress,
		Surface:       c.Origin.Surface,
	}
}
