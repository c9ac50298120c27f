package accesshistory

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/types/known/timestamppb"

	accessv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/access/v1"
	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
)

// tell says one look in words.
func (w *Words) tell(l *look, asked Asked) *gatewayv1.AccessLook {
	told := &gatewayv1.AccessLook{
		Kind:         l.kind,
		Time:         w.clock(l, asked),
		FirstAt:      timestamppb.New(l.first),
		LastAt:       timestamppb.New(l.last),
		Who:          w.who(l.one(), asked),
		Role:         w.role(l.one(), asked),
		Organisation: w.organisation(l.one(), asked),
		What:         w.what(l),
		Parts:        w.parts(l),
	}
	// What a refused caller would have wanted is not known: that it was to look after the person is the purpose
	// of their role, and would be read as a fact.
	if l.kind == gatewayv1.AccessLookKind_ACCESS_LOOK_KIND_REFUSED {
		told.Refused = w.refused(l.one())
	} else {
		told.Why = w.why(l.one())
	}
	for _, e := range l.events {
		told.EventIds = append(told.EventIds, e.GetId())
	}
	return told
}

func (w *Words) clock(l *look, asked Asked) string {
	first, last := l.first.In(asked.Zone).Format(timeForm), l.last.In(asked.Zone).Format(timeForm)
	if first == last {
		return w.say("at", first)
	}
	return w.say("between", first, last)
}

// who is a name, unless it is withheld. Of systems and services no account is named.
func (w *Words) who(e *auditv1.Event, asked Asked) string {
	a := e.GetActor()
	switch a.GetKind() {
	case auditv1.ActorKind_ACTOR_KIND_STAFF:
		switch {
		case slices.Contains(asked.Withhold, a.GetStaffId()):
			return w.Phrases["staff_withheld"]
		case a.GetDisplay() == "":
			return w.Phrases["staff_unknown"]
		}
		return a.GetDisplay()
	case auditv1.ActorKind_ACTOR_KIND_SYSTEM:
		return w.Phrases["system"]
	case auditv1.ActorKind_ACTOR_KIND_SERVICE:
		return w.Phrases["service"]
	case auditv1.ActorKind_ACTOR_KIND_PUBLIC:
		return w.Phrases["public"]
	default:
		return w.Phrases["nobody"]
	}
}

func (w *Words) role(e *auditv1.Event, asked Asked) string {
	a := e.GetActor()
	if a.GetKind() != auditv1.ActorKind_ACTOR_KIND_STAFF {
		return ""
	}
	profession := a.GetProfession()
	if profession == "" && asked.Profession != nil {
		profession = asked.Profession(a.GetRoleCode())
	}
	if text := w.Roles[profession]; text != "" {
		return text
	}
	return w.Phrases["role_unknown"]
}

func (w *Words) organisation(e *auditv1.Event, asked Asked) string {
	a := e.GetActor()
	switch {
	case a.GetOrganisationName() != "":
		return a.GetOrganisationName()
	case a.GetOdsCode() == "":
		return ""
	case asked.Organisations[a.GetOdsCode()] != "":
		return asked.Organisations[a.GetOdsCode()]
	default:
		return w.say("organisation_unknown", a.GetOdsCode())
	}
}

// what was done, each once with how often, in the order in which it began.
func (w *Words) what(l *look) []string {
	var order []string
	times := map[string]int{}
	for _, e := range l.events {
		a := w.action(e.GetAction())
		text := a.Did
		if l.kind == gatewayv1.AccessLookKind_ACCESS_LOOK_KIND_REFUSED {
			text = w.say("tried", a.Try)
		}
		if times[text] == 0 {
			order = append(order, text)
		}
		times[text]++
	}
	for i, text := range order {
		if n := times[text]; n > 1 {
			order[i] = fmt.Sprintf("%s (%s)", text, w.say("times", strconv.Itoa(n)))
		}
	}
	return order
}

// parts that were shown or sent, in the order of the contract. Of one that was shown both in full and in short,
// in full. Sections without words are not told.
func (w *Words) parts(l *look) []string {
	most := map[accessv1.Section]accessv1.Level{}
	for _, e := range l.events {
		for _, s := range e.GetDisclosure().GetSections() {
			most[s.GetSection()] = max(most[s.GetSection()], s.GetLevel())
		}
		for _, s := range e.GetChange().GetSections() {
			most[s] = accessv1.Level_LEVEL_FULL
		}
		if isMatch(e) && l.kind == gatewayv1.AccessLookKind_ACCESS_LOOK_KIND_SEEN {
			identity := accessv1.Section_SECTION_DEMOGRAPHICS
			most[identity] = max(most[identity], accessv1.Level_LEVEL_SUMMARY)
		}
	}
	var all []string
	for n := int32(1); accessv1.Section_name[n] != ""; n++ {
		section := accessv1.Section(n)
		text := w.Sections[strings.ToLower(strings.TrimPrefix(section.String(), "SECTION_"))]
		switch level := most[section]; {
		case level <= accessv1.Level_LEVEL_NONE || text == "":
		case level == accessv1.Level_LEVEL_FULL:
			all = append(all, text)
		case section == accessv1.Section_SECTION_DEMOGRAPHICS:
			all = append(all, w.Identity)
		default:
			all = append(all, fill(w.Summary, text))
		}
	}
	return all
}

// why it was done: the relationship with the person says more than the purpose.
func (w *Words) why(e *auditv1.Event) string {
	b := e.GetBasis()
	text := w.Relationships[b.GetRelationshipKind()]
	if text == "" {
		text = w.Purposes[b.GetPurpose()]
	}
	if reason := w.ReasonCodes[b.GetReasonCode()]; reason != "" {
		text = strings.TrimSpace(text + " " + w.say("reason", reason))
	}
	return text
}

func (w *Words) refused(e *auditv1.Event) string {
	if text := w.Refusals[e.GetReason()]; text != "" {
		return text
	}
	if e.GetOutcome() == auditv1.Outcome_OUTCOME_FAILED {
		return w.Refusals["failed"]
	}
	return w.Refusals[other]
}
