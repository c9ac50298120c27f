package watch

import (
	"slices"
	"time"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
)

// ActionFeed is the action of the events in which identity-svc says which relationships a feed stated.
const ActionFeed = "relationship.feed"

type reconciler struct {
	kinds         []string
	before, after time.Duration
}

// Attendance is a care relationship as a partner's feed states it.
type Attendance struct {
	// NHSNumber of the person.
	NHSNumber string
	// Kind such as "episode".
	Kind string
	// ODSCodes of the organisations whose staff it counts for.
	ODSCodes []string
	// From and To are when the person was in care; To is zero while they are.
	From, To time.Time
	// EventID of the event that says so.
	EventID string
}

// Attendances are the relationships that an event says a feed stated. One that was withdrawn never stood.
func Attendances(e *auditv1.Event) []Attendance {
	if e.GetAction() != ActionFeed || e.GetOutcome() != auditv1.Outcome_OUTCOME_CHANGED || e.GetActor().GetKind() != auditv1.ActorKind_ACTOR_KIND_SERVICE {
		return nil
	}
	var all []Attendance
	for _, r := range e.GetChange().GetRelationships() {
		if r.GetWithdrawn() || !r.GetStartsAt().IsValid() {
			continue
		}
		a := Attendance{
			NHSNumber: e.GetNhsNumber(), Kind: r.GetKind(), ODSCodes: r.GetOdsCodes(),
			From: r.GetStartsAt().AsTime(), EventID: e.GetId(),
		}
		if r.GetClosedAt().IsValid() {
			a.To = r.GetClosedAt().AsTime()
		}
		all = append(all, a)
	}
	return all
}

// Reconcilable tells whether a feed can explain cases of the rule.
func (rule *Rule) Reconcilable() bool { return rule != nil && rule.reconciler != nil }

// Reconciles tells whether a feed shows what was declared at an instant, on behalf of the case's organisation.
// The times of a feed are those of a desk, so they count from a while before to a while after.
func (rule *Rule) Reconciles(k Key, declared time.Time, a Attendance) bool {
	if !rule.Reconcilable() || k.Rule != rule.ID || k.NHSNumber != a.NHSNumber || a.NHSNumber == "" {
		return false
	}
	by := rule.reconciler
	return slices.Contains(by.kinds, a.Kind) && slices.Contains(a.ODSCodes, k.ODSCode) &&
		!declared.Before(a.From.Add(-by.before)) && (a.To.IsZero() || !declared.After(a.To.Add(by.after)))
}

// LookBack is how far back from a declaration a feed's own event may lie and still explain it: it can reach
// the log before the declaration does.
func (rule *Rule) LookBack() time.Duration {
	if !rule.Reconcilable() {
		return 0
	}
	return rule.reconciler.before + rule.reconciler.after
}
