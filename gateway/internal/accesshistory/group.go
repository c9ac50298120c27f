package accesshistory

import (
	"cmp"
	"slices"
	"strings"
	"time"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
)

// look is what belongs together: one day, one actor, one reason, one outcome.
type look struct {
	kind        gatewayv1.AccessLookKind
	events      []*auditv1.Event // oldest first
	first, last time.Time
}

func (l *look) one() *auditv1.Event { return l.events[0] }

// group puts events together, and what is newest first. A look stays within its day, which is one of the
// person's clock.
func (w *Words) group(events []*auditv1.Event, asked Asked) []*look {
	told := slices.DeleteFunc(slices.Clone(events), func(e *auditv1.Event) bool { return !w.Tells(e, asked.LeaveOut) })
	slices.SortStableFunc(told, func(a, b *auditv1.Event) int {
		return cmp.Or(a.GetOccurredAt().AsTime().Compare(b.GetOccurredAt().AsTime()), cmp.Compare(a.GetId(), b.GetId()))
	})
	byKey := map[string]*look{}
	var all []*look
	for _, e := range told {
		kind, at := w.kindOf(e), e.GetOccurredAt().AsTime()
		key := at.In(asked.Zone).Format(dateForm) + "\x00" + kind.String() + "\x00" + actorKey(e) + "\x00" + reasonKey(e)
		l := byKey[key]
		if l == nil {
			l = &look{kind: kind, first: at}
			byKey[key] = l
			all = append(all, l)
		}
		l.events, l.last = append(l.events, e), at
	}
	slices.SortStableFunc(all, func(a, b *look) int { return b.last.Compare(a.last) })
	return all
}

// kindOf tells apart what a person would tell apart.
func (w *Words) kindOf(e *auditv1.Event) gatewayv1.AccessLookKind {
	switch {
	case e.GetOutcome() == auditv1.Outcome_OUTCOME_REFUSED || e.GetOutcome() == auditv1.Outcome_OUTCOME_FAILED:
		return gatewayv1.AccessLookKind_ACCESS_LOOK_KIND_REFUSED
	case w.action(e.GetAction()).Received:
		return gatewayv1.AccessLookKind_ACCESS_LOOK_KIND_RECEIVED
	case e.GetOutcome() == auditv1.Outcome_OUTCOME_CHANGED:
		return gatewayv1.AccessLookKind_ACCESS_LOOK_KIND_CHANGED
	case len(e.GetDisclosure().GetSections()) > 0 || isMatch(e):
		return gatewayv1.AccessLookKind_ACCESS_LOOK_KIND_SEEN
	default:
		return gatewayv1.AccessLookKind_ACCESS_LOOK_KIND_CHECKED
	}
}

// isMatch tells whether a search showed the person.
func isMatch(e *auditv1.Event) bool { return e.GetAction() == "patient.search.match" }

// actorKey tells actors apart: a member of staff in two roles is two.
func actorKey(e *auditv1.Event) string {
	a := e.GetActor()
	who := a.GetStaffId()
	if who == "" {
		who = a.GetIssuer() + "\x01" + a.GetSubject() + "\x01" + a.GetDisplay()
	}
	return strings.Join([]string{a.GetKind().String(), who, a.GetRoleCode(), a.GetOdsCode()}, "\x00")
}

// reasonKey tells apart why it was done, or refused.
func reasonKey(e *auditv1.Event) string {
	b := e.GetBasis()
	return strings.Join([]string{e.GetReason(), b.GetPurpose(), b.GetRelationshipKind(), b.GetReasonCode()}, "\x00")
}
