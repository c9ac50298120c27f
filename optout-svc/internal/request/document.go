package request

import (
	"fmt"
	"slices"
	"strings"
)

// Markdown is the life of a request for docs/design/opt-out.md: states, diagram, transitions, guards. It is
// made from the same data that Next follows, so that the document cannot say something else.
func Markdown() string {
	var b strings.Builder
	b.WriteString("### States\n| State | Meaning |\n|---|---|\n")
	for _, s := range States() {
		fmt.Fprintf(&b, "| %s | %s |\n", s, s.meaning())
	}
	b.WriteString("\n### Diagram\n```mermaid\n")
	b.WriteString(Mermaid())
	b.WriteString("```\n\n### Transitions\nWhat is not listed cannot happen.\n\n")
	b.WriteString("| From | Event | By | If | To | Effect | |\n|---|---|---|---|---|---|---|\n")
	for _, t := range Table() {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s |\n", join(t.From), t.Event, join(t.Who), join(names(t.Guards)), t.To, t.effects(), t.Why)
	}
	b.WriteString("\n### Guards\n| Guard | Holds when | Else |\n|---|---|---|\n")
	for _, g := range guards() {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", g.Name, g.Meaning, join(g.Reasons))
	}
	b.WriteString("\n### What a request can wait for\n| Need | Until |\n|---|---|\n")
	for _, n := range Needs() {
		fmt.Fprintf(&b, "| %s | %s |\n", n, n.meaning())
	}
	return b.String()
}

// Mermaid is the diagram: one arrow per pair of states, with the events that lead along it.
func Mermaid() string {
	type arrow struct{ from, to State }
	var arrows []arrow
	events := map[arrow][]string{}
	for _, t := range Table() {
		for _, from := range t.From {
			a := arrow{from, t.To}
			if from == t.To {
				continue // steps that leave the state as it is are in the table
			}
			if events[a] == nil {
				arrows = append(arrows, a)
			}
			if !slices.Contains(events[a], string(t.Event)) {
				events[a] = append(events[a], string(t.Event))
			}
		}
	}
	var b strings.Builder
	b.WriteString("stateDiagram-v2\n")
	for _, a := range arrows {
		from := string(a.from)
		if a.from == None {
			from = "[*]"
		}
		fmt.Fprintf(&b, "  %s --> %s: %s\n", from, a.to, strings.Join(events[a], ", "))
	}
	for _, s := range States() {
		if s.Final() {
			fmt.Fprintf(&b, "  %s --> [*]\n", s)
		}
	}
	return b.String()
}

// Needs are all that a request can wait for.
func Needs() []Need {
	return []Need{NeedMatch, NeedConfirmation, NeedEvidence, NeedSafeguarding, NeedSignOff}
}

func (s State) meaning() string {
	switch s {
	case Received:
		return "kept, with a reference; not compared with anybody yet"
	case NeedsMatching:
		return "nobody, several people or contradictory particulars were found; waits for a privacy officer, or for the person to become known"
	case NeedsEvidence:
		return "it is known whose it is; waits for what is listed under \"What a request can wait for\""
	case Ready:
		return "nothing is outstanding but the effect"
	case Effective:
		return "it made a numbered choice of the person; it stays so when the person chooses anew"
	case Refused:
		return "it will not take effect; the reason is kept. Final"
	case Withdrawn:
		return "the requester took it back before it took effect. Final"
	case Reversed:
		return "it had taken effect on the wrong person, and what was before is restored. Final"
	case None:
	}
	return "no request yet"
}

func (n Need) meaning() string {
	switch n {
	case NeedMatch:
		return "a sure match, or a privacy officer's"
	case NeedConfirmation:
		return "the code that was sent to contact details held for the person comes back, or a privacy officer has checked evidence instead"
	case NeedEvidence:
		return "a privacy officer has checked the evidence that the policy lists for channel and requester, and what was asked for has come"
	case NeedSafeguarding:
		return "the safeguarding lead has decided: somebody else asks about a child with safeguarding entries"
	case NeedSignOff:
		return "a privacy officer has confirmed the candidate of an older register"
	}
	return ""
}

// effects are those that the transition can have.
func (t Transition) effects() string {
	if t.Event == MakeEffective {
		return string(effect(t.Event, Out)) + " / in"
	}
	return string(effect(t.Event, Out))
}

// guards are all guards of the table, each once, in the order of first use.
func guards() []Guard {
	var all []Guard
	for _, t := range Table() {
		for _, g := range t.Guards {
			if !slices.ContainsFunc(all, func(known Guard) bool { return known.Name == g.Name }) {
				all = append(all, g)
			}
		}
	}
	return all
}

func names(guards []Guard) []string {
	var all []string
	for _, g := range guards {
		all = append(all, g.Name)
	}
	return all
}

func join[T ~string](words []T) string {
	var all []string
	for _, w := range words {
		if w == "" {
			w = "–"
		}
		all = append(all, string(w))
	}
	if len(all) == 0 {
		return "–"
	}
	return strings.Join(all, ", ")
}
