package service

import (
	"context"

	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"

	"github.com/dorsetcarerecord/dcr/gateway/internal/access"
	"github.com/dorsetcarerecord/dcr/gateway/internal/pipeline"
)

// The opt-out in words, for a caller with a relationship.
const (
	wordsOut = "This person has opted out: nothing of the record is shown to anybody."
	wordsIn  = "This person has not opted out."
	wordsYes = "You would be shown this person's record now."
)

// ExplainAccess is the decision that GetRecord would get from the same facts.
// Nothing is decided here a second time, so the explanation cannot differ from
// what happens. Without a relationship it is the same answer for everybody.
func (*patient) ExplainAccess(ctx context.Context, _ *gatewayv1.ExplainAccessRequest) (*gatewayv1.ExplainAccessResponse, error) {
	c, err := callOf(ctx)
	if err != nil {
		return nil, err
	}
	d := c.Would(gatewayv1.RecordService_GetRecord_FullMethodName)
	answer := &gatewayv1.ExplainAccessResponse{
		Allowed:       d.Permit,
		Rule:          gatewayv1.RecordService_GetRecord_FullMethodName,
		PolicyVersion: d.PolicyVersion,
		RoleCode:      c.Caller.RoleCode,
		Profession:    d.Profession,
	}
	if d.Permit {
		answer.Text = wordsYes
		answer.Sections = d.Sections
		answer.Obligations = d.Obligations
	} else {
		answer.Reason, answer.Text = d.Refusal.Reason, d.Refusal.Text
	}
	addRelationship(answer, c, d)
	return answer, nil
}

// addRelationship says on what the decision rests, and only then the opt-out.
func addRelationship(to *gatewayv1.ExplainAccessResponse, c *pipeline.Call, d access.Decision) {
	r := d.Relationship
	if r == nil {
		return
	}
	to.RelationshipKind = access.KindName(r.GetKind())
	to.RelationshipId = r.GetId()
	to.RelationshipEndsAt = r.GetEndsAt()
	to.OptOut = wordsIn
	if c.Sealed {
		to.OptOut = wordsOut
	}
}
