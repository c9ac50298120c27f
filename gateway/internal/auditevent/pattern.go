package auditevent

import (
	"strings"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
)

// Actions of sign-ins, which FHIR has a type of their own for.
const (
	actionBegin   = "session.begin"
	actionRefused = "authentication.refused"
	// actionList is the one list whose action does not end in that word.
	actionList = "audit.view"
)

// pattern is what kind of thing was done, in FHIR's words.
type pattern struct {
	// interaction of FHIR REST; empty for a sign-in.
	interaction string
	// action is C, R, U, D or E.
	action string
	// profile of BALP for a success, without and with "Patient" before it; empty where none fits.
	profile string
	// received: the client is where the data went (BALP's Read); else it is where they came from.
	received bool
	// part that the user had: information recipient, or author.
	part coding
}

func recipient() coding { return coding{systemPart, "IRCP", "information recipient"} }
func author() coding    { return coding{systemPart, "AUT", "author (originator)"} }

// patternOf goes by the last word of an action, which says what is done (docs/audit.md); of a word that is not
// known, by whether something was released or changed.
func patternOf(e *auditv1.Event) pattern {
	action := e.GetAction()
	switch {
	case action == actionList:
		return search()
	case e.GetChange() != nil && isQuestion(action):
		return pattern{interaction: "operation", action: "E", part: author()} // a change that is called like a look
	}
	switch action[strings.LastIndexByte(action, '.')+1:] {
	case "view", "explain", "read":
		return read()
	case "list", "search", "match", "form":
		return search()
	case "create", "register", "declare", "add":
		return pattern{interaction: "create", action: "C", profile: "Create", part: author()}
	case "update", "end", "withdraw", "activate":
		return update()
	case "submit", "feed":
		return pattern{interaction: "transaction", action: "E", part: author()}
	}
	switch {
	case action == actionBegin || action == actionRefused:
		return pattern{action: "E", part: author()}
	case e.GetOutcome() == auditv1.Outcome_OUTCOME_RELEASED:
		return read()
	default:
		return pattern{interaction: "operation", action: "E", part: author()}
	}
}

// isQuestion tells whether an action is called like a read or a search: opt_out.match finds nobody, it says who.
func isQuestion(action string) bool {
	for _, word := range []string{".view", ".explain", ".read", ".list", ".search", ".match", ".form"} {
		if strings.HasSuffix(action, word) {
			return true
		}
	}
	return false
}

func read() pattern {
	return pattern{interaction: "read", action: "R", profile: "Read", received: true, part: recipient()}
}

func search() pattern {
	return pattern{interaction: "search", action: "E", profile: "Query", part: recipient()}
}

func update() pattern {
	return pattern{interaction: "update", action: "U", profile: "Update", part: author()}
}

// signIn tells whether the event is of FHIR's type for sign-ins.
func signIn(e *auditv1.Event) bool {
	return e.GetAction() == actionBegin || e.GetAction() == actionRefused
}

func typeOf(e *auditv1.Event) coding {
	if signIn(e) {
		return coding{systemDICOM, "110114", "User Authentication"}
	}
	return coding{systemEventType, "rest", "Restful Operation"}
}

// subtypes are FHIR's word for what was done, DICOM's where it has one, and ours.
func (p pattern) subtypes(e *auditv1.Event) []coding {
	var all []coding
	if p.interaction != "" {
		all = append(all, coding{systemRestful, p.interaction, p.interaction})
	}
	switch {
	case signIn(e):
		all = append(all, coding{systemDICOM, "110122", "Login"})
	case strings.HasPrefix(e.GetAction(), "audit."):
		all = append(all, coding{systemDICOM, "110101", "Audit Log Used"})
	}
	return append(all, coding{System: SystemAction, Code: e.GetAction()})
}

// profiles that the event keeps: of a success that came from somewhere over the network.
func (p pattern) profiles(e *auditv1.Event) *meta {
	if p.profile == "" || outcomeOf(e) != outcomeSuccess || e.GetOrigin().GetClientAddress() == "" {
		return nil
	}
	if e.GetNhsNumber() != "" {
		return &meta{[]string{profilePrefix + "Patient" + p.profile}}
	}
	return &meta{[]string{profilePrefix + p.profile}}
}

// Profiles are those of BALP that resources name.
func Profiles() []string {
	var all []string
	for _, name := range []string{"Create", "Query", "Read", "Update"} {
		all = append(all, profilePrefix+name, profilePrefix+"Patient"+name)
	}
	return all
}

// The outcomes of FHIR. A refusal is a minor failure: the system did what it should.
const (
	outcomeSuccess = "0"
	outcomeRefused = "4"
	outcomeFailed  = "8"
)

func outcomeOf(e *auditv1.Event) string {
	switch e.GetOutcome() {
	case auditv1.Outcome_OUTCOME_RELEASED, auditv1.Outcome_OUTCOME_CHANGED:
		return outcomeSuccess
	case auditv1.Outcome_OUTCOME_REFUSED:
		return outcomeRefused
	default:
		return outcomeFailed
	}
}
