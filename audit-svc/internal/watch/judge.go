package watch

import (
	"fmt"
	"time"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"

	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

// Facts are what was counted of the member's other events when this one came. They are about the events before
// it in the log's order and itself, on its day.
type Facts struct {
	// Opens of this person's record by this member, this one included.
	Opens int
	// People whose records this member opened, this one included.
	People int
	// Peers are the days of others in the same role at the same organisation; read only when WantsPeers says so.
	Peers Sample
}

// Key names a case: there is one for each.
type Key struct {
	// Rule by its id.
	Rule string
	// ODSCode of the organisation for which the member acted: its privacy officer looks at the case.
	ODSCode string
	// StaffID of the member.
	StaffID string
	// NHSNumber of the person; empty for a case about the member alone.
	NHSNumber string
	// Period that the case covers: a day as "2026-11-22", or the id of a care relationship.
	Period string
}

// Finding is an event that a rule fits.
type Finding struct {
	Rule *Rule
	Key  Key
	// Count and Bound are what was measured and what it is above; both 0 for a rule that measures nothing.
	// Opens, people, or days since closure.
	Count, Bound int
}

// Judge gives the findings of one event, in the order of the rules. It fails on an id that names no time.
func (r *Rules) Judge(e *auditv1.Event, f Facts) ([]Finding, error) {
	if !watched(e) {
		return nil, nil
	}
	day, err := r.DayOf(e.GetId())
	if err != nil {
		return nil, err
	}
	var found []Finding
	for _, rule := range r.list {
		if !r.fits(rule, e) {
			continue
		}
		count, bound, beyond := rule.measure(e, f)
		if beyond {
			found = append(found, Finding{Rule: rule, Key: rule.key(e, day), Count: count, Bound: bound})
		}
	}
	return found, nil
}

// measure gives what was measured, what it is held against, and whether it is beyond that.
func (rule *Rule) measure(e *auditv1.Event, f Facts) (count, bound int, beyond bool) {
	switch {
	case rule.moreThan > 0:
		return f.Opens, rule.moreThan, f.Opens > rule.moreThan
	case rule.closedFor != nil:
		return rule.sinceClosed(e)
	case rule.peers != nil:
		bound = rule.peers.limit(f.Peers)
		return f.People, bound, f.People >= rule.peers.PeopleAtLeast && f.People > bound
	default:
		return 0, 0, true
	}
}

// sinceClosed counts whole days from the closure of the relationship on which the look rested.
func (rule *Rule) sinceClosed(e *auditv1.Event) (count, bound int, beyond bool) {
	const day = 24 * time.Hour
	longest, named := rule.closedFor[e.GetBasis().GetRelationshipKind()]
	closed := e.GetBasis().GetRelationshipClosedAt()
	if !named || !closed.IsValid() {
		return 0, 0, false
	}
	since := e.GetOccurredAt().AsTime().Sub(closed.AsTime())
	return int(since / day), int(longest / day), since > longest
}

// key is the case to which a finding of an event belongs.
func (rule *Rule) key(e *auditv1.Event, day Day) Key {
	k := Key{
		Rule: rule.ID, ODSCode: e.GetActor().GetOdsCode(), StaffID: e.GetActor().GetStaffId(),
		NHSNumber: e.GetNhsNumber(), Period: day.Name,
	}
	if rule.AboutStaff {
		k.NHSNumber = ""
	}
	if id := e.GetBasis().GetRelationshipId(); rule.PerRelationship && id != "" {
		k.Period = id
	}
	return k
}

// WantsPeers tells whether a rule needs the days of the member's peers to judge the event: only when enough
// people were opened for it to matter, since most days never come near.
func (r *Rules) WantsPeers(e *auditv1.Event, people int) bool {
	for _, rule := range r.list {
		if rule.peers != nil && people >= rule.peers.PeopleAtLeast && watched(e) && r.fits(rule, e) {
			return true
		}
	}
	return false
}

// Day is a day of the rules' time zone.
type Day struct {
	// Name such as "2026-11-22".
	Name string
	// From is its first instant, To the first after it.
	From, To time.Time
}

// DayOf is the day of an event: of the time that its id names, by which the log is ordered and searched.
func (r *Rules) DayOf(id string) (Day, error) {
	at, err := verify.Time(id)
	if err != nil {
		return Day{}, fmt.Errorf("day of event: %w", err)
	}
	return r.DayAt(at), nil
}

// DayAt is the day in which an instant lies. It may last 23 or 25 hours.
func (r *Rules) DayAt(at time.Time) Day {
	local := at.In(r.zone)
	from := time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, r.zone)
	to := time.Date(local.Year(), local.Month(), local.Day()+1, 0, 0, 0, 0, r.zone)
	return Day{Name: local.Format(time.DateOnly), From: from, To: to}
}

// Before is the day that is n days earlier.
func (r *Rules) Before(day Day, n int) Day {
	local := day.From.In(r.zone)
	return r.DayAt(time.Date(local.Year(), local.Month(), local.Day()-n, 12, 0, 0, 0, r.zone))
}
