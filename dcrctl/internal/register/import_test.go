package register_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/dorsetcarerecord/dcr/dcrctl/internal/api"
	"github.com/dorsetcarerecord/dcr/dcrctl/internal/journal"
	"github.com/dorsetcarerecord/dcr/dcrctl/internal/register"
)

// config is an import of text whose journal lies in state; empty is a dry run.
func config(t *testing.T, g *gateway, text, state string) register.Config {
	t.Helper()
	rows := read(t, text)
	cfg := register.Config{Caller: g.caller(t), Register: "old", Rows: rows, DryRun: state == "", Batch: 3, Meter: register.NewMeter(len(rows), time.Now)}
	if state != "" {
		j, err := journal.Open(state, "register.csv", g.server.URL, false)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { j.Close() })
		cfg.Journal = j
	}
	return cfg
}

// counts of a report, by outcome: taken, repeated, before, faulty, differs.
func counts(r *register.Report) [5]int {
	return [5]int{r.Count(register.Taken), r.Count(register.Repeated), r.Count(register.Before), r.Count(register.Faulty), r.Count(register.Differs)}
}

func mustImport(t *testing.T, cfg register.Config) *register.Report {
	t.Helper()
	report, err := register.Import(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

const mixed = header +
	"a,,Anning,,1980-05-21,,out,post,x,self,\n" +
	"b,,Faulty,,1980-05-21,,out,post,x,self,\n" +
	"c,,Canning,,1980-05-21,,out,fax,x,self,\n" +
	"d,,Dunning,,1980-05-21,,out,post,x,self,\n" +
	"e,,Elling,,1980-05-21,,out,post,x,self,\n"

// TestDryRunWritesNothing: it reports on every row as the import would, and neither gateway nor journal has any.
func TestDryRunWritesNothing(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	report := mustImport(t, config(t, g, mixed, ""))
	want := `line,row_id,outcome,reason,field,opt_out_id,reference
2,a,taken,,,,
3,b,faulty,INVALID_NHS_NUMBER,person.nhs_number,,
4,c,faulty,UNKNOWN_WORD,channel,,
5,d,taken,,,,
6,e,taken,,,,
`
	var text bytes.Buffer
	if err := report.WriteCSV(&text); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, text.String()); diff != "" || g.kept() != "" {
		t.Errorf("kept %q\n%s", g.kept(), diff)
	}
	text.Reset()
	report.Print(&text, true)
	if want := `3 rows would be taken as candidates, 0 taken before, 2 faulty, 0 differ from what was taken before
faulty INVALID_NHS_NUMBER person.nhs_number: 1 rows, lines 3
faulty UNKNOWN_WORD channel: 1 rows, lines 4
`; text.String() != want {
		t.Errorf("printed\n%s", text.String())
	}
}

func TestImportTakesEachRowOnce(t *testing.T) {
	t.Parallel()
	g, state := newGateway(t), t.TempDir()
	if got := counts(mustImport(t, config(t, g, mixed, state))); got != [5]int{3, 0, 0, 2, 0} || g.kept() != "a d e" {
		t.Errorf("%v, kept %s", got, g.kept())
	}
	calls := g.calls
	if got := counts(mustImport(t, config(t, g, mixed, state))); got != [5]int{0, 0, 3, 2, 0} {
		t.Errorf("again: %v", got)
	}
	if g.calls != calls+1 { // the faulty row alone
		t.Errorf("%d calls for what was taken", g.calls-calls)
	}
	if got := counts(mustImport(t, config(t, g, mixed, t.TempDir()))); got != [5]int{0, 3, 0, 2, 0} || g.kept() != "a d e" {
		t.Errorf("without its journal: %v, kept %s", got, g.kept())
	}
	changed := strings.Replace(mixed, "Dunning", "Other", 1)
	if got := counts(mustImport(t, config(t, g, changed, state))); got != [5]int{0, 0, 2, 2, 1} {
		t.Errorf("a row that changed: %v", got)
	}
}

// TestImportThatIsCutOffGoesOn: wherever it is cut, by a failure, a lost answer or an interruption, the next import
// takes the rest, and every row is there once.
func TestImportThatIsCutOffGoesOn(t *testing.T) {
	t.Parallel()
	const rows, batches = 20, 7
	text := many(rows)
	for cut := 1; cut <= batches; cut++ {
		for _, how := range []string{"refused", "lost", "interrupted"} {
			g, state := newGateway(t), t.TempDir()
			ctx, interrupt := context.WithCancel(t.Context())
			g.before = func(w http.ResponseWriter, call int) bool {
				switch {
				case how == "refused" && call == cut:
					refuse(w, http.StatusForbidden, "ACCESS_DENIED", "")
					return true
				case how == "interrupted" && call == cut:
					interrupt()
				}
				return false
			}
			if how == "lost" {
				g.lose = func(call int) bool { return call >= cut && call < cut+4 } // every attempt of that call
			}
			first, err := register.Import(ctx, config(t, g, text, state))
			if err == nil && !(how == "interrupted" && cut == batches) {
				t.Fatalf("%s at %d: no error", how, cut)
			}
			g.mends()
			second := mustImport(t, config(t, g, text, state))
			interrupt()
			if len(second.Entries) != rows || g.count() != rows || second.Bad() > 0 {
				t.Errorf("%s at %d: %v then %v, %d rows kept", how, cut, counts(first), counts(second), g.count())
			}
			if n := second.Count(register.Before); n < (cut-1)*3 {
				t.Errorf("%s at %d: %d of %d rows were remembered", how, cut, n, (cut-1)*3)
			}
		}
	}
}

// TestBusyGatewayIsAskedAgain: a row is not lost to a moment's trouble, nor taken twice when an answer was lost.
func TestBusyGatewayIsAskedAgain(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	g.before = func(w http.ResponseWriter, call int) bool {
		if call%3 != 1 {
			return false
		}
		refuse(w, http.StatusServiceUnavailable, "UNAVAILABLE", "")
		return true
	}
	g.lose = func(call int) bool { return call%3 == 2 }
	if got := counts(mustImport(t, config(t, g, many(9), t.TempDir()))); got != [5]int{0, 9, 0, 0, 0} || g.count() != 9 {
		t.Errorf("%v, %d kept", got, g.count())
	}
}

func TestGatewayThatReportsOnOtherRows(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"fewer":   `{"results":[{"row_id":"row-0","outcome":"ROW_OUTCOME_TAKEN"}]}`,
		"another": `{"results":[{"row_id":"row-1","outcome":"ROW_OUTCOME_TAKEN"},{"row_id":"row-0","outcome":"ROW_OUTCOME_TAKEN"}]}`,
		"nothing": `{"results":[{"row_id":"row-0"},{"row_id":"row-1"}]}`,
		"no JSON": `{"results":`,
	} {
		g, state := newGateway(t), t.TempDir()
		g.before = func(w http.ResponseWriter, _ int) bool {
			_, err := w.Write([]byte(body))
			return err == nil
		}
		report, err := register.Import(t.Context(), config(t, g, many(2), state))
		if err == nil || len(report.Entries) > 0 {
			t.Errorf("%s: %v, %v", name, err, counts(report))
		}
		if second := mustImport(t, func() register.Config {
			g.mends()
			return config(t, g, many(2), state)
		}()); second.Count(register.Before) != 0 {
			t.Errorf("%s: the journal has what nobody took", name)
		}
	}
}

func TestRefusalsTellNoData(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	g.before = func(w http.ResponseWriter, _ int) bool {
		refuse(w, http.StatusBadRequest, "INVALID_ARGUMENT", "rows[1].person.birth_date")
		return true
	}
	_, err := register.Import(t.Context(), config(t, g, many(2), t.TempDir()))
	var refusal *api.Refusal
	if !errors.As(err, &refusal) || refusal.Reason != "INVALID_ARGUMENT" || refusal.Field != "rows[1].person.birth_date" || refusal.RequestID != "0190-abc" {
		t.Errorf("%v", err)
	}
	if strings.Contains(err.Error(), "words of ours") || strings.Contains(err.Error(), "Anning") {
		t.Errorf("the error tells more than it should: %v", err)
	}
}

func TestSignOff(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	g.ready = 25
	sign := func(ready int) (register.Signed, error) {
		return register.SignOff{Caller: g.caller(t), Register: "old", Ready: ready, Note: "decided", Meter: register.NewMeter(ready, time.Now),
			NewID: func() (string, error) { return uuid.NewString(), nil }}.Run(t.Context())
	}
	if done, err := sign(24); err == nil || !strings.Contains(err.Error(), "IMPORT_CHANGED") || done.Effective != 0 || g.ready != 25 {
		t.Errorf("another number: %+v, %v, %d ready", done, err, g.ready)
	}
	if done, err := sign(25); err != nil || done != (register.Signed{Effective: 23, Duplicates: 2}) {
		t.Errorf("%+v, %v", done, err)
	}
}

// TestExportIsAnImport: what is exported can be imported, and is what is there.
func TestExportIsAnImport(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	mustImport(t, config(t, g, many(25), t.TempDir()))
	var text bytes.Buffer
	meter := register.NewMeter(0, time.Now)
	rows, err := register.Export(t.Context(), g.caller(t), &text, meter)
	if err != nil || rows != 25 || !strings.HasPrefix(meter.Line(), "25 rows, ") {
		t.Fatalf("%d rows, %v, %s", rows, err, meter.Line())
	}
	if got := counts(mustImport(t, config(t, g, text.String(), t.TempDir()))); got != [5]int{0, 25, 0, 0, 0} {
		t.Errorf("what was exported is not what is there: %v", got)
	}
	p, err := register.Progress(t.Context(), g.caller(t), "old")
	if err != nil || p.GetCandidates() != 25 {
		t.Errorf("%v, %v", p, err)
	}
}

func TestMeter(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	now := time.Unix(0, 0)
	cfg := config(t, g, mixed, "")
	cfg.Meter = register.NewMeter(10, func() time.Time { now = now.Add(time.Second); return now })
	mustImport(t, cfg)
	if got := cfg.Meter.Line(); got != "5 of 10 rows, 5 rows/s, 2 not taken, about 1s left" {
		t.Error(got)
	}
	if _, err := register.Import(t.Context(), register.Config{Batch: 201}); err == nil {
		t.Error("a batch over the contract's bound is tried")
	}
}
