package access

import identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"

// KindName is a relationship kind as views and audit events name it, e.g.
// "episode"; empty for no kind.
func KindName(k identityv1.RelationshipKind) string {
	switch k {
	case identityv1.RelationshipKind_RELATIONSHIP_KIND_GP_REGISTRATION:
		return "gp_registration"
	case identityv1.RelationshipKind_RELATIONSHIP_KIND_REFERRAL:
		return "referral"
	case identityv1.RelationshipKind_RELATIONSHIP_KIND_EPISODE:
		return "episode"
	case identityv1.RelationshipKind_RELATIONSHIP_KIND_CASELOAD:
		return "caseload"
	case identityv1.RelationshipKind_RELATIONSHIP_KIND_COLLEAGUE_GRANTED:
		return "colleague_granted"
	case identityv1.RelationshipKind_RELATIONSHIP_KIND_SELF_DECLARED:
		return "self_declared"
	case identityv1.RelationshipKind_RELATIONSHIP_KIND_EMERGENCY:
		return "emergency"
	default:
		return ""
	}
}
