package relationship

import "time"

// Statement is what one message of a feed says about one relationship: its whole state.
type Statement struct {
	Kind      Kind
	ODSCode   string // that holds it
	Team      string
	StartsAt  time.Time // zero: the feed did not say
	ClosedAt  time.Time // zero: open
	Withdrawn bool      // deleted or entered in error: it never stood
	Sequence  int64     // of the message: higher is later
	Received  time.Time // when the message was accepted from the partner
}

// Known is what all statements so far come to, for one resource of one source.
type Known struct {
	Kind      Kind
	ODSCode   string
	Team      string
	StartsAt  time.Time
	ClosedAt  time.Time
	Withdrawn bool

	// Sequence of the newest statement.
	Sequence int64
	// Since is the sequence of the first statement that said what the newest says. A sender who repeats
	// last year's GP practice with every bundle says nothing new by it.
	Since int64
	// ToldAt is when that first statement was received.
	ToldAt time.Time
	// WasOpen is true when any statement showed it as open.
	WasOpen bool
}

// First is what a first statement comes to.
func First(s Statement) Known {
	return Known{
		Kind: s.Kind, ODSCode: s.ODSCode, Team: s.Team,
		StartsAt: s.start(), ClosedAt: s.ClosedAt, Withdrawn: s.Withdrawn,
		Sequence: s.Sequence, Since: s.Sequence, ToldAt: s.Received,
		WasOpen: s.open(),
	}
}

// Fold takes one more statement about the same resource, and tells whether that changed anything.
// Statements may come twice and out of order: an older one changes nothing that a newer one said, and
// adds only that the same was said earlier, or that it had been open.
func (k Known) Fold(s Statement) (Known, bool) {
	was := k
	k.WasOpen = k.WasOpen || s.open()
	switch same := k.says(s); {
	case s.Sequence > k.Sequence && same:
		k.Sequence = s.Sequence
	case s.Sequence > k.Sequence:
		open := k.WasOpen
		k = First(s)
		k.WasOpen = open
	case s.Sequence < k.Since && same:
		k.Since, k.ToldAt = s.Sequence, s.Received
		k.StartsAt = s.start()
	}
	return k, k != was
}

// says tells whether a statement says what is known already. A start that is left out repeats any.
func (k Known) says(s Statement) bool {
	return k.Kind == s.Kind && k.ODSCode == s.ODSCode && k.Team == s.Team && k.Withdrawn == s.Withdrawn &&
		k.ClosedAt.Equal(s.ClosedAt) && (s.StartsAt.IsZero() || k.StartsAt.Equal(s.StartsAt))
}

// start is when it starts: with its news where the feed did not say.
func (s Statement) start() time.Time {
	if s.StartsAt.IsZero() {
		return s.Received
	}
	return s.StartsAt
}

func (s Statement) open() bool { return s.ClosedAt.IsZero() && !s.Withdrawn }
