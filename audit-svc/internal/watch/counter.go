package watch

import (
	"fmt"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
)

// MemberDay is one member's day.
type MemberDay struct {
	StaffID string
	Day     Day
}

// Counter counts opens over a run of events in the log's order. What lies before the run is loaded into it.
type Counter struct {
	rules *Rules
	days  map[string]map[string]int // by member and day: opens by person
}

// NewCounter counts from nothing.
func (r *Rules) NewCounter() *Counter {
	return &Counter{rules: r, days: map[string]map[string]int{}}
}

// Needs are the days of members of which the opens before the run must be loaded to judge it, each once. An
// event whose id names no time needs nothing; Judge fails on it.
func (r *Rules) Needs(run []*auditv1.Event) []MemberDay {
	var needs []MemberDay
	seen := map[string]bool{}
	for _, e := range run {
		if !r.IsOpen(e) {
			continue
		}
		day, err := r.DayOf(e.GetId())
		if err != nil {
			continue
		}
		if key := dayKey(e.GetActor().GetStaffId(), day); !seen[key] {
			seen[key] = true
			needs = append(needs, MemberDay{StaffID: e.GetActor().GetStaffId(), Day: day})
		}
	}
	return needs
}

// Load says how often a member opened a person's record on a day before the run.
func (c *Counter) Load(of MemberDay, nhsNumber string, opens int) {
	c.day(dayKey(of.StaffID, of.Day))[nhsNumber] += opens
}

// Count adds the next event of the run and gives its facts, without peers. It fails on an id that names no time.
func (c *Counter) Count(e *auditv1.Event) (Facts, error) {
	if !c.rules.IsOpen(e) {
		return Facts{}, nil
	}
	day, err := c.rules.DayOf(e.GetId())
	if err != nil {
		return Facts{}, fmt.Errorf("count: %w", err)
	}
	people := c.day(dayKey(e.GetActor().GetStaffId(), day))
	people[e.GetNhsNumber()]++
	return Facts{Opens: people[e.GetNhsNumber()], People: len(people)}, nil
}

func (c *Counter) day(key string) map[string]int {
	if c.days[key] == nil {
		c.days[key] = map[string]int{}
	}
	return c.days[key]
}

// dayKey is unambiguous: a day's name has no space.
func dayKey(staffID string, day Day) string { return day.Name + " " + staffID }
