package event

import (
	"slices"
	"strings"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	"google.golang.org/protobuf/proto"

	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

// Longest words of an event that are kept in columns of their own.
const (
	maxAction  = 64
	maxReason  = 64
	maxStaffID = 64
	maxODSCode = 16
	maxKind    = 32
	maxMark    = 64
	maxMarks   = 16
	sha256Size = verify.HashSize
)

// checkWords checks the words that are searched for. They are names from fixed vocabularies; anything
// else might be text of a person, or a byte that the database refuses.
func checkWords(e *auditv1.Event) *Problem {
	switch {
	case !isWord(e.GetAction(), maxAction, "abcdefghijklmnopqrstuvwxyz0123456789_."):
		return &Problem{"action", "must be a name of lower case letters, digits, dots and underscores"}
	case e.GetReason() != "" && !isWord(e.GetReason(), maxReason, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"):
		return &Problem{"reason", "must be a name of upper case letters, digits and underscores, or empty"}
	case !isPrintable(e.GetActor().GetStaffId(), maxStaffID):
		return &Problem{"actor.staff_id", "must be an id of printable ASCII"}
	case !isPrintable(e.GetActor().GetOdsCode(), maxODSCode):
		return &Problem{"actor.ods_code", "must be a code of printable ASCII"}
	case e.GetBasis().GetRelationshipKind() != "" && !isWord(e.GetBasis().GetRelationshipKind(), maxKind, "abcdefghijklmnopqrstuvwxyz_"):
		return &Problem{"basis.relationship_kind", "must be a name of lower case letters and underscores, or empty"}
	case len(e.GetMarks()) > maxMarks || slices.ContainsFunc(e.GetMarks(), notMark):
		return &Problem{"marks", "must be at most sixteen names of lower case letters, digits, underscores, dots and colons"}
	case proto.Size(e) > MaxBytes:
		return &Problem{"id", "names an event that is larger than 64 KiB"}
	}
	return nil
}

func notMark(mark string) bool {
	return !isWord(mark, maxMark, "abcdefghijklmnopqrstuvwxyz0123456789_.:")
}

// checkActor wants somebody who acted, named in the way of their kind.
func checkActor(e *auditv1.Event) *Problem {
	a := e.GetActor()
	if a == nil {
		return &Problem{"actor", "must be there"}
	}
	switch a.GetKind() {
	case auditv1.ActorKind_ACTOR_KIND_STAFF:
		// A token may be good and its bearer unknown to identity-svc: then issuer and subject name them.
		if a.GetStaffId() == "" && (a.GetIssuer() == "" || a.GetSubject() == "") {
			return &Problem{"actor.staff_id", "must name the member of staff, or issuer and subject must"}
		}
	case auditv1.ActorKind_ACTOR_KIND_SYSTEM:
		if a.GetOdsCode() == "" && (a.GetIssuer() == "" || a.GetSubject() == "") {
			return &Problem{"actor.ods_code", "must name the system's organisation, or issuer and subject must name it"}
		}
	case auditv1.ActorKind_ACTOR_KIND_SERVICE:
		if a.GetDisplay() == "" {
			return &Problem{"actor.display", "must name the service"}
		}
	case auditv1.ActorKind_ACTOR_KIND_PUBLIC:
		// Nothing names a member of the public: a name here would be one that nobody proved.
		if a.GetDisplay() != "" || a.GetSubject() != "" || a.GetIssuer() != "" || a.GetRoleCode() != "" {
			return &Problem{"actor.kind", "must name nobody for a member of the public"}
		}
	case auditv1.ActorKind_ACTOR_KIND_UNKNOWN:
		if e.GetOutcome() == auditv1.Outcome_OUTCOME_RELEASED || e.GetOutcome() == auditv1.Outcome_OUTCOME_CHANGED {
			return &Problem{"actor.kind", "must be known where something was released or changed"}
		}
	default:
		return &Problem{"actor.kind", "must say who acted"}
	}
	if a.GetKind() != auditv1.ActorKind_ACTOR_KIND_STAFF && a.GetStaffId() != "" {
		return &Problem{"actor.staff_id", "must be empty unless a member of staff acted"}
	}
	return nil
}

// checkOutcome wants the parts that belong to the outcome, and no others.
func checkOutcome(e *auditv1.Event) *Problem {
	released, changed, reason := e.GetDisclosure() != nil, e.GetChange() != nil, e.GetReason() != ""
	switch e.GetOutcome() {
	case auditv1.Outcome_OUTCOME_RELEASED:
		switch {
		case !released:
			return &Problem{"disclosure", "must say what was released"}
		case changed:
			return &Problem{"change", "must be absent where nothing was changed"}
		case reason:
			return &Problem{"reason", "must be empty where nothing was refused"}
		}
	case auditv1.Outcome_OUTCOME_CHANGED:
		switch {
		case e.GetChange().GetResource() == "":
			return &Problem{"change.resource", "must say what was changed"}
		case reason:
			return &Problem{"reason", "must be empty where nothing was refused"}
		}
	case auditv1.Outcome_OUTCOME_REFUSED, auditv1.Outcome_OUTCOME_FAILED:
		switch {
		case !reason:
			return &Problem{"reason", "must say why"}
		case released:
			return &Problem{"disclosure", "must be absent where nothing was released"}
		case changed:
			return &Problem{"change", "must be absent where nothing was changed"}
		}
	default:
		return &Problem{"outcome", "must say how it ended"}
	}
	if n := len(e.GetDisclosure().GetSha256()); n != 0 && n != sha256Size {
		return &Problem{"disclosure.sha256", "must be 32 bytes, or empty"}
	}
	return nil
}

func isWord(s string, longest int, alphabet string) bool {
	return s != "" && len(s) <= longest && strings.Trim(s, alphabet) == ""
}

func isPrintable(s string, longest int) bool {
	if len(s) > longest {
		return false
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
