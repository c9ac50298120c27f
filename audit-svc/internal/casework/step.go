package casework

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// The bounds of a note, in characters. Less than ten explain nothing.
const (
	minNote = 10
	maxNote = 4000
)

// Case is what of a case decides about its next step.
type Case struct {
	// State in which it stands; empty before it was opened.
	State State
	// Outcome with which it is closed; empty otherwise.
	Outcome Outcome
	// Due is until when somebody must have looked; zero when there is no such time, or somebody has.
	Due time.Time
	// StaffID of the member whom it is about.
	StaffID string
}

// Overdue tells whether nobody looked in time: at its due time it is.
func (c Case) Overdue(now time.Time) bool {
	return c.State == Open && !c.Due.IsZero() && !now.Before(c.Due)
}

// Step is what somebody wants to do with a case.
type Step struct {
	Do      Kind
	By      Actor
	StaffID string // of who makes it; empty for the system
	Outcome Outcome
	Note    string
	// Due is the new time of a step that opens the case; zero for none.
	Due time.Time
}

// Refusal is why a step is not made.
type Refusal string

// The refusals.
const (
	// WrongState: the case does not stand where this step begins.
	WrongState Refusal = "the case does not stand where this step can be made"
	// WrongActor: somebody else makes this step.
	WrongActor Refusal = "this step is somebody else's to make"
	// WrongOutcome: an outcome is missing, or is none of this step.
	WrongOutcome Refusal = "the outcome is missing, or cannot be given from here"
	// WrongNote: there is too little or too much said, or it cannot be read.
	WrongNote Refusal = "a note of 10 to 4000 characters is needed"
	// OwnCase: nobody makes steps in a case about themselves.
	OwnCase Refusal = "the case is about whoever makes the step"
)

// Error is the refusal's words.
func (r Refusal) Error() string { return string(r) }

// Next is the case after a step, or a Refusal.
func Next(c Case, s Step) (Case, error) {
	if s.By != System && s.StaffID == c.StaffID {
		return c, OwnCase
	}
	lines, refusal := lines(c.State, s)
	if refusal != nil {
		return c, refusal
	}
	i := slices.IndexFunc(lines, func(t Transition) bool { return t.takes(s.Outcome) })
	if i < 0 {
		return c, WrongOutcome
	}
	if lines[i].Note && !readable(s.Note) {
		return c, WrongNote
	}
	if to := lines[i].To; to != "" {
		c.State, c.Outcome, c.Due = to, s.Outcome, time.Time{}
		if to == Open {
			c.Due = s.Due
		}
	}
	return c, nil
}

// lines are those of the table that begin where the case stands and are the actor's.
func lines(at State, s Step) ([]Transition, error) {
	var here, own []Transition
	for _, t := range Life() {
		if t.Do != s.Do || !t.begins(at) {
			continue
		}
		here = append(here, t)
		if slices.Contains(t.By, s.By) {
			own = append(own, t)
		}
	}
	switch {
	case len(here) == 0:
		return nil, WrongState
	case len(own) == 0:
		return nil, WrongActor
	}
	return own, nil
}

// begins tells whether a step can be made in a state; the empty one is that of a case that is not there yet.
func (t Transition) begins(at State) bool {
	if at == "" || len(t.From) == 0 {
		return at == "" && len(t.From) == 0
	}
	return slices.Contains(t.From, at)
}

func (t Transition) takes(o Outcome) bool {
	if len(t.Outcomes) == 0 {
		return o == NoOutcome
	}
	return slices.Contains(t.Outcomes, o)
}

// Trimmed is a note without the space around it, as it is kept.
func Trimmed(note string) string { return strings.TrimSpace(note) }

func readable(note string) bool {
	note = Trimmed(note)
	n := utf8.RuneCountInString(note)
	if !utf8.ValidString(note) || n < minNote || n > maxNote {
		return false
	}
	return !strings.ContainsFunc(note, func(r rune) bool {
		return unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t'
	})
}

// OnFinding gives the step that a finding makes: it opens a case, or is added, and opens a closed one again where
// the rule says so. Once leaves a further finding out where the first says it all; then there is no step.
func OnFinding(at State, reopens, once bool) (Kind, bool) {
	switch {
	case at == "":
		return Opened, true
	case at == Closed && reopens:
		return Reopen, true
	default:
		return Found, !once
	}
}

// Summary is what the event of a step says of it, in fixed words. Of a note it has the hash alone: the log keeps
// it from being changed unnoticed, and does not spread it.
func Summary(did Kind, outcome Outcome, rule, note string) string {
	words := map[Kind]string{
		Opened: "opened by rule " + rule, Reopen: "opened again by rule " + rule, Reconcile: "closed as " + string(outcome),
		Explain: "explained", Uphold: "upheld", Escalate: "escalated", Close: "closed as " + string(outcome), Note: "noted",
	}
	if note == "" {
		return words[did]
	}
	return fmt.Sprintf("%s; sha256 of the note %x", words[did], sha256.Sum256([]byte(note)))
}
