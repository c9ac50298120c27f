package register

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
)

// Outcome is what became of a row.
type Outcome string

// The outcomes.
const (
	// Taken as a candidate; in a dry run: would be.
	Taken Outcome = "taken"
	// Repeated: the gateway had taken it before.
	Repeated Outcome = "repeated"
	// Before: the journal says that it was taken before, and it was not sent.
	Before Outcome = "before"
	// Faulty: not taken, for its reason.
	Faulty Outcome = "faulty"
	// Differs: a row with that id was taken before with other contents, which stay.
	Differs Outcome = "differs"
)

// Bad tells whether somebody must look at the row.
func (o Outcome) Bad() bool { return o == Faulty || o == Differs }

// outcomeOf reads the contract's; empty when it is none that is known.
func outcomeOf(o optoutv1.RowOutcome) Outcome {
	switch o {
	case optoutv1.RowOutcome_ROW_OUTCOME_TAKEN:
		return Taken
	case optoutv1.RowOutcome_ROW_OUTCOME_REPEATED:
		return Repeated
	case optoutv1.RowOutcome_ROW_OUTCOME_FAULTY:
		return Faulty
	case optoutv1.RowOutcome_ROW_OUTCOME_DIFFERS:
		return Differs
	case optoutv1.RowOutcome_ROW_OUTCOME_UNSPECIFIED:
	}
	return ""
}

// Entry reports on one row.
type Entry struct {
	Line                int
	RowID               string
	Outcome             Outcome
	Reason, Field       string
	OptOutID, Reference string
}

// Report is what became of all rows, in the order of the file.
type Report struct{ Entries []Entry }

func (r *Report) add(row Row, o Outcome, result *optoutv1.RowResult) {
	r.Entries = append(r.Entries, Entry{
		Line: row.Line, RowID: row.Sent.GetRowId(), Outcome: o, Reason: result.GetReason(), Field: result.GetField(),
		OptOutID: result.GetOptOutId(), Reference: result.GetReference(),
	})
}

func (r *Report) sorted() *Report {
	slices.SortStableFunc(r.Entries, func(a, b Entry) int { return cmp.Compare(a.Line, b.Line) })
	return r
}

// Count is how many rows came to that outcome.
func (r *Report) Count(o Outcome) int {
	n := 0
	for _, e := range r.Entries {
		if e.Outcome == o {
			n++
		}
	}
	return n
}

// Bad is how many rows somebody must look at.
func (r *Report) Bad() int { return r.Count(Faulty) + r.Count(Differs) }

// Print writes a summary: counts, and by reason the lines of rows that were not taken. It names nobody: a row's id
// can be an NHS number, a line cannot.
func (r *Report) Print(w io.Writer, dryRun bool) {
	would := ""
	if dryRun {
		would = "would be "
	}
	fmt.Fprintf(w, "%d rows %staken as candidates, %d taken before, %d faulty, %d differ from what was taken before\n",
		r.Count(Taken), would, r.Count(Repeated)+r.Count(Before), r.Count(Faulty), r.Count(Differs))
	lines := map[string][]int{}
	for _, e := range r.Entries {
		if e.Outcome.Bad() {
			why := strings.TrimSpace(string(e.Outcome) + " " + e.Reason + " " + e.Field)
			lines[why] = append(lines[why], e.Line)
		}
	}
	for _, why := range slices.Sorted(maps.Keys(lines)) {
		fmt.Fprintf(w, "%s: %d rows, lines %s\n", why, len(lines[why]), some(lines[why]))
	}
}

// some lists the first of many.
func some(lines []int) string {
	const most = 20
	var all []string
	for _, n := range lines[:min(most, len(lines))] {
		all = append(all, strconv.Itoa(n))
	}
	if len(lines) > most {
		all = append(all, "…")
	}
	return strings.Join(all, ", ")
}

// WriteCSV writes the report on every row. It holds row ids and references: it is to be kept like the register.
func (r *Report) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	rows := [][]string{{"line", "row_id", "outcome", "reason", "field", "opt_out_id", "reference"}}
	for _, e := range r.Entries {
		rows = append(rows, []string{strconv.Itoa(e.Line), escape(e.RowID), string(e.Outcome), e.Reason, e.Field, e.OptOutID, e.Reference})
	}
	if err := out.WriteAll(rows); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}
