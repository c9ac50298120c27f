package casework_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/casework"
)

func now() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

// may is an oracle written from the words of issue and DOMAIN section 8, not from the table: who may bring a case
// from a state where, by what, with which outcomes. Everything else is refused.
func may(at casework.State, do casework.Kind, by casework.Actor, outcome casework.Outcome) (casework.State, bool) {
	person := by == casework.Officer || by == casework.Guardian
	undecided := at == casework.Open || at == casework.Explained
	benign := outcome == casework.Justified || outcome == casework.Mistake || outcome == casework.Unexplained
	plain := outcome == casework.NoOutcome
	switch do {
	case casework.Opened:
		return casework.Open, at == "" && by == casework.System && plain
	case casework.Found:
		return at, at != "" && by == casework.System && plain
	case casework.Reopen:
		return casework.Open, at == casework.Closed && by == casework.System && plain
	case casework.Reconcile:
		return casework.Closed, undecided && by == casework.System && outcome == casework.Reconciled
	case casework.Explain:
		return casework.Explained, at == casework.Open && person && plain
	case casework.Uphold:
		return casework.Upheld, plain && (undecided && person || at == casework.Escalated && by == casework.Guardian)
	case casework.Escalate:
		return casework.Escalated, plain && by == casework.Officer && (undecided || at == casework.Upheld)
	case casework.Close:
		wrong := outcome == casework.Misuse || outcome == casework.Mistake
		return casework.Closed, undecided && person && benign || at == casework.Upheld && person && wrong ||
			at == casework.Escalated && by == casework.Guardian && benign
	case casework.Note:
		return at, at != "" && person && plain
	}
	return at, false
}

// TestEveryStep walks the whole product of states, steps, actors and outcomes.
func TestEveryStep(t *testing.T) {
	t.Parallel()
	states := []casework.State{"", casework.Open, casework.Explained, casework.Upheld, casework.Escalated, casework.Closed, "lost"}
	kinds := []casework.Kind{casework.Opened, casework.Found, casework.Reopen, casework.Reconcile, casework.Explain, casework.Uphold, casework.Escalate, casework.Close, casework.Note, "delete"}
	actors := []casework.Actor{casework.System, casework.Officer, casework.Guardian, "", "paramedic"}
	outcomes := []casework.Outcome{casework.NoOutcome, casework.Justified, casework.Mistake, casework.Unexplained, casework.Misuse, casework.Reconciled, "forgotten"}
	made := 0
	for _, at := range states {
		for _, do := range kinds {
			for _, by := range actors {
				for _, outcome := range outcomes {
					step := casework.Step{Do: do, By: by, StaffID: "reviewer", Outcome: outcome, Note: "ten letters at least"}
					want, ok := may(at, do, by, outcome)
					ok = ok && at != "lost"
					next, err := casework.Next(casework.Case{State: at, StaffID: "subject"}, step)
					if ok != (err == nil) || ok && next.State != want {
						t.Errorf("%s in %q by %q as %q: %q, %v; want %q, %v", do, at, by, outcome, next.State, err, want, ok)
					}
					if ok {
						made++
					}
				}
			}
		}
	}
	if made < 40 {
		t.Errorf("only %d steps are made", made)
	}
}

// TestNobodyDecidesAboutThemselves: not even with a note.
func TestNobodyDecidesAboutThemselves(t *testing.T) {
	t.Parallel()
	for _, line := range casework.Life() {
		for _, by := range line.By {
			if by == casework.System {
				continue
			}
			_, err := casework.Next(casework.Case{State: line.From[0], StaffID: "me"}, casework.Step{Do: line.Do, By: by, StaffID: "me", Note: "ten letters at least"})
			if !errors.Is(err, casework.OwnCase) {
				t.Errorf("%s by %s in their own case: %v", line.Do, by, err)
			}
		}
	}
}

// TestNotes: what people decide is explained in words that can be read.
func TestNotes(t *testing.T) {
	t.Parallel()
	for note, ok := range map[string]bool{
		"": false, "   \n  ": false, "too short": false, "ten chars.": true, "  ten chars.  ": true, "zwölf Zeichen": true,
		"a line\nand a tab\there": true, "with a bell \a in it": false, "broken \xff text here": false,
		strings.Repeat("ä", 4000): true, strings.Repeat("ä", 4001): false,
	} {
		_, err := casework.Next(casework.Case{State: casework.Open}, casework.Step{Do: casework.Explain, By: casework.Officer, StaffID: "o", Note: note})
		if (err == nil) != ok {
			t.Errorf("%.20q: %v", note, err)
		}
	}
}

// TestOverdue: a case is overdue while it is open and its time has come; the first look takes that away, and an
// outcome stays as long as the case is closed.
func TestOverdue(t *testing.T) {
	t.Parallel()
	due := now().Add(72 * time.Hour)
	c, err := casework.Next(casework.Case{}, casework.Step{Do: casework.Opened, By: casework.System, Due: due})
	if err != nil {
		t.Fatal(err)
	}
	if c.Overdue(due.Add(-time.Nanosecond)) || !c.Overdue(due) {
		t.Error("a case is overdue from its due time on")
	}
	for name, step := range map[string]casework.Step{
		"explained": {Do: casework.Explain, By: casework.Officer, Note: "ten letters at least"},
		"closed":    {Do: casework.Close, By: casework.Officer, Outcome: casework.Justified, Note: "ten letters at least"},
	} {
		step.StaffID = "officer"
		next, err := casework.Next(c, step)
		if err != nil || next.Overdue(due.Add(time.Hour)) {
			t.Errorf("%s: still overdue, %v", name, err)
		}
	}
	for _, keep := range []casework.Step{{Do: casework.Found, By: casework.System}, {Do: casework.Note, By: casework.Officer, StaffID: "officer", Note: "ten letters at least"}} {
		next, err := casework.Next(c, keep)
		if err != nil || !next.Overdue(due) {
			t.Errorf("%s takes the due time away, %v", keep.Do, err)
		}
	}
}

// TestLivesEnd draws lives of cases: whatever happens, a case is closed exactly when it has an outcome, only an
// open one is due, misuse was upheld, and nobody but the Guardian moves what was escalated.
func TestLivesEnd(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := casework.Case{StaffID: "subject"}
		wasUpheld := false
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			line := rapid.SampledFrom(casework.Life()).Draw(t, "line")
			step := casework.Step{
				Do: line.Do, By: rapid.SampledFrom([]casework.Actor{casework.System, casework.Officer, casework.Guardian}).Draw(t, "by"), StaffID: "reviewer",
				Outcome: rapid.SampledFrom([]casework.Outcome{"", casework.Justified, casework.Misuse, casework.Mistake, casework.Reconciled}).Draw(t, "outcome"),
				Note:    "ten letters at least", Due: now(),
			}
			next, err := casework.Next(c, step)
			if err != nil {
				if next != c {
					t.Fatalf("a refused step changed the case to %+v", next)
				}
				continue
			}
			if c.State == casework.Escalated && next.State != casework.Escalated && step.By != casework.Guardian {
				t.Fatalf("%s by %s moved what was escalated", step.Do, step.By)
			}
			wasUpheld = next.State == casework.Upheld || wasUpheld && next.State != casework.Open
			c = next
			if (c.State == casework.Closed) != (c.Outcome != "") || !c.Due.IsZero() && c.State != casework.Open {
				t.Fatalf("after %s: %+v", step.Do, c)
			}
			if c.Outcome == casework.Misuse && !wasUpheld {
				t.Fatal("misuse that nobody upheld")
			}
		}
	})
}

// TestOnFinding: where a finding goes.
func TestOnFinding(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		at            casework.State
		reopens, once bool
		want          casework.Kind
	}{
		{"", true, true, casework.Opened}, {"", false, false, casework.Opened},
		{casework.Open, true, false, casework.Found}, {casework.Upheld, false, false, casework.Found},
		{casework.Open, true, true, ""}, {casework.Closed, false, true, ""},
		{casework.Closed, true, false, casework.Reopen}, {casework.Closed, true, true, casework.Reopen}, {casework.Closed, false, false, casework.Found},
	} {
		if got, made := casework.OnFinding(c.at, c.reopens, c.once); made != (c.want != "") || made && got != c.want {
			t.Errorf("%+v: %s, %v", c, got, made)
		}
	}
}

// TestSummaryHasNoWordsOfAPerson: of a note the log has the hash alone.
func TestSummaryHasNoWordsOfAPerson(t *testing.T) {
	t.Parallel()
	for _, line := range casework.Life() {
		got := casework.Summary(line.Do, casework.Justified, "own_record", "secret words")
		if strings.Contains(got, "secret") || got == "" {
			t.Errorf("%s: %q", line.Do, got)
		}
	}
}
