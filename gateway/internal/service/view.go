package service

import (
	"encoding/json"
	"time"

	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
	recordv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/record/v1"

	"github.com/dorsetcarerecord/dcr/gateway/internal/access"
	"github.com/dorsetcarerecord/dcr/gateway/internal/pipeline"
)

// viewAccess is the JSON of message ViewAccess.
type viewAccess struct {
	EventID            string `json:"event_id"`
	RelationshipKind   string `json:"relationship_kind,omitempty"`
	RelationshipEndsAt string `json:"relationship_ends_at,omitempty"`
	Declared           bool   `json:"declared,omitempty"`
	PolicyVersion      string `json:"policy_version"`
	Restricted         bool   `json:"restricted,omitempty"`
}

func accessJSON(c *pipeline.Call) []byte {
	v := viewAccess{
		EventID:       c.EventID,
		PolicyVersion: c.PolicyVersion,
		Restricted:    c.Decision.Restriction == recordv1.Restriction_RESTRICTION_UNBROKEN,
	}
	if r := c.Relationship; r != nil {
		v.RelationshipKind = access.KindName(r.GetKind())
		v.Declared = declared(r.GetKind())
		if r.GetEndsAt() != nil {
			v.RelationshipEndsAt = r.GetEndsAt().AsTime().Format(time.RFC3339)
		}
	}
	b, err := json.Marshal(v)
	if err != nil {
		// Strings and truth values always print.
		return []byte("{}")
	}
	return b
}

// declared relationships are the caller's own word; their views are alerted.
func declared(k identityv1.RelationshipKind) bool {
	return k == identityv1.RelationshipKind_RELATIONSHIP_KIND_SELF_DECLARED ||
		k == identityv1.RelationshipKind_RELATIONSHIP_KIND_EMERGENCY
}
