package access

import (
	"slices"

	accessv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/access/v1"

	"github.com/dorsetcarerecord/dcr/internal/fault"
)

// Decide applies a rule to the facts: token, audience, role, own record,
// relationship, opt-out, in this order (DESIGN.md section 4), and the first
// check that fails is the answer. A refusal still carries what was found, for
// its audit event; nothing of that is told to the caller but the Refusal.
func (p *Policy) Decide(rule *accessv1.Rule, facts Facts) Decision {
	d := p.describe(rule, facts)
	checks := []func(*accessv1.Rule, Facts, *Decision) *fault.Error{
		checkToken, checkAudience, p.checkRole, checkOwnRecord, checkRelationship, p.checkOptOut,
	}
	for _, check := range checks {
		if refusal := check(rule, facts, &d); refusal != nil {
			d.Refusal, d.Sections, d.Obligations = refusal, nil, nil
			return d
		}
	}
	d.Permit = true
	return d
}

// Admit applies the first two checks, which need no facts about anybody:
// token and audience. It returns nil when both pass.
func Admit(rule *accessv1.Rule, facts Facts) *fault.Error {
	if refusal := checkToken(rule, facts, nil); refusal != nil {
		return refusal
	}
	return checkAudience(rule, facts, nil)
}

func checkToken(rule *accessv1.Rule, facts Facts, _ *Decision) *fault.Error {
	switch facts.Token {
	case TokenAccepted:
		return nil
	case TokenAbsent:
		// Anyone may make the calls that are for anyone, and the public those that
		// are for the public. A token that is there and not good is refused even then.
		if NoToken(rule) {
			return nil
		}
	case TokenUnverifiable:
		return IssuerUnavailable()
	case TokenUnknown, TokenRefused:
	}
	return Unauthenticated()
}

// NoToken tells whether a rule is for callers without a token: for anyone, or for
// the public.
func NoToken(rule *accessv1.Rule) bool {
	return slices.Contains(rule.GetAudiences(), accessv1.Audience_AUDIENCE_ANYONE) ||
		slices.Contains(rule.GetAudiences(), accessv1.Audience_AUDIENCE_PUBLIC)
}

func checkAudience(rule *accessv1.Rule, facts Facts, _ *Decision) *fault.Error {
	for _, may := range rule.GetAudiences() {
		if may == accessv1.Audience_AUDIENCE_ANYONE {
			return nil
		}
		if may == accessv1.Audience_AUDIENCE_PUBLIC {
			// Who is signed in is not the public: their call would be accounted
			// for as nobody's.
			if facts.Token == TokenAbsent {
				return nil
			}
			continue
		}
		if may != accessv1.Audience_AUDIENCE_UNSPECIFIED && may == facts.Audience {
			return nil
		}
	}
	return AccessDenied()
}

// checkRole asks whether the caller stands where the token says, and whether
// the policy gives the role the permission.
func (p *Policy) checkRole(rule *accessv1.Rule, facts Facts, d *Decision) *fault.Error {
	if NoToken(rule) {
		return nil
	}
	switch facts.Audience {
	case accessv1.Audience_AUDIENCE_STAFF:
		if !staffStands(facts) || !slices.Contains(d.Permissions, rule.GetPermission()) {
			return AccessDenied()
		}
		return nil
	case accessv1.Audience_AUDIENCE_SYSTEM:
		// Both the service's word and our own reading of the organisation.
		if !facts.System.GetActive() || !takesPart(facts.System.GetOrganisation(), facts.Now) {
			return NoOrganisationConsent()
		}
		if !p.system.has(rule.GetPermission()) {
			return AccessDenied()
		}
		return nil
	default:
		return AccessDenied()
	}
}

// staffStands tells whether the member, the role and the organisation all
// stand now.
func staffStands(facts Facts) bool {
	s := facts.Staff
	return s.GetStaffId() != "" && s.GetActive() && s.GetRoleActive() && takesPart(s.GetOrganisation(), facts.Now)
}

func checkOwnRecord(rule *accessv1.Rule, facts Facts, _ *Decision) *fault.Error {
	if rule.GetPatientField() != "" && facts.Staff.GetIsOwnRecord() && !rule.GetOwnRecordAllowed() {
		return OwnRecord()
	}
	return nil
}

func checkRelationship(rule *accessv1.Rule, _ Facts, d *Decision) *fault.Error {
	switch rule.GetRelationship() {
	case accessv1.RelationshipCheck_RELATIONSHIP_CHECK_NOT_NEEDED,
		accessv1.RelationshipCheck_RELATIONSHIP_CHECK_WIDENS:
		return nil
	case accessv1.RelationshipCheck_RELATIONSHIP_CHECK_REQUIRED:
		if d.Relationship == nil {
			return NoRelationship()
		}
		// A role that sees no section has no record to be shown.
		if len(d.Sections) == 0 {
			return AccessDenied()
		}
		return nil
	default:
		return AccessDenied()
	}
}

// checkOptOut refuses on every path, the emergency one included. A choice that
// was not read is no choice to go on.
func (p *Policy) checkOptOut(rule *accessv1.Rule, facts Facts, _ *Decision) *fault.Error {
	switch {
	case !rule.GetOptOutApplies():
		return nil
	case facts.Choice == nil:
		return FactsUnavailable()
	case facts.Choice.Sealed:
		return p.NoPatientConsent()
	}
	return nil
}
