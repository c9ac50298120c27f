package app

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/casework"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/watch"
)

// CaseLife is the command that prints docs/case-life.md: the rules that are built in, and the life of a case.
type CaseLife struct{}

// Run prints.
func (*CaseLife) Run() error {
	rules, err := watch.Default()
	if err != nil {
		return err
	}
	return writeCaseLife(os.Stdout, rules)
}

func writeCaseLife(to io.Writer, rules *watch.Rules) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# Cases: what is looked for, and what becomes of it\n\n"+
		"Made by `audit-svc case-life` from the rules of watching, version %s, and the table of a case's life. Do not edit.\n"+
		"What a privacy officer does with it: [audit.md](audit.md).\n\n## Rules\n\n", rules.Version())
	b.WriteString("| Rule | Finds | When | Measured | One case per | Review within | After closing | Closed by a feed |\n|---|---|---|---|---|---|---|---|\n")
	for _, r := range rules.List() {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s | %s |\n", r.ID, r.Says, r.When(), dash(r.Measure()), caseOf(r), within(r.ReviewWithin), afterClosing(r), dash(r.ReconciledBy()))
	}
	b.WriteString("\n## Steps\n\n| Step | From | To | By | Must be said | Means |\n|---|---|---|---|---|---|\n")
	for _, t := range casework.Life() {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", t.Do, dash(joined(t.From)), dash(string(t.To)), joined(t.By), dash(said(t)), t.Means)
	}
	b.WriteString("\n```mermaid\nstateDiagram-v2\n")
	for _, t := range casework.Life() {
		if t.To == "" {
			continue
		}
		from := joined(t.From)
		if from == "" {
			from = "[*]"
		}
		for _, f := range strings.Split(from, ", ") {
			fmt.Fprintf(&b, "  %s --> %s: %s (%s)\n", f, t.To, t.Do, joined(t.By))
		}
	}
	b.WriteString("```\n")
	_, err := io.WriteString(to, b.String())
	return err
}

func caseOf(r *watch.Rule) string {
	about := "member and person"
	if r.AboutStaff {
		about = "member"
	}
	if r.PerRelationship {
		return about + ", relationship"
	}
	return about + ", day"
}

func within(d time.Duration) string {
	if d == 0 {
		return "–"
	}
	return fmt.Sprintf("%g hours", d.Hours())
}

func afterClosing(r *watch.Rule) string {
	switch {
	case r.Reopens:
		return "a finding opens it again"
	case r.Once:
		return "nothing is added"
	default:
		return "a finding is added"
	}
}

func said(t casework.Transition) string {
	var parts []string
	if len(t.Outcomes) > 0 {
		parts = append(parts, "outcome: "+strings.ReplaceAll(joined(t.Outcomes), ", ", " or "))
	}
	if t.Note {
		parts = append(parts, "note")
	}
	return strings.Join(parts, "; ")
}

func joined[W ~string](words []W) string {
	var all []string
	for _, w := range words {
		all = append(all, string(w))
	}
	return strings.Join(all, ", ")
}

func dash(text string) string {
	if text == "" {
		return "–"
	}
	return text
}
