package keep_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/event"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/keep"
)

func policy(t testing.TB) *keep.Policy {
	t.Helper()
	p, err := keep.Default()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func month(t testing.TB, text string) keep.Month {
	t.Helper()
	m, err := keep.ParseMonth(text)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func at(text string) time.Time {
	when, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return when
}

// TestDue: the event that is kept longest decides, and not an instant before its time.
func TestDue(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		people bool
		now    string
		may    bool
	}{
		"at once":               {true, "2026-02-01T00:00:00Z", false},
		"people, too early":     {true, "2156-02-01T23:59:59Z", false},
		"people, in time":       {true, "2156-02-02T00:00:00Z", true},
		"nobody, too early":     {false, "2056-02-01T23:59:59Z", false},
		"nobody, in time":       {false, "2056-02-02T00:00:00Z", true},
		"people, nobody's time": {true, "2056-02-02T00:00:00Z", false},
	} {
		err := policy(t).MayDrop(month(t, "2026-01"), c.people, at(c.now))
		if (err == nil) != c.may || err != nil && !errors.Is(err, keep.ErrEarly) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestNothingBeforeTheRecord: whatever the policy and the event, the record was kept no longer.
func TestNothingBeforeTheRecord(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		record, person, other := rapid.IntRange(0, 200).Draw(t, "record"), rapid.IntRange(0, 200).Draw(t, "person"), rapid.IntRange(0, 200).Draw(t, "other")
		p, err := keep.Parse(fmt.Appendf(nil, "version: x\nrecord_years: %d\nperson_years: %d\nother_years: %d\n", record, person, other))
		if good := person >= record && min(record, person, other) >= 8; (err == nil) != good {
			t.Fatalf("taken: %v", err)
		}
		if err != nil {
			return
		}
		when := time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "when"), 0)
		if due := p.Due(keep.MonthOf(when), true); due.Before(when.AddDate(record, 0, 0)) {
			t.Fatalf("an event of %v may go on %v", when, due)
		}
	})
}

func TestBadPolicy(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"empty":      "",
		"no version": "record_years: 10\nperson_years: 10\nother_years: 10",
		"unknown":    "version: x\nrecord_years: 10\nperson_years: 10\nother_years: 10\nmore: 1",
		"two":        "version: x\nrecord_years: 10\nperson_years: 10\nother_years: 10\n---\nversion: y",
		"too long":   "version: x\nrecord_years: 10\nperson_years: 100000\nother_years: 10",
		"no YAML":    "\t",
	} {
		if _, err := keep.Parse([]byte(text)); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

// TestMonth: a month is closed when no outbox may deliver into it.
func TestMonth(t *testing.T) {
	t.Parallel()
	m := keep.MonthOf(at("2026-01-31T23:59:59Z"))
	if m.String() != "2026-01" || !m.First().Equal(at("2026-01-01T00:00:00Z")) || !m.End().Equal(at("2026-02-01T00:00:00Z")) {
		t.Errorf("month %v from %v to %v", m, m.First(), m.End())
	}
	if m.Closed().Before(m.End().Add(event.MaxDelay + event.MaxSkew)) {
		t.Error("closed while an outbox may deliver")
	}
	for _, bad := range []string{"", "2026", "2026-13", "2026-1", "2026-01-01", "1969-12", "event"} {
		if _, err := keep.ParseMonth(bad); !errors.Is(err, keep.ErrMonth) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
