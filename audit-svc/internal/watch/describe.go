package watch

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// When says in words what an event must be like, for documents.
func (rule *Rule) When() string {
	var parts []string
	if rule.opensOnly {
		parts = append(parts, "an open")
	}
	if len(rule.when.actions) > 0 {
		parts = append(parts, "action "+strings.Join(rule.when.actions, " or "))
	}
	if len(rule.when.outcomes) > 0 {
		var names []string
		for name, outcome := range outcomes() {
			if slices.Contains(rule.when.outcomes, outcome) {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		parts = append(parts, "outcome "+strings.Join(names, " or "))
	}
	if len(rule.when.reasons) > 0 {
		parts = append(parts, "reason "+strings.Join(rule.when.reasons, " or "))
	}
	if len(rule.when.marks) > 0 {
		parts = append(parts, "mark "+strings.Join(rule.when.marks, " and "))
	}
	return strings.Join(parts, "; ")
}

// Measure says in words what is measured beside; empty for a rule that measures nothing.
func (rule *Rule) Measure() string {
	switch {
	case rule.moreThan > 0:
		return fmt.Sprintf("more than %d opens of the person by the member that day", rule.moreThan)
	case rule.closedFor != nil:
		var kinds []string
		for _, kind := range slices.Sorted(maps.Keys(rule.closedFor)) {
			kinds = append(kinds, fmt.Sprintf("%s %d", kind, rule.closedFor[kind]/(24*time.Hour)))
		}
		return "days since closure above: " + strings.Join(kinds, ", ")
	case rule.peers != nil:
		p := rule.peers
		return fmt.Sprintf("people opened that day: at least %d, above %g × median and above median + %g × 1.4826 × MAD of the %d days before "+
			"of at least %d others in the role at the organisation; without so many, above %d",
			p.PeopleAtLeast, p.TimesMedian, p.Deviations, p.WindowDays, p.PeersAtLeast, p.WithoutPeers)
	}
	return ""
}

// ReconciledBy says in words which feeds close a case of the rule; empty where none does.
func (rule *Rule) ReconciledBy() string {
	if !rule.Reconcilable() {
		return ""
	}
	return fmt.Sprintf("%s, from %v before to %v after", strings.Join(rule.reconciler.kinds, ", "), rule.reconciler.before, rule.reconciler.after)
}
