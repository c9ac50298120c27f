// Package choice decides what a person's choices add up to. A person's choices are numbered from 1, each
// opposite to the one before, and the highest is in force (DESIGN section 4). It knows no SQL and no RPC.
package choice

import "errors"

var (
	// ErrAlreadyOut refuses a second opt-out: it is a duplicate of the one in force (DOMAIN section 7).
	ErrAlreadyOut = errors.New("the person has opted out already")
	// ErrNotOut refuses a withdrawal that names no opt-out in force.
	ErrNotOut = errors.New("the choice that is named is not an opt-out in force")
	// ErrNotInForce refuses to undo a choice that another has followed.
	ErrNotInForce = errors.New("the choice that is named is not the one in force")
)

// Standing is the choice in force of a person. The zero Standing is that of a person who never chose: open.
type Standing struct {
	// Number of the choice in force; 0 when the person never chose.
	Number int64
	// Sealed is true when that choice is to be out.
	Sealed bool
}

// OptOut is the standing after a new opt-out, or ErrAlreadyOut.
func (s Standing) OptOut() (Standing, error) {
	if s.Sealed {
		return s, ErrAlreadyOut
	}
	return Standing{Number: s.Number + 1, Sealed: true}, nil
}

// OptIn is the standing after the opt-out with this number is withdrawn, or ErrNotOut. The number is
// needed: a withdrawal that is under way while the person opts out anew must not undo what it never saw.
func (s Standing) OptIn(number int64) (Standing, error) {
	if !s.Sealed || number != s.Number {
		return s, ErrNotOut
	}
	return Standing{Number: s.Number + 1}, nil
}

// Undo is the standing after the choice with this number, made for the wrong person, is undone: what was in
// force before it is in force again, under a number of its own, since record-svc follows only a higher one.
// The error is ErrNotInForce when the person has chosen since: what they chose is not for others to undo.
func (s Standing) Undo(number int64, sealedBefore bool) (Standing, error) {
	if number != s.Number || number == 0 {
		return s, ErrNotInForce
	}
	return Standing{Number: s.Number + 1, Sealed: sealedBefore}, nil
}

// Effect is how far a choice has taken effect.
type Effect uint8

// The stages of a choice's effect.
const (
	// Registered: the access decision follows it; record-svc has not confirmed yet.
	Registered Effect = iota
	// Confirmed: record-svc follows it too.
	Confirmed
	// Superseded: the person has chosen again.
	Superseded
)

// Effect tells how far the choice with this number has taken effect, given that record-svc confirmed it.
func (s Standing) Effect(number int64, confirmed bool) Effect {
	switch {
	case number < s.Number:
		return Superseded
	case confirmed:
		return Confirmed
	default:
		return Registered
	}
}
