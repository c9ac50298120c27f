package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/request"
)

// Markdown is the policy for docs/opt-out.md, made from what is in force so that the document cannot say
// something else.
func (p *Policy) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Policy %s.\n\n", p.version)
	p.writeEvidence(&b)
	p.writeItems(&b)
	p.writeRefusals(&b)
	p.writeLimits(&b)
	return b.String()
}

func (p *Policy) writeEvidence(b *strings.Builder) {
	b.WriteString("| Who asks, or how | What has to be shown |\n|---|---|\n")
	for _, c := range request.Channels() {
		needs := list(p.channels[c].evidence)
		if c == request.Online {
			needs = "the code that is sent to contact details already held, or evidence that a privacy officer checks"
		}
		fmt.Fprintf(b, "| by %s (%s) | %s |\n", c, p.channels[c].code, needs)
	}
	for _, name := range slices.Sorted(maps.Keys(p.requesters)) {
		r := p.requesters[name]
		switch {
		case !r.mayAsk:
			fmt.Fprintf(b, "| %s | may not ask. %s |\n", name, r.why)
		case name == string(request.Self):
			fmt.Fprintf(b, "| %s, from the age of %d | nothing more |\n", name, p.child.AskedFrom)
		case r.childrenOnly:
			fmt.Fprintf(b, "| %s, for a child below %d | besides: %s |\n", name, p.child.Below, list(r.evidence))
		case r.adultsOnly:
			fmt.Fprintf(b, "| %s, for an adult | besides: %s |\n", name, list(r.evidence))
		default:
			fmt.Fprintf(b, "| %s | besides: %s |\n", name, list(r.evidence))
		}
	}
	fmt.Fprintf(b, "\n`child_asked` is needed for a child from the age of %d.\n", p.child.AskedFrom)
}

func list(needs []requirement) string {
	var all []string
	for _, n := range needs {
		all = append(all, "`"+strings.Join(n.oneOf, "` or `")+"`")
	}
	if len(all) == 0 {
		return "nothing"
	}
	return strings.Join(all, ", ")
}

func (p *Policy) writeItems(b *strings.Builder) {
	b.WriteString("\n| Evidence | Is | Recorded with |\n|---|---|---|\n")
	for _, name := range p.Items() {
		i := p.items[name]
		var carries []string
		for _, c := range i.Carries {
			carries = append(carries, string(c))
		}
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", name, i.Title, strings.Join(carries, ", "))
	}
}

func (p *Policy) writeRefusals(b *strings.Builder) {
	b.WriteString("\n| Reason of a refusal | Means | Given by |\n|---|---|---|\n")
	for _, name := range slices.Sorted(maps.Keys(p.refusals)) {
		var by []string
		for _, a := range p.refusals[name].by {
			by = append(by, string(a))
		}
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", name, p.refusals[name].title, strings.Join(by, ", "))
	}
}

func (p *Policy) writeLimits(b *strings.Builder) {
	l := p.limits
	b.WriteString("\n| Limit | |\n|---|---|\n")
	for _, row := range []struct {
		what  string
		value string
	}{
		{"effect confirmed by the end of day, counted from the day of receipt", fmt.Sprint(l.EffectDays)},
		{"near due, in days before that", fmt.Sprint(l.NearDays)},
		{"an online request that nobody confirmed is closed after days", fmt.Sprint(l.UnconfirmedDays)},
		{"a code by letter, email, text is valid for hours", fmt.Sprintf("%.0f, %.0f, %.0f", l.CodeByLetter.Hours(), l.CodeByEmail.Hours(), l.CodeByText.Hours())},
		{"wrong codes until it is void; codes for one request", fmt.Sprintf("%d; %d", l.CodeAttempts, l.CodesSent)},
		{"questions and codes for one reference in an hour", fmt.Sprint(l.PerReferenceHourly)},
		{"size of a document in bytes; documents with one request", fmt.Sprintf("%d; %d", p.documents.MaxBytes, p.documents.PerRequest)},
		{"types of documents", strings.Join(p.documents.Types, ", ")},
		{"days begin and end in", p.zone.String()},
	} {
		fmt.Fprintf(b, "| %s | %s |\n", row.what, row.value)
	}
}
