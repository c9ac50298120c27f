package request

// Reason is stable and what callers branch on.
type Reason string

// The reasons for which a step is refused.
const (
	// ReasonClosed: the request has come to its end.
	ReasonClosed Reason = "REQUEST_CLOSED"
	// ReasonStep: that cannot happen to a request in this state.
	ReasonStep Reason = "STEP_NOT_POSSIBLE"
	// ReasonActor: somebody else has to do this.
	ReasonActor Reason = "STEP_NOT_YOURS"

	ReasonChannel      Reason = "CHANNEL_NOT_ALLOWED"
	ReasonNotMatched   Reason = "NOT_MATCHED"
	ReasonMatched      Reason = "MATCHED"
	ReasonComplete     Reason = "NOTHING_OUTSTANDING"
	ReasonConfirmation Reason = "CONFIRMATION_NEEDED"
	ReasonEvidence     Reason = "EVIDENCE_NEEDED"
	ReasonSafeguarding Reason = "SAFEGUARDING_DECISION_NEEDED"
	ReasonSignOff      Reason = "SIGN_OFF_NEEDED"
	ReasonNoChild      Reason = "NO_SAFEGUARDING_DECISION_NEEDED"
	ReasonNoCandidate  Reason = "NOT_A_CANDIDATE"
	ReasonOfficer      Reason = "PRIVACY_OFFICER_NEEDED"
	ReasonAlreadyOut   Reason = "ALREADY_OPTED_OUT"
	ReasonNotOut       Reason = "NOT_OPTED_OUT"
	ReasonNoDuplicate  Reason = "NOT_A_DUPLICATE"
	ReasonNotExpired   Reason = "NOT_EXPIRED"
	ReasonNotInForce   Reason = "NOT_IN_FORCE"
)

// Error is a step that was refused. It holds nothing of the request.
type Error struct {
	Reason Reason
	// Text is fixed text for people: what is the matter, and what can be done.
	Text string
}

// Error is the reason and the text.
func (e *Error) Error() string { return string(e.Reason) + ": " + e.Text }

// Is tells whether target is a refusal for the same reason.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Reason == e.Reason
}

// Guard is a condition of a transition.
type Guard struct {
	// Name in documents.
	Name string
	// Meaning in documents.
	Meaning string
	// Reasons for which it can refuse.
	Reasons []Reason
	// refuse gives why the guard does not hold; nil when it does.
	refuse func(Facts) *Error
}

// when makes a guard that is refused for one reason.
func when(name, meaning string, holds func(Facts) bool, reason Reason, text string) Guard {
	return Guard{Name: name, Meaning: meaning, Reasons: []Reason{reason}, refuse: func(f Facts) *Error {
		if holds(f) {
			return nil
		}
		return &Error{Reason: reason, Text: text}
	}}
}

func online() Guard {
	return when("online", "the request came by the public form",
		func(f Facts) bool { return f.Channel == Online && !f.Candidate },
		ReasonChannel, "Only a request that came by the online form can do this.")
}

func taken() Guard {
	return when("taken by staff", "the request came by telephone, post or leaflet",
		func(f Facts) bool { return f.Channel != Online && !f.Candidate },
		ReasonChannel, "Staff take requests by telephone, post or leaflet; the online form is for the person.")
}

func takenOrCandidate() Guard {
	return when("taken by staff, or candidate", "the request came by telephone, post or leaflet, or is a row of an older system's register",
		func(f Facts) bool { return f.Channel != Online || f.Candidate },
		ReasonChannel, "Privacy officers take requests by telephone, post or leaflet; the online form is for the person.")
}

func candidate() Guard {
	return when("candidate", "it is a row of an older system's register",
		func(f Facts) bool { return f.Candidate },
		ReasonNoCandidate, "Only a candidate of an older register is signed off.")
}

func signedOff() Guard {
	return when("signed off", "the privacy officer has confirmed the candidate",
		func(f Facts) bool { return f.SignedOff },
		ReasonSignOff, "A privacy officer must confirm this candidate first.")
}

func matched() Guard {
	return when("matched", "it is known whose request it is, surely or by a privacy officer's word",
		func(f Facts) bool { return f.Matched },
		ReasonNotMatched, "It is not known whose request this is: match it first.")
}

func unmatched() Guard {
	return when("not matched", "it is not known whose request it is",
		func(f Facts) bool { return !f.Matched },
		ReasonMatched, "It is known whose request this is.")
}

func confirmed() Guard {
	return when("code right", "the code that was sent to contact details held for the person came back",
		func(f Facts) bool { return f.Confirmed },
		ReasonConfirmation, "The code that was sent must be given.")
}

func protectedChild() Guard {
	return when("protected child", "somebody else asks about a child with safeguarding entries",
		func(f Facts) bool { return f.concernsProtectedChild() },
		ReasonNoChild, "This request needs no safeguarding decision.")
}

func allowed() Guard {
	return when("allowed", "the safeguarding lead has let it go on",
		func(f Facts) bool { return f.SafeguardingAllowed },
		ReasonSafeguarding, "A safeguarding lead must decide first.")
}

func expired() Guard {
	return when("expired", "it still waits for its code, and the policy's time for that has passed",
		func(f Facts) bool { return f.Expired && f.needsConfirmation() },
		ReasonNotExpired, "The time for confirming this request has not passed.")
}

func settled() Guard {
	return when("settled", "the person confirmed it online, or a privacy officer signed it off",
		func(f Facts) bool { return f.Settled() },
		ReasonOfficer, "A privacy officer must make this request effective.")
}

func inForce() Guard {
	return when("in force", "the choice that it made is the one in force",
		func(f Facts) bool { return f.InForce },
		ReasonNotInForce, "The person has chosen again since: there is nothing to restore.")
}

func duplicate() Guard {
	return when("duplicate", "the choice in force is already what it asks for",
		func(f Facts) bool { return !f.changes() },
		ReasonNoDuplicate, "This request would change the choice in force: it is no duplicate.")
}

func changes() Guard {
	return Guard{Name: "no duplicate", Meaning: "the choice in force is not yet what it asks for",
		Reasons: []Reason{ReasonAlreadyOut, ReasonNotOut}, refuse: changing}
}

func changing(f Facts) *Error {
	switch {
	case f.changes():
		return nil
	case f.Sealed:
		return &Error{Reason: ReasonAlreadyOut, Text: "This person has opted out already."}
	default:
		return &Error{Reason: ReasonNotOut, Text: "This person has no opt-out in force."}
	}
}

func complete() Guard {
	reasons := []Reason{ReasonNotMatched, ReasonConfirmation, ReasonEvidence, ReasonSafeguarding, ReasonSignOff}
	return Guard{Name: "complete", Meaning: "nothing is outstanding", Reasons: reasons, refuse: func(f Facts) *Error {
		needs := Outstanding(f)
		if len(needs) == 0 {
			return nil
		}
		return missing(needs[0])
	}}
}

func incomplete() Guard {
	return when("incomplete", "something is outstanding",
		func(f Facts) bool { return len(Outstanding(f)) > 0 },
		ReasonComplete, "Nothing is outstanding.")
}

// missing is the refusal for what is missing.
func missing(n Need) *Error {
	switch n {
	case NeedMatch:
		return &Error{Reason: ReasonNotMatched, Text: "It is not known whose request this is: match it first."}
	case NeedConfirmation:
		return &Error{Reason: ReasonConfirmation, Text: "The person must confirm this with the code that was sent, or a privacy officer must check evidence."}
	case NeedSafeguarding:
		return &Error{Reason: ReasonSafeguarding, Text: "A safeguarding lead must decide first."}
	case NeedSignOff:
		return &Error{Reason: ReasonSignOff, Text: "A privacy officer must confirm this candidate first."}
	case NeedEvidence:
	}
	return &Error{Reason: ReasonEvidence, Text: "A privacy officer must check the evidence first."}
}
