package casework

// State is where a case stands.
type State string

// The states. A case that nobody looked at is Open; Closed is where all end, with an outcome.
const (
	Open      State = "open"
	Explained State = "explained"
	Upheld    State = "upheld"
	Escalated State = "escalated"
	Closed    State = "closed"
)

// Kind is what is done with a case.
type Kind string

// The steps. Found, Reopen and Reconcile are the watcher's own; the others are people's.
const (
	Opened    Kind = "opened"    // the first finding
	Found     Kind = "found"     // a further finding
	Reopen    Kind = "reopen"    // a finding after the case was closed
	Reconcile Kind = "reconcile" // a feed shows the attendance
	Explain   Kind = "explain"   // an explanation was given, and is written down
	Uphold    Kind = "uphold"    // the look was wrong
	Escalate  Kind = "escalate"  // the Caldicott Guardian decides
	Close     Kind = "close"     // with an outcome
	Note      Kind = "note"      // something to remember
)

// Actor is who makes a step.
type Actor string

// The actors.
const (
	System   Actor = "system"
	Officer  Actor = "privacy officer"
	Guardian Actor = "Caldicott Guardian"
)

// Outcome is how a case was closed.
type Outcome string

// The outcomes. Reconciled is given by the watcher alone.
const (
	Justified   Outcome = "justified"   // there was a good reason
	Mistake     Outcome = "mistake"     // the wrong person, without intent
	Unexplained Outcome = "unexplained" // nothing more could be found out
	Misuse      Outcome = "misuse"      // acted upon as misuse
	Reconciled  Outcome = "reconciled"  // a feed shows the attendance
	NoOutcome   Outcome = ""            // not closed
)

// Transition is one line of the table.
type Transition struct {
	Do       Kind
	From     []State
	To       State // empty: the case stays where it is
	By       []Actor
	Note     bool      // words are demanded
	Outcomes []Outcome // one of these is demanded; none may be given where there are none
	Means    string
}

// Life is the whole table, in the order in which it is printed. A step that stands nowhere in it is refused.
func Life() []Transition {
	undecided := []State{Open, Explained}
	people := []Actor{Officer, Guardian}
	return []Transition{
		{Do: Opened, To: Open, By: []Actor{System}, Means: "a rule fits an event, and no case gathers it yet"},
		{Do: Found, From: []State{Open, Explained, Upheld, Escalated, Closed}, By: []Actor{System}, Means: "a rule fits a further event"},
		{Do: Reopen, From: []State{Closed}, To: Open, By: []Actor{System}, Means: "a rule fits an event after the case was closed"},
		{Do: Reconcile, From: undecided, To: Closed, By: []Actor{System}, Outcomes: []Outcome{Reconciled},
			Means: "a later feed shows the attendance that was declared"},
		{Do: Explain, From: []State{Open}, To: Explained, By: people, Note: true, Means: "the member's explanation is written down"},
		{Do: Uphold, From: undecided, To: Upheld, By: people, Note: true, Means: "the look was wrong, and why"},
		{Do: Uphold, From: []State{Escalated}, To: Upheld, By: []Actor{Guardian}, Note: true, Means: "the Caldicott Guardian finds that the look was wrong"},
		{Do: Escalate, From: []State{Open, Explained, Upheld}, To: Escalated, By: []Actor{Officer}, Note: true, Means: "the Caldicott Guardian is to decide"},
		{Do: Close, From: undecided, To: Closed, By: people, Note: true, Outcomes: []Outcome{Justified, Mistake, Unexplained},
			Means: "nothing wrong was found, or nothing more can be"},
		{Do: Close, From: []State{Upheld}, To: Closed, By: people, Note: true, Outcomes: []Outcome{Misuse, Mistake}, Means: "what was done about it"},
		{Do: Close, From: []State{Escalated}, To: Closed, By: []Actor{Guardian}, Note: true, Outcomes: []Outcome{Justified, Mistake, Unexplained},
			Means: "the Caldicott Guardian finds nothing wrong, or nothing more"},
		{Do: Note, From: []State{Open, Explained, Upheld, Escalated, Closed}, By: people, Note: true, Means: "something to remember"},
	}
}
