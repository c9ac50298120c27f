package deadline_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/deadline"
)

func london(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/London")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func at(t *testing.T, text string) time.Time {
	t.Helper()
	instant, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return instant
}

// TestDue: days of the calendar in London, over the change of the clocks and of the year, too.
func TestDue(t *testing.T) {
	t.Parallel()
	rules := deadline.Rules{Days: 14, Near: 3, Zone: london(t)}
	for name, c := range map[string]struct{ received, date, near, ends string }{
		"winter":                        {"2026-11-22T10:00:00Z", "2026-12-06", "2026-12-03T00:00:00Z", "2026-12-07T00:00:00Z"},
		"before midnight":               {"2026-11-22T23:59:59Z", "2026-12-06", "2026-12-03T00:00:00Z", "2026-12-07T00:00:00Z"},
		"after midnight of London":      {"2026-06-30T23:00:00Z", "2026-07-15", "2026-07-11T23:00:00Z", "2026-07-15T23:00:00Z"},
		"clocks go back between":        {"2026-10-20T10:00:00Z", "2026-11-03", "2026-10-31T00:00:00Z", "2026-11-04T00:00:00Z"},
		"clocks go forward between":     {"2026-03-20T10:00:00Z", "2026-04-03", "2026-03-30T23:00:00Z", "2026-04-03T23:00:00Z"},
		"over the new year, leap years": {"2027-12-25T00:00:00Z", "2028-01-08", "2028-01-05T00:00:00Z", "2028-01-09T00:00:00Z"},
		"leap day":                      {"2028-02-20T00:00:00Z", "2028-03-05", "2028-03-02T00:00:00Z", "2028-03-06T00:00:00Z"},
	} {
		due := rules.Of(at(t, c.received))
		want := deadline.Due{Date: c.date, NearFrom: at(t, c.near), Ends: at(t, c.ends)}
		if diff := cmp.Diff(want, due, cmp.Comparer(time.Time.Equal)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestStanding(t *testing.T) {
	t.Parallel()
	due := deadline.Rules{Days: 14, Near: 3, Zone: london(t)}.Of(at(t, "2026-11-01T12:00:00Z"))
	for now, want := range map[string]deadline.Standing{
		"2026-11-01T12:00:00Z": deadline.InTime, "2026-11-11T23:59:59Z": deadline.InTime,
		"2026-11-12T00:00:00Z": deadline.NearDue, "2026-11-15T23:59:59.999999Z": deadline.NearDue,
		"2026-11-16T00:00:00Z": deadline.Overdue, "2027-11-16T00:00:00Z": deadline.Overdue,
		// A clock that is behind: before receipt is in time, not an error.
		"2026-10-31T00:00:00Z": deadline.InTime,
	} {
		if got := due.Standing(at(t, now)); got != want {
			t.Errorf("%s: %s, want %s", now, got, want)
		}
		if kept := due.Kept(at(t, now)); kept != (want != deadline.Overdue) {
			t.Errorf("effect at %s: kept %v", now, kept)
		}
	}
}

// TestListsAskTheSameQuestion: the bounds by which lists are read agree with each request's own standing,
// whatever the instants, limits and zone.
func TestListsAskTheSameQuestion(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		name := rapid.SampledFrom([]string{"Europe/London", "UTC", "Pacific/Apia", "America/St_Johns"}).Draw(r, "zone")
		zone, err := time.LoadLocation(name)
		if err != nil {
			r.Fatal(err)
		}
		rules := deadline.Rules{Days: rapid.IntRange(1, 28).Draw(r, "days"), Zone: zone}
		rules.Near = rapid.IntRange(0, rules.Days-1).Draw(r, "near")
		now := time.Unix(rapid.Int64Range(1.6e9, 2e9).Draw(r, "now"), 0)
		// Around the bounds, where they could differ.
		received := now.AddDate(0, 0, -rules.Days+rapid.IntRange(-3, rules.Days).Draw(r, "back")).
			Add(time.Duration(rapid.IntRange(-90000, 90000).Draw(r, "seconds")) * time.Second)
		standing := rules.Of(received).Standing(now)
		if got := received.Before(rules.OverdueBefore(now)); got != (standing == deadline.Overdue) {
			r.Fatalf("received %v, now %v: overdue in a list %v, by itself %s", received, now, got, standing)
		}
		if got := received.Before(rules.NearBefore(now)); got != (standing != deadline.InTime) {
			r.Fatalf("received %v, now %v: near due in a list %v, by itself %s", received, now, got, standing)
		}
		if got, want := received.Before(rules.OverBefore(now, rules.Days)), !now.Before(rules.After(received, rules.Days)); got != want {
			r.Fatalf("received %v, now %v: over in a list %v, by itself %v", received, now, got, want)
		}
	})
}

func TestAfter(t *testing.T) {
	t.Parallel()
	rules := deadline.Rules{Zone: london(t)}
	if got := rules.After(at(t, "2026-11-22T10:00:00Z"), 28); !got.Equal(at(t, "2026-12-21T00:00:00Z")) {
		t.Errorf("28 days from 22 November are over at %v", got)
	}
}
