package request

// Transition is one kind of step: from any of these states, at this event, by any of these actors, if every
// guard holds, to that state.
type Transition struct {
	From   []State
	Event  Event
	Who    []Actor
	Guards []Guard
	To     State
	// Why in documents; empty where the row speaks for itself.
	Why string
}

// table is data that is never changed: made once, since Next is asked at every step of every request.
var table = build()

// Table is the whole life of a request: what is not in it cannot happen. At most one row fits any facts,
// event and actor (a test tries them all). It must not be changed.
func Table() []Transition { return table }

func build() []Transition {
	var all []Transition
	for _, part := range [][]Transition{coming(), matching(), proving(), deciding(), ending()} {
		all = append(all, part...)
	}
	return all
}

func coming() []Transition {
	return []Transition{
		{[]State{None}, Submit, []Actor{Person}, []Guard{online()}, Received, "the public form works without an account"},
		{[]State{None}, Submit, []Actor{Staff}, []Guard{taken()}, Received, "marked with the member of staff; starting is all that staff may do"},
		{[]State{None}, Submit, []Actor{Officer}, []Guard{takenOrCandidate()}, Received, ""},
		{[]State{None}, Renew, []Actor{Officer}, []Guard{unmatched()}, Received, "what a reversed request asked goes on for the right person, however it once came; a privacy officer matches it"},
	}
}

func matching() []Transition {
	waiting, known := []State{Received, NeedsMatching}, []State{NeedsEvidence, Ready}
	both := []Actor{System, Officer}
	return []Transition{
		{waiting, Match, both, []Guard{matched(), incomplete()}, NeedsEvidence, "the system when the match is sure, then or when a new person becomes known"},
		{waiting, Match, both, []Guard{matched(), complete()}, Ready, ""},
		{waiting, NoMatch, []Actor{System}, []Guard{unmatched()}, NeedsMatching, "none, several, or contradictory: nothing takes effect, nothing is lost"},
		{known, Match, []Actor{Officer}, []Guard{matched(), incomplete()}, NeedsEvidence, "a wrong match is corrected; what was confirmed, checked or decided for the other person is void"},
		{known, Match, []Actor{Officer}, []Guard{matched(), complete()}, Ready, ""},
		{known, NoMatch, []Actor{Officer}, []Guard{unmatched()}, NeedsMatching, "a wrong match is undone"},
	}
}

func proving() []Transition {
	known := []State{NeedsEvidence, Ready}
	officer := []Actor{Officer}
	return []Transition{
		{[]State{NeedsMatching}, RequestEvidence, officer, []Guard{unmatched()}, NeedsMatching, "asking for particulars that tell who it is"},
		{known, RequestEvidence, officer, []Guard{matched(), incomplete()}, NeedsEvidence, "what is asked for is outstanding until it is recorded"},
		{[]State{Received}, RecordEvidence, officer, []Guard{unmatched()}, Received, ""},
		{[]State{NeedsMatching}, RecordEvidence, officer, []Guard{unmatched()}, NeedsMatching, ""},
		{known, RecordEvidence, officer, []Guard{matched(), incomplete()}, NeedsEvidence, ""},
		{known, RecordEvidence, officer, []Guard{matched(), complete()}, Ready, ""},
		{known, Confirm, []Actor{Person}, []Guard{online(), matched(), confirmed(), incomplete()}, NeedsEvidence, "somebody else's request needs its evidence all the same"},
		{known, Confirm, []Actor{Person}, []Guard{online(), matched(), confirmed(), complete()}, Ready, ""},
	}
}

func deciding() []Transition {
	waiting := []State{NeedsEvidence}
	return []Transition{
		{waiting, AllowSafeguarding, []Actor{Lead}, []Guard{matched(), protectedChild(), allowed(), incomplete()}, NeedsEvidence, ""},
		{waiting, AllowSafeguarding, []Actor{Lead}, []Guard{matched(), protectedChild(), allowed(), complete()}, Ready, ""},
		{waiting, DeclineSafeguarding, []Actor{Lead}, []Guard{matched(), protectedChild()}, Refused, "hiding a child's record can harm the child"},
		{waiting, SignOff, []Actor{Officer}, []Guard{matched(), candidate(), signedOff(), incomplete()}, NeedsEvidence, ""},
		{waiting, SignOff, []Actor{Officer}, []Guard{matched(), candidate(), signedOff(), complete()}, Ready, "one by one, or as a batch"},
		{[]State{Ready}, Reconsider, []Actor{System}, []Guard{matched(), incomplete()}, NeedsEvidence, "for example a safeguarding entry that has come since"},
		{[]State{Ready}, MakeEffective, []Actor{Officer}, []Guard{complete(), changes()}, Effective, ""},
		{[]State{Ready}, MakeEffective, []Actor{System}, []Guard{complete(), settled(), changes()}, Effective, "nobody is left to ask"},
	}
}

func ending() []Transition {
	pending := []State{Received, NeedsMatching, NeedsEvidence, Ready}
	return []Transition{
		{[]State{Ready}, Duplicate, []Actor{System, Officer}, []Guard{complete(), duplicate()}, Refused, "only once it is proved who asks: before, a duplicate looks like any other request"},
		{pending, Refuse, []Actor{Officer}, nil, Refused, "with a reason, and a letter"},
		{[]State{NeedsEvidence}, Expire, []Actor{System}, []Guard{matched(), expired()}, Refused, "an unmatched one goes on waiting: its person may still become known"},
		{pending, Withdraw, []Actor{Officer}, nil, Withdrawn, "at the requester's word, before effect; afterwards opting back in is a request of its own"},
		{[]State{Effective}, Reverse, []Actor{Officer}, []Guard{inForce()}, Reversed, "the wrong person: what was in force before is restored as their next choice"},
	}
}
