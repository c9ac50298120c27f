package watcher_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jmoiron/sqlx"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/casework"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/store"
)

// TestManyOpensAreOneCase: the eleventh open of a day opens a case, the others join it, and the next day is
// another; however the looks at the log fall.
func TestManyOpensAreOneCase(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	for i := range 13 {
		s.store(s.open(noon().Add(time.Duration(i) * time.Minute)))
		s.watch()
	}
	for i := range 11 {
		s.store(s.open(noon().Add(24*time.Hour + time.Duration(i)*time.Minute)))
	}
	s.watch()
	var got []string
	for _, c := range s.list() {
		got = append(got, fmt.Sprint(c.Rule, " ", c.Period, " ", c.Findings, " ", c.ODSCode, " ", c.State, " ", c.StaffDisplay, " ", c.RoleCode))
	}
	want := []string{"many_opens 2026-11-22 3 RYF open Test Paramedic R1070", "many_opens 2026-11-23 1 RYF open Test Paramedic R1070"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("cases (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"1 opened open by system", "2 found open by system", "3 found open by system"}, s.steps(s.list()[0])); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
}

// TestSmallerIDThatCommitsLater: an event whose id is older than what was judged already is judged all the
// same, once the tree has it. A watermark of ids would have passed it over.
func TestSmallerIDThatCommitsLater(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	late := s.open(noon().Add(-time.Hour), marked("own_record"))
	s.store(s.open(noon()), s.open(noon().Add(time.Minute)))
	s.watch()
	s.store(late)
	s.watch()
	if got := s.list(); len(got) != 1 || got[0].Rule != "own_record" {
		t.Errorf("%d cases, want the one of the late event", len(got))
	}
}

// TestSystemStepsAreInTheLog: that a case was opened stands in the log, in the transaction of the case.
func TestSystemStepsAreInTheLog(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.store(s.open(noon(), marked("own_record")))
	s.watch()
	var actions []string
	if err := s.h.Owner.Select(&actions, "SELECT action || ' ' || nhs_number FROM event WHERE action LIKE 'case.%'"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"case.open " + person}, actions); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// TestAfterClosing: a finding opens a closed case again where the rule judges single looks, and joins it where
// a person judged the relationship.
func TestAfterClosing(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.store(s.open(noon(), marked("own_record")), s.open(noon(), declares("emergency", "r1")))
	s.watch()
	for _, c := range s.list() {
		s.decide(c, casework.Close, casework.Justified)
	}
	s.store(s.open(noon().Add(time.Minute), marked("own_record")), s.open(noon().Add(time.Minute), declares("emergency", "r1")))
	s.watch()
	got := map[string][]string{}
	for _, c := range s.list() {
		got[c.Rule] = s.steps(c)
	}
	want := map[string][]string{
		"own_record": {"1 opened open by system", "2 close closed as justified by privacy officer", "3 reopen open by system"},
		"emergency":  {"1 opened open by system", "2 close closed as justified by privacy officer", "3 found closed as justified by system"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
}

// decide makes a person's step, past the service.
func (s *scene) decide(c store.Case, do casework.Kind, outcome casework.Outcome) {
	s.t.Helper()
	err := s.cases.InTx(limit(s.t), func(tx *sqlx.Tx) error {
		if err := s.cases.Lock(limit(s.t), tx, c.ID); err != nil {
			return err
		}
		now, err := s.cases.Find(limit(s.t), tx, store.Scope{All: true}, c.ID)
		if err != nil {
			return err
		}
		next, err := casework.Next(store.Standing(now), casework.Step{Do: do, By: casework.Officer, StaffID: "officer", Outcome: outcome, Note: "as the ward confirmed"})
		if err != nil {
			return err
		}
		after := now.After(next, s.clock())
		return s.cases.AddStep(limit(s.t), tx, after.Step(store.CaseStep{Kind: string(do), Actor: string(casework.Officer), StaffID: "officer", EventID: idAt(s.clock(), 7)}))
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// TestReconciliation: a feed that shows the attendance closes a self-declared case by itself, in whichever order
// the two reach the log; not one of another organisation or time, and not what people found wrong.
func TestReconciliation(t *testing.T) {
	t.Parallel()
	declared := func(s *scene) *auditv1.Event { return s.open(noon(), declares("self_declared", "r1")) }
	shown := func(s *scene) *auditv1.Event { return s.feed(noon().Add(time.Minute), "RYF", noon().Add(-time.Hour)) }
	const opened, reconciled = "1 opened open by system", "closed as reconciled by system"
	for name, c := range map[string]struct {
		play func(s *scene)
		want []string
	}{
		"afterwards": {func(s *scene) { s.store(declared(s)); s.watch(); s.store(shown(s)); s.watch() }, []string{opened, "2 reconcile " + reconciled}},
		"at once":    {func(s *scene) { s.store(declared(s), shown(s)); s.watch() }, []string{opened, "2 reconcile " + reconciled}},
		"before":     {func(s *scene) { s.store(shown(s), declared(s)); s.watch() }, []string{opened, "2 reconcile " + reconciled}},
		"and used afterwards": {func(s *scene) {
			s.store(declared(s), shown(s), declared(s))
			s.watch()
		}, []string{opened, "2 reconcile " + reconciled, "3 found " + reconciled}},
		"explained before": {func(s *scene) {
			s.store(declared(s))
			s.watch()
			s.decide(s.list()[0], casework.Explain, "")
			s.store(shown(s))
			s.watch()
		}, []string{opened, "2 explain explained by privacy officer", "3 reconcile " + reconciled}},
		"found wrong before": {func(s *scene) {
			s.store(declared(s))
			s.watch()
			s.decide(s.list()[0], casework.Uphold, "")
			s.store(shown(s))
			s.watch()
		}, []string{opened, "2 uphold upheld by privacy officer"}},
		"elsewhere":    {func(s *scene) { s.store(declared(s), s.feed(noon(), "R0D", noon())); s.watch() }, []string{opened}},
		"another time": {func(s *scene) { s.store(declared(s), s.feed(noon(), "RYF", noon().Add(25*time.Hour))); s.watch() }, []string{opened}},
		"another person": {func(s *scene) {
			other := shown(s)
			other.NhsNumber = "9990000026"
			s.store(declared(s), other)
			s.watch()
		}, []string{opened}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			c.play(s)
			found := s.list()
			if len(found) != 1 {
				t.Fatalf("%d cases, want one", len(found))
			}
			if diff := cmp.Diff(c.want, s.steps(found[0])); diff != "" {
				t.Errorf("steps (-want +got):\n%s", diff)
			}
		})
	}
}

// TestEmergencyIsDue: an emergency is to be reviewed within 72 hours of its declaration; who looked in time, or
// late, takes it off the list.
func TestEmergencyIsDue(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.store(s.open(noon(), declares("emergency", "r1")), s.open(noon(), declares("self_declared", "r2")))
	s.watch()
	overdue := func(at time.Time) []string {
		found, err := s.cases.List(limit(t), store.Scope{All: true}, store.CaseFilter{DueBefore: at}, "", 10)
		if err != nil {
			t.Fatal(err)
		}
		var rules []string
		for _, c := range found {
			if !store.Standing(c).Overdue(at) {
				t.Errorf("%s is listed as overdue and does not say so", c.Rule)
			}
			rules = append(rules, c.Rule)
		}
		return rules
	}
	if got := overdue(noon().Add(72*time.Hour - time.Microsecond)); got != nil {
		t.Errorf("overdue before the time: %v", got)
	}
	if got := overdue(noon().Add(72 * time.Hour)); !slices.Equal(got, []string{"emergency"}) {
		t.Errorf("overdue at the time: %v", got)
	}
	counts, err := s.cases.Count(limit(t), noon().Add(72*time.Hour))
	if err != nil || len(counts) != 2 || counts[0].Overdue+counts[1].Overdue != 1 {
		t.Errorf("counted %v, %v", counts, err)
	}
	for _, c := range s.list() {
		s.decide(c, casework.Explain, "")
	}
	if got := overdue(noon().Add(99 * time.Hour)); got != nil {
		t.Errorf("overdue although somebody looked: %v", got)
	}
}

// TestVolume: days that are over are counted once, and a member who opens far more people than others in the
// role becomes one case with one finding.
func TestVolume(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	numbers := func(n int) string { return fmt.Sprintf("999%07d", n) }
	var quiet []*auditv1.Event
	for day := range 5 {
		for colleague := range 5 {
			for n := range 8 + colleague {
				at := noon().AddDate(0, 0, day).Add(time.Duration(n) * time.Minute)
				quiet = append(quiet, s.open(at, by(fmt.Sprint("colleague-", colleague)), about(numbers(n))))
			}
		}
	}
	s.store(quiet...)
	s.set(noon().AddDate(0, 0, 5))
	w := s.watcher()
	for range 2 {
		if err := w.CountDays(limit(t)); err != nil {
			t.Fatal(err)
		}
	}
	var tallies []int
	if err := s.h.Owner.Select(&tallies, "SELECT people FROM watch_tally ORDER BY people"); err != nil {
		t.Fatal(err)
	}
	if len(tallies) != 25 || tallies[0] != 8 || tallies[24] != 12 {
		t.Errorf("tallies %v, want five days of five colleagues", tallies)
	}
	var busy []*auditv1.Event
	for n := range 60 {
		busy = append(busy, s.open(s.clock().Add(time.Duration(n)*time.Second), about(numbers(n))))
	}
	s.store(busy...)
	s.watch()
	found := s.list()
	if len(found) != 1 || found[0].Rule != "volume" || found[0].Findings != 1 || found[0].NHSNumber != "" {
		t.Fatalf("cases %+v, want one of volume with one finding", found)
	}
	steps, err := s.cases.Steps(limit(t), found[0])
	if err != nil || steps[0].Measured != 40 || steps[0].Bound != 30 {
		t.Errorf("step %+v, %v; want 40 people, above 3 times the median of 10", steps[0], err)
	}
}

// TestUnreadableEventStopsNothing: fsck finds it; watching goes on.
func TestUnreadableEventStopsNothing(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	broken := s.open(noon())
	s.store(broken, s.open(noon(), marked("own_record")))
	s.exec("UPDATE event SET body = '\\xff' WHERE id = $1::uuid", broken.GetId())
	s.watch()
	if got := s.list(); len(got) != 1 {
		t.Errorf("%d cases, want that of the event that can be read", len(got))
	}
}

// TestEventThatCannotBeSettledStopsNothing: the log takes no event with a number that cannot be; should one be there
// all the same, it is passed over whole, and watching goes on.
func TestEventThatCannotBeSettledStopsNothing(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.store(s.open(noon(), marked("own_record", "opted_out", "restriction_broken"), about("9990000019")), s.open(noon(), marked("own_record")))
	s.watch()
	if got := s.list(); len(got) != 1 || got[0].NHSNumber != person || got[0].Findings != 1 {
		t.Errorf("cases %+v, want that of the event that can be settled", got)
	}
	var events int
	if err := s.h.Owner.Get(&events, "SELECT count(*) FROM event WHERE action LIKE 'case.%'"); err != nil || events != 1 {
		t.Errorf("%d events of steps, %v; want one", events, err)
	}
}

// TestNothingIsChanged: the service adds rows, and has no right to change or take away one.
func TestNothingIsChanged(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.store(s.open(noon(), marked("own_record")))
	s.watch()
	for _, table := range []string{"watch_run", "watch_case", "case_step", "case_request", "watch_tally", "watch_day"} {
		if _, err := s.h.App.ExecContext(limit(t), "DELETE FROM "+table); err == nil {
			t.Errorf("%s: rows can be taken away", table)
		}
		if _, err := s.h.App.ExecContext(limit(t), "UPDATE "+table+" SET "+firstColumn(table)+" = "+firstColumn(table)); err == nil {
			t.Errorf("%s: rows can be changed", table)
		}
	}
}

func firstColumn(table string) string {
	return map[string]string{"watch_run": "first_index", "watch_case": "id", "case_step": "number", "case_request": "number", "watch_tally": "people", "watch_day": "day"}[table]
}

// TestSettle: what was closed long ago takes nothing more, and a finding of its key opens another case.
func TestSettle(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.store(s.open(noon(), marked("own_record")), s.open(noon(), marked("own_record"), by("staff-2")))
	s.watch()
	s.decide(s.list()[0], casework.Close, casework.Justified)
	settle := func(at time.Time, want store.Settled) {
		t.Helper()
		if got, err := store.Settle(limit(t), s.h.Owner, at); err != nil || got != want {
			t.Errorf("settled %+v, %v; want %+v", got, err, want)
		}
	}
	settle(noon().AddDate(0, 0, 89), store.Settled{})
	settle(noon().AddDate(0, 0, 91), store.Settled{Cases: 1})
	settle(noon().AddDate(0, 0, 91), store.Settled{})
	s.store(s.open(noon(), marked("own_record")))
	s.watch()
	var got []string
	for _, c := range s.list() {
		got = append(got, fmt.Sprint(c.StaffID, " ", c.Turn, " ", c.State, " ", c.Settled))
	}
	slices.Sort(got)
	if diff := cmp.Diff([]string{"staff-1 1 closed true", "staff-1 2 open false", "staff-2 1 open false"}, got); diff != "" {
		t.Errorf("cases (-want +got):\n%s", diff)
	}
}
