package request

import "slices"

// Step is a step that may be taken.
type Step struct {
	// To is the state after it; it may be the state before it.
	To State
	// Effect on the person's choice in force.
	Effect Effect
}

// Next decides a step: what the request becomes when this happens to it, by that actor, given the facts.
// The error is an *Error with a stable reason; then nothing must be written. It is asked in this order: is
// the request closed, can that happen in this state, may this actor do it, does every guard hold.
func Next(f Facts, e Event, a Actor) (Step, error) {
	if f.State.Final() {
		return Step{}, &Error{Reason: ReasonClosed, Text: "This request is closed: make a new one."}
	}
	var here, theirs bool
	var refusal *Error
	for _, t := range Table() {
		if t.Event != e || !slices.Contains(t.From, f.State) {
			continue
		}
		here = true
		if !slices.Contains(t.Who, a) {
			continue
		}
		theirs = true
		why := t.refuse(f)
		if why == nil {
			return Step{To: t.To, Effect: effect(t.Event, f.Choice)}, nil
		}
		// Of rows that differ only in whether something is outstanding, the refusal that matters is the
		// one that says what is wrong, not the one that says that nothing is missing.
		if refusal == nil || refusal.Reason == ReasonComplete {
			refusal = why
		}
	}
	switch {
	case !here:
		return Step{}, &Error{Reason: ReasonStep, Text: "That cannot happen to a request in this state."}
	case !theirs:
		return Step{}, &Error{Reason: ReasonActor, Text: "Somebody else has to do this."}
	}
	return Step{}, refusal
}

// refuse gives the first guard's refusal, nil when all hold.
func (t Transition) refuse(f Facts) *Error {
	for _, g := range t.Guards {
		if why := g.refuse(f); why != nil {
			return why
		}
	}
	return nil
}

// effect is what an event does to the choice in force.
func effect(e Event, c Choice) Effect {
	switch {
	case e == MakeEffective && c == Out:
		return NewOut
	case e == MakeEffective && c == In:
		return NewIn
	case e == Reverse:
		return RestoreEarlier
	}
	return NoEffect
}

// Progress is how much of a request's state anybody may learn who holds its reference and knows the date of
// birth that was given with it.
type Progress string

// The stages that are told. They are few on purpose: whether a request was matched, waits for its code or is
// a duplicate would tell whether a person is known or has opted out.
const (
	InProgress Progress = "in progress"
	InEffect   Progress = "in effect"
	Closed     Progress = "closed"
)

// ProgressOf is what may be told. An online request that was never confirmed reads closed once its time has
// passed, whether it was matched (and is refused) or not (and goes on waiting).
func ProgressOf(f Facts) Progress {
	switch {
	case f.State == Effective:
		return InEffect
	case f.State.Final(), f.Expired && f.needsConfirmation():
		return Closed
	}
	return InProgress
}
