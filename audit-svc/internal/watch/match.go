package watch

import (
	"slices"
	"strings"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
)

// match is what an event must be like: one of each list that is not empty, and all of the marks.
type match struct {
	actions  []string
	outcomes []auditv1.Outcome
	reasons  []string
	marks    []string
}

func (m match) empty() bool {
	return len(m.actions)+len(m.outcomes)+len(m.reasons)+len(m.marks) == 0
}

func (m match) fits(e *auditv1.Event) bool {
	switch {
	case len(m.actions) > 0 && !slices.ContainsFunc(m.actions, func(a string) bool { return isAction(a, e.GetAction()) }):
		return false
	case len(m.outcomes) > 0 && !slices.Contains(m.outcomes, e.GetOutcome()):
		return false
	case len(m.reasons) > 0 && !slices.Contains(m.reasons, e.GetReason()):
		return false
	}
	return !slices.ContainsFunc(m.marks, func(mark string) bool { return !slices.Contains(e.GetMarks(), mark) })
}

// isPrefix tells "record.*" from an action in full.
func isPrefix(pattern string) bool { return strings.HasSuffix(pattern, ".*") }

func isAction(pattern, action string) bool {
	if isPrefix(pattern) {
		return strings.HasPrefix(action, strings.TrimSuffix(pattern, "*"))
	}
	return pattern == action
}

// watched tells whether rules apply to an event at all: a known member of staff acted. Systems, services and
// callers who could not be told are other people's business (feeds, operations, the tally of refusals).
func watched(e *auditv1.Event) bool {
	return e.GetActor().GetKind() == auditv1.ActorKind_ACTOR_KIND_STAFF && e.GetActor().GetStaffId() != ""
}

// IsOpen tells whether an event counts as opening a person's record.
func (r *Rules) IsOpen(e *auditv1.Event) bool {
	return watched(e) && e.GetNhsNumber() != "" && r.opens.fits(e)
}

func (r *Rules) fits(rule *Rule, e *auditv1.Event) bool {
	if !rule.AboutStaff && e.GetNhsNumber() == "" {
		return false
	}
	if rule.opensOnly && !r.IsOpen(e) {
		return false
	}
	return rule.when.fits(e)
}
