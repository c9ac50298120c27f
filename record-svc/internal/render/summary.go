package render

import "github.com/dorsetcarerecord/dcr/record-svc/internal/section"

// lastEncounters is how many encounters a summary of the history has.
const lastEncounters = 3

// summarise keeps what the summary form shows: of allergies, medication, plans
// and flags the active ones; of the history active problems and the last three
// encounters; of results, social care and demographics all, with fewer fields.
func summarise(name section.Name, groups [][]Item) [][]Item {
	encounters := 0
	var kept [][]Item
	for _, one := range groups {
		head := one[0]
		keep := head.Active
		switch {
		case name == section.Results || name == section.SocialCare || name == section.Demographics:
			keep = true
		case name == section.History && head.Type == "Encounter":
			encounters++
			keep = encounters <= lastEncounters
		case name == section.History && head.Type != "Condition":
			keep = false
		}
		if keep {
			kept = append(kept, one)
		}
	}
	return kept
}

// anyFlag is what the summary calls a safeguarding entry: that there is one, and
// nothing of what it says.
const anyFlag = "Safeguarding flag"

// shorten leaves of an entry what the summary form shows: code, display, status,
// dates and sources. An allergy keeps its criticality, since it is what makes the
// others look it up; social care and safeguarding keep whom to call.
func shorten(name section.Name, e Entry) Entry {
	e.Value, e.Author, e.Reactions = "", "", nil
	if name != section.Allergies {
		e.Criticality, e.Verification = "", ""
	}
	if name != section.SocialCare && name != section.Safeguarding {
		e.Contact = ""
	}
	if name == section.Safeguarding {
		e.Code, e.Display = nil, anyFlag
	}
	return e
}

// state is what the section says of itself. Entries win over an assertion that
// there is none, which is shown beside them.
func state(all, kept int, assertions []Assertion) (State, string) {
	switch {
	case kept > 0 && len(assertions) > 0:
		return StateEntries, "An organisation has also stated that none are known: see assertions."
	case kept > 0:
		return StateEntries, ""
	case all > 0:
		return StateEntries, "Nothing of what was received is current. The summary leaves out the rest."
	case len(assertions) > 0:
		return StateNoneKnown, "Stated by " + assertions[0].By + ": " + assertions[0].Display + "."
	}
	return StateNothingReceived, "Nothing was received. This does not mean that there is nothing."
}
