package request

// Facts are everything that a step depends on. They are those of the moment of the step, with what the step
// itself brings already in them: who records evidence sets Checked, then asks Next. A fact that could not be
// learned must never be passed as its zero value: the caller refuses instead.
type Facts struct {
	// State that the request is in; None when it is being submitted.
	State State
	// Choice, Channel and Requester are as they were asked.
	Choice    Choice
	Channel   Channel
	Requester Requester
	// Candidate: it comes from an older system's register and is nobody's request yet (leaflet L10).
	Candidate bool

	// Matched: exactly one person, by a sure match or by a privacy officer's word. Never by a guess.
	Matched bool
	// Confirmed: the code sent to contact details held for the matched person came back. Void when matched anew.
	Confirmed bool
	// Checked: a privacy officer has checked all evidence that the policy lists for channel and requester.
	// Void when matched anew.
	Checked bool
	// Asked: a privacy officer asked for something that has not come yet.
	Asked bool
	// SignedOff: a privacy officer confirmed the candidate, alone or in a batch. Void when matched anew.
	SignedOff bool

	// Child: the matched person is below the age at which nobody has parental responsibility any more.
	Child bool
	// SafeguardingEntries: there are safeguarding entries about the matched person.
	SafeguardingEntries bool
	// SafeguardingAllowed: the safeguarding lead has let it go on. Void when matched anew.
	SafeguardingAllowed bool

	// Sealed: the choice in force of the matched person is to be out.
	Sealed bool
	// InForce: the choice that this request made is the person's choice in force.
	InForce bool
	// Expired: the policy's time for confirming an online request has passed.
	Expired bool
}

// Need is something that a request still waits for.
type Need string

// The needs, in the order in which they are told.
const (
	// NeedMatch: it is not known whose request it is.
	NeedMatch Need = "match"
	// NeedConfirmation: the person's code, or a privacy officer's check of evidence in its place.
	NeedConfirmation Need = "confirmation"
	// NeedEvidence: a privacy officer's check of the evidence.
	NeedEvidence Need = "evidence"
	// NeedSafeguarding: the safeguarding lead's decision.
	NeedSafeguarding Need = "safeguarding"
	// NeedSignOff: a privacy officer's confirmation of a candidate.
	NeedSignOff Need = "sign_off"
)

// Outstanding is what the request waits for, nothing when it is ready. The state needs_evidence says that
// there is something; this says what.
func Outstanding(f Facts) []Need {
	var needs []Need
	if !f.Matched {
		needs = append(needs, NeedMatch)
	}
	if f.needsConfirmation() {
		needs = append(needs, NeedConfirmation)
	}
	if f.needsEvidence() {
		needs = append(needs, NeedEvidence)
	}
	if f.concernsProtectedChild() && !f.SafeguardingAllowed {
		needs = append(needs, NeedSafeguarding)
	}
	if f.Candidate && !f.SignedOff {
		needs = append(needs, NeedSignOff)
	}
	return needs
}

// OwnOnline tells whether it is the form that somebody filled in about themselves: four facts about a person
// are no proof of being that person, so the code is.
func (f Facts) OwnOnline() bool {
	return f.Channel == Online && f.Requester == Self && !f.Candidate
}

func (f Facts) needsConfirmation() bool { return f.OwnOnline() && !f.Confirmed && !f.Checked }

// needsEvidence: what a privacy officer asked for is always waited for. Else a person's own online request
// rests on its code, a person's own candidate on the sign-off, and everything else on evidence: a request
// on behalf of another always does, by whatever channel.
func (f Facts) needsEvidence() bool {
	if f.Asked {
		return true
	}
	if f.Checked {
		return false
	}
	return f.Requester != Self || (!f.OwnOnline() && !f.Candidate)
}

// concernsProtectedChild: somebody else asks about a child with safeguarding entries.
func (f Facts) concernsProtectedChild() bool {
	return f.Requester != Self && f.Child && f.SafeguardingEntries
}

// Settled tells whether the person, or a privacy officer who signed the candidate off, has had the last
// word, so that nobody but the system is left to act.
func (f Facts) Settled() bool {
	return (f.OwnOnline() && f.Confirmed) || (f.Candidate && f.SignedOff)
}

// changes tells whether the effect would change anything.
func (f Facts) changes() bool { return f.Sealed != (f.Choice == Out) }
