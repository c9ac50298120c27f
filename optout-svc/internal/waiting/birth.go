package waiting

import (
	"slices"
	"time"
)

// Span is a span of birth dates, both ends included, as texts in the order of YYYY-MM-DD.
type Span struct{ From, To string }

// Births are the birth dates that a request must give to be able to mean the person without giving their number:
// theirs, and those that a slip could have turned into it. Whoever looks for requests looks for these.
func Births(p Person) []Span {
	switch len(p.BirthDate) {
	case len("2006"):
		return []Span{{p.BirthDate + "-01-01", p.BirthDate + "-12-31"}}
	case len("2006-01"):
		return []Span{{p.BirthDate + "-01", p.BirthDate + "-31"}}
	case len("2006-01-02"):
		spans := []Span{{p.BirthDate, p.BirthDate}}
		for _, other := range slips(p.BirthDate) {
			spans = append(spans, Span{other, other})
		}
		return spans
	}
	return nil
}

// slipped tells whether a slip could have turned one date into the other.
func slipped(a, b string) bool {
	return len(b) == len("2006-01-02") && slices.Contains(slips(b), a)
}

// slips are the dates that differ from one in a single digit, or in that day and month changed places.
func slips(date string) []string {
	var found []string
	add := func(text string) {
		if _, err := time.Parse(time.DateOnly, text); err == nil && text != date {
			found = append(found, text)
		}
	}
	for at, was := range []byte(date) {
		if was == '-' {
			continue
		}
		for digit := byte('0'); digit <= '9'; digit++ {
			other := []byte(date)
			other[at] = digit
			add(string(other))
		}
	}
	if len(date) == len("2006-01-02") {
		add(date[:5] + date[8:] + "-" + date[5:7])
	}
	return found
}
