package keep

import (
	"errors"
	"time"
)

// layout of a month as people write it: 2026-01.
const layout = "2006-01"

// Lateness is how long after its end a month may still gain events: an outbox delivers up to 28 days late
// (event.MaxDelay), and clocks differ.
const Lateness = 29 * 24 * time.Hour

// ErrMonth is returned for a text that names no month.
var ErrMonth = errors.New("a month is written as 2026-01")

// Month is a month of the log, in UTC: the events whose ids name a time in it. The zero value is no month.
type Month struct{ first time.Time }

// ParseMonth reads what String writes. It returns ErrMonth.
func ParseMonth(text string) (Month, error) {
	at, err := time.Parse(layout, text)
	if err != nil || at.Year() < 1970 {
		return Month{}, ErrMonth
	}
	return Month{at}, nil
}

// MonthOf is the month that an instant lies in.
func MonthOf(at time.Time) Month {
	at = at.UTC()
	return Month{time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, time.UTC)}
}

// String is the month as people write it, such as 2026-01.
func (m Month) String() string { return m.first.Format(layout) }

// First is the first instant of the month.
func (m Month) First() time.Time { return m.first }

// End is the first instant after the month.
func (m Month) End() time.Time { return m.first.AddDate(0, 1, 0) }

// Closed is when the month can gain no event any more, and so can be archived.
func (m Month) Closed() time.Time { return m.End().Add(Lateness) }
