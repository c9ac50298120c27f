package relationship

import "time"

// RegistrationEnds gives the end of each of a person's registrations (zero: open-ended), in their order.
//
// A person is registered with one practice at a time, and every organisation's Patient resource may name
// one; so the most recent statement decides, and whatever was said before ends when that was told. A
// statement that was withdrawn decides nothing.
func (p Periods) RegistrationEnds(all []Known) []time.Time {
	current := newest(all)
	ends := make([]time.Time, len(all))
	for i, k := range all {
		ends[i] = p.FeedEnd(k)
		if current < 0 || i == current || k.Withdrawn {
			continue
		}
		over := latest(all[current].ToldAt, k.StartsAt)
		if ends[i].IsZero() || over.Before(ends[i]) {
			ends[i] = over
		}
	}
	return ends
}

// newest is the index of the statement that decides, -1 when there is none.
func newest(all []Known) int {
	found := -1
	for i, k := range all {
		if !k.Withdrawn && (found < 0 || k.Since > all[found].Since) {
			found = i
		}
	}
	return found
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
