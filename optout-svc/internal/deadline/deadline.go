// Package deadline is when a request is due (DOMAIN section 7: effect confirmed 14 days after receipt at
// most). Days are days of the calendar in one time zone: the date that a letter names is due until its end,
// however many hours a day of that fortnight had. It knows no clock.
package deadline

import "time"

// Rules are the policy's time limits.
type Rules struct {
	// Days after the day of receipt until the end of which the effect is to be confirmed.
	Days int
	// Near: a request that is due in so many days or fewer is near due.
	Near int
	// Zone in which days begin and end.
	Zone *time.Location
}

// Standing is how a pending request stands to its date.
type Standing string

// The standings.
const (
	InTime  Standing = "in time"
	NearDue Standing = "near due"
	Overdue Standing = "overdue"
)

// Due is when a request is due.
type Due struct {
	// Date in letters: the last day in time, YYYY-MM-DD.
	Date string
	// NearFrom is when it becomes near due.
	NearFrom time.Time
	// Ends is the first instant that is too late.
	Ends time.Time
}

// Of tells when what was received then is due.
func (r Rules) Of(received time.Time) Due {
	return Due{
		Date:     r.day(received, r.Days).Format(time.DateOnly),
		NearFrom: r.day(received, r.Days-r.Near),
		Ends:     r.day(received, r.Days+1),
	}
}

// Standing of a request that is still pending now.
func (d Due) Standing(now time.Time) Standing {
	switch {
	case !now.Before(d.Ends):
		return Overdue
	case !now.Before(d.NearFrom):
		return NearDue
	}
	return InTime
}

// Kept tells whether an effect confirmed then was in time.
func (d Due) Kept(confirmed time.Time) bool { return confirmed.Before(d.Ends) }

// OverdueBefore is the question turned round, for lists: what is pending now and was received before this is
// overdue, and nothing else is.
func (r Rules) OverdueBefore(now time.Time) time.Time { return r.OverBefore(now, r.Days) }

// NearBefore likewise: what is pending now and was received before this is near due or overdue.
func (r Rules) NearBefore(now time.Time) time.Time { return r.day(now, 1+r.Near-r.Days) }

// After is the first instant of the day so many days after the one that at lies in, plus one: the end of a
// period of whole days, such as that for confirming a request.
func (r Rules) After(at time.Time, days int) time.Time { return r.day(at, days+1) }

// OverBefore is After turned round, for lists: what began before this has come to the end of so many days, and
// nothing else has.
func (r Rules) OverBefore(now time.Time, days int) time.Time { return r.day(now, -days) }

// day is the first instant of the day so many days from the one that at lies in.
func (r Rules) day(at time.Time, days int) time.Time {
	y, m, d := at.In(r.Zone).Date()
	return time.Date(y, m, d+days, 0, 0, 0, 0, r.Zone)
}
