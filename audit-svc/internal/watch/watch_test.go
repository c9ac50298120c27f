package watch_test

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/watch"
)

const (
	released = auditv1.Outcome_OUTCOME_RELEASED
	refused  = auditv1.Outcome_OUTCOME_REFUSED
	changed  = auditv1.Outcome_OUTCOME_CHANGED
)

func rules(t testing.TB) *watch.Rules {
	t.Helper()
	r, err := watch.Default()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func noon() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

// eventID is a UUIDv7 of an instant, told apart by n.
func eventID(at time.Time, n int) string {
	var raw [16]byte
	binary.BigEndian.PutUint64(raw[:8], uint64(at.UnixMilli())<<16)
	raw[6], raw[8] = 0x70, 0x80
	binary.BigEndian.PutUint32(raw[12:], uint32(n))
	return fmt.Sprintf("%x-%x-%x-%x-%x", raw[:4], raw[4:6], raw[6:8], raw[8:10], raw[10:])
}

// open is a paramedic's view of a record, with what is added to it.
func open(add ...func(*auditv1.Event)) *auditv1.Event {
	e := &auditv1.Event{
		Id: eventID(noon(), 1), OccurredAt: timestamppb.New(noon()), Action: "record.view", Outcome: released,
		Actor: &auditv1.Actor{Kind: auditv1.ActorKind_ACTOR_KIND_STAFF, StaffId: "staff-1", RoleCode: "R1070", OdsCode: "RYF"},
		Basis: &auditv1.Basis{}, NhsNumber: "9990000018",
	}
	for _, a := range add {
		a(e)
	}
	return e
}

func action(name string, outcome auditv1.Outcome) func(*auditv1.Event) {
	return func(e *auditv1.Event) { e.Action, e.Outcome = name, outcome }
}

func marks(of ...string) func(*auditv1.Event) { return func(e *auditv1.Event) { e.Marks = of } }

// closed rests the look on a relationship that was closed some days ago.
func closed(kind string, days int) func(*auditv1.Event) {
	return func(e *auditv1.Event) {
		e.Basis.RelationshipKind = kind
		e.Basis.RelationshipClosedAt = timestamppb.New(noon().AddDate(0, 0, -days))
	}
}

func related(kind, id string) func(*auditv1.Event) {
	return func(e *auditv1.Event) { e.Basis.RelationshipKind, e.Basis.RelationshipId = kind, id }
}

// TestJudge: what each rule of the shipped file finds, and what is next to it and found by none.
func TestJudge(t *testing.T) {
	t.Parallel()
	day := watch.Key{ODSCode: "RYF", StaffID: "staff-1", NHSNumber: "9990000018", Period: "2026-11-22"}
	of := func(rule string) watch.Key { k := day; k.Rule = rule; return k }
	rel := func(rule, id string) watch.Key { k := of(rule); k.Period = id; return k }
	staff := func(rule string) watch.Key { k := of(rule); k.NHSNumber = ""; return k }
	one := watch.Facts{Opens: 1, People: 1}
	peers := watch.Sample{Peers: 5, People: slices.Repeat([]int{10, 12}, 20)}
	for name, c := range map[string]struct {
		event *auditv1.Event
		facts watch.Facts
		want  []watch.Key
	}{
		"an ordinary open":           {open(), one, nil},
		"own record":                 {open(action("record.view", refused), marks("own_record")), watch.Facts{}, []watch.Key{of("own_record")}},
		"family":                     {open(marks("same_surname_and_address")), one, []watch.Key{of("same_surname_and_address")}},
		"family, the banner":         {open(action("patient.view", released), marks("same_surname_and_address")), watch.Facts{}, []watch.Key{of("same_surname_and_address")}},
		"a namesake":                 {open(marks("same_surname")), one, nil},
		"a namesake, declared":       {open(marks("declared", "same_surname", "self_declared"), related("self_declared", "r1")), one, []watch.Key{of("same_surname_declared"), rel("self_declared", "r1")}},
		"a colleague":                {open(marks("colleague")), one, []watch.Key{of("colleague")}},
		"ten opens":                  {open(), watch.Facts{Opens: 10, People: 1}, nil},
		"eleven opens":               {open(), watch.Facts{Opens: 11, People: 1}, []watch.Key{of("many_opens")}},
		"eleven, and none is shown":  {open(action("record.view", refused)), watch.Facts{Opens: 11, People: 1}, nil},
		"discharged a fortnight ago": {open(closed("episode", 14)), one, nil},
		"discharged long ago":        {open(closed("episode", 15)), one, []watch.Key{of("after_discharge")}},
		"a referral lasts longer":    {open(closed("referral", 15)), one, nil},
		"a closed referral":          {open(closed("referral", 46)), one, []watch.Key{of("after_discharge")}},
		"an old practice's time":     {open(closed("gp_registration", 400)), one, nil},
		"opted out":                  {open(action("record.view", refused), marks("opted_out")), watch.Facts{}, []watch.Key{of("opted_out")}},
		"opted out, one entry":       {open(action("record.entry.view", refused), marks("opted_out")), watch.Facts{}, []watch.Key{of("opted_out")}},
		"opted out, explained":       {open(action("access.explain", released), marks("opted_out")), watch.Facts{}, nil},
		"restriction broken":         {open(action("restriction.break", changed), marks("restriction_broken")), watch.Facts{}, []watch.Key{of("restriction_broken")}},
		"seen while broken":          {open(marks("restriction_broken")), one, []watch.Key{of("restriction_broken")}},
		"emergency declared":         {open(action("relationship.declare", changed), marks("emergency"), related("emergency", "r2")), watch.Facts{}, []watch.Key{rel("emergency", "r2")}},
		"seen in an emergency":       {open(marks("declared", "emergency"), related("emergency", "r2")), one, []watch.Key{rel("emergency", "r2")}},
		"emergency, no relationship": {open(marks("emergency")), one, []watch.Key{of("emergency")}},
		"many people":                {open(), watch.Facts{Opens: 1, People: 40, Peers: peers}, []watch.Key{staff("volume")}},
		"many people, all do":        {open(), watch.Facts{Opens: 1, People: 40, Peers: watch.Sample{Peers: 5, People: slices.Repeat([]int{39, 41}, 20)}}, nil},
		"far above, and few":         {open(), watch.Facts{Opens: 1, People: 39, Peers: peers}, nil},
		"many people, no peers":      {open(), watch.Facts{Opens: 1, People: 120}, nil},
		"too many without peers":     {open(), watch.Facts{Opens: 1, People: 121}, []watch.Key{staff("volume")}},
		"nobody in particular":       {open(marks("own_record"), func(e *auditv1.Event) { e.NhsNumber = "" }), one, nil},
		"a service":                  {open(marks("emergency"), func(e *auditv1.Event) { e.Actor = &auditv1.Actor{Kind: auditv1.ActorKind_ACTOR_KIND_SERVICE} }), one, nil},
		"a stranger":                 {open(marks("emergency"), func(e *auditv1.Event) { e.Actor.StaffId = "" }), one, nil},
	} {
		found, err := rules(t).Judge(c.event, c.facts)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var got []watch.Key
		for _, f := range found {
			got = append(got, f.Key)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestMeasured: a finding says what was measured and what it is above.
func TestMeasured(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		event        *auditv1.Event
		facts        watch.Facts
		count, bound int
	}{
		"opens":  {open(), watch.Facts{Opens: 12, People: 1}, 12, 10},
		"days":   {open(closed("episode", 20)), watch.Facts{Opens: 1, People: 1}, 20, 14},
		"people": {open(), watch.Facts{Opens: 1, People: 130}, 130, 120},
		"a mark": {open(marks("colleague")), watch.Facts{Opens: 1, People: 1}, 0, 0},
	} {
		found, err := rules(t).Judge(c.event, c.facts)
		if err != nil || len(found) != 1 || found[0].Count != c.count || found[0].Bound != c.bound {
			t.Errorf("%s: %+v, %v; want one finding of %d above %d", name, found, err, c.count, c.bound)
		}
	}
}

// TestWantsPeers: peers are read only where they can matter.
func TestWantsPeers(t *testing.T) {
	t.Parallel()
	for people, want := range map[int]bool{1: false, 39: false, 40: true, 400: true} {
		if got := rules(t).WantsPeers(open(), people); got != want {
			t.Errorf("%d people: %v", people, got)
		}
	}
	if rules(t).WantsPeers(open(action("record.view", refused)), 400) {
		t.Error("peers are wanted for what is no open")
	}
}

// TestDays: a day is one of the place, in summer, in winter, and when the clocks change.
func TestDays(t *testing.T) {
	t.Parallel()
	for at, want := range map[string]string{
		"2026-11-22T00:00:00Z": "2026-11-22 24h0m0s", "2026-11-22T23:59:59.999Z": "2026-11-22 24h0m0s",
		"2026-07-01T22:59:59Z": "2026-07-01 24h0m0s", "2026-07-01T23:00:00Z": "2026-07-02 24h0m0s",
		"2026-03-29T12:00:00Z": "2026-03-29 23h0m0s", "2026-10-25T12:00:00Z": "2026-10-25 25h0m0s",
	} {
		instant, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		day := rules(t).DayAt(instant)
		if got := fmt.Sprint(day.Name, " ", day.To.Sub(day.From)); got != want {
			t.Errorf("%s: %s, want %s", at, got, want)
		}
		if instant.Before(day.From) || !instant.Before(day.To) {
			t.Errorf("%s lies outside its day", at)
		}
	}
	if got := rules(t).Before(rules(t).DayAt(noon()), 28).Name; got != "2026-10-25" {
		t.Errorf("four weeks before is %s", got)
	}
}

// TestReconciles: which attendance explains a declaration.
func TestReconciles(t *testing.T) {
	t.Parallel()
	rule := rules(t).Find("self_declared")
	key := watch.Key{Rule: "self_declared", ODSCode: "R0D", StaffID: "s", NHSNumber: "9990000018", Period: "r1"}
	attendance := func(change func(*watch.Attendance)) watch.Attendance {
		a := watch.Attendance{NHSNumber: "9990000018", Kind: "episode", ODSCodes: []string{"RD3", "R0D"}, From: noon().Add(-time.Hour), To: noon().Add(time.Hour)}
		change(&a)
		return a
	}
	for name, c := range map[string]struct {
		change func(*watch.Attendance)
		want   bool
	}{
		"attended":               {func(*watch.Attendance) {}, true},
		"still there":            {func(a *watch.Attendance) { a.To = time.Time{} }, true},
		"a day before":           {func(a *watch.Attendance) { a.From, a.To = noon().Add(-25*time.Hour), noon().Add(-24*time.Hour) }, true},
		"longer before":          {func(a *watch.Attendance) { a.From, a.To = noon().Add(-26*time.Hour), noon().Add(-25*time.Hour) }, false},
		"a day after":            {func(a *watch.Attendance) { a.From, a.To = noon().Add(24*time.Hour), time.Time{} }, true},
		"longer after":           {func(a *watch.Attendance) { a.From, a.To = noon().Add(25*time.Hour), time.Time{} }, false},
		"of another person":      {func(a *watch.Attendance) { a.NHSNumber = "9990000026" }, false},
		"of nobody":              {func(a *watch.Attendance) { a.NHSNumber = "" }, false},
		"elsewhere":              {func(a *watch.Attendance) { a.ODSCodes = []string{"RBD"} }, false},
		"granted by a colleague": {func(a *watch.Attendance) { a.Kind = "colleague_granted" }, false},
	} {
		if got := rule.Reconciles(key, noon(), attendance(c.change)); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if emergency := rules(t).Find("emergency"); emergency.Reconciles(watch.Key{Rule: "emergency", ODSCode: "R0D", NHSNumber: "9990000018"}, noon(), attendance(func(*watch.Attendance) {})) {
		t.Error("a feed closes an emergency, which people review")
	}
}

// TestAttendances: only identity-svc's word about a feed is one, and never of what was withdrawn.
func TestAttendances(t *testing.T) {
	t.Parallel()
	event := &auditv1.Event{
		Id: "e", Action: watch.ActionFeed, Outcome: changed, NhsNumber: "9990000018",
		Actor: &auditv1.Actor{Kind: auditv1.ActorKind_ACTOR_KIND_SERVICE, Display: "record-svc", OdsCode: "R0D"},
		Change: &auditv1.Change{Resource: "care_relationship", Relationships: []*auditv1.StatedRelationship{
			{Id: "1", Kind: "episode", OdsCodes: []string{"R0D"}, StartsAt: timestamppb.New(noon()), ClosedAt: timestamppb.New(noon().Add(time.Hour))},
			{Id: "2", Kind: "episode", OdsCodes: []string{"R0D"}, StartsAt: timestamppb.New(noon()), Withdrawn: true},
			{Id: "3", Kind: "referral", OdsCodes: []string{"RBD"}},
		}},
	}
	want := []watch.Attendance{{NHSNumber: "9990000018", Kind: "episode", ODSCodes: []string{"R0D"}, From: noon(), To: noon().Add(time.Hour), EventID: "e"}}
	if diff := cmp.Diff(want, watch.Attendances(event)); diff != "" {
		t.Errorf("attendances (-want +got):\n%s", diff)
	}
	event.Actor = &auditv1.Actor{Kind: auditv1.ActorKind_ACTOR_KIND_STAFF, StaffId: "s"}
	if got := watch.Attendances(event); got != nil {
		t.Errorf("a member of staff stated %v", got)
	}
}

// TestParseRefuses: nothing of a faulty file comes into force.
func TestParseRefuses(t *testing.T) {
	t.Parallel()
	const good = `
version: "1"
time_zone: Europe/London
opens: {actions: [record.view], outcomes: [released]}
rules:
  - {id: many, title: T, says: S, case_per: day, case_about: person, when: {opens: true}, more_than: 10, after_closing: reopen}
`
	if _, err := watch.Parse([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string][2]string{
		"an unknown field":            {"more_than: 10", "more_then: 10"},
		"no version":                  {`version: "1"`, `version: ""`},
		"no zone":                     {"Europe/London", `""`},
		"whatever the machine is":     {"Europe/London", "Local"},
		"an unknown zone":             {"Europe/London", "Europe/Poole"},
		"opens of everything":         {"actions: [record.view], ", ""},
		"opens by prefix":             {"actions: [record.view]", "actions: [record.*]"},
		"an unknown outcome":          {"outcomes: [released]", "outcomes: [shown]"},
		"a name that is none":         {"id: many", "id: Many Opens"},
		"no words":                    {"says: S", `says: ""`},
		"no period":                   {"case_per: day", "case_per: week"},
		"about whom":                  {"case_about: person", "case_about: anyone"},
		"no closing":                  {", after_closing: reopen", ""},
		"fits everything":             {"when: {opens: true}, more_than: 10", "when: {}"},
		"no more than nothing":        {"more_than: 10", "more_than: 0"},
		"counts what is no open":      {"when: {opens: true}", "when: {marks: [x]}"},
		"two measures":                {"more_than: 10", "more_than: 10, days_since_closed: {episode: 1}"},
		"closed by nobody":            {"more_than: 10", "days_since_closed: {emergency: 1}"},
		"peers of one person":         {"more_than: 10", "more_than_peers: {window_days: 28, peers_at_least: 5, days_at_least: 20, people_at_least: 40, deviations: 6, times_median: 3, without_peers: 120}"},
		"reconciled by a declaration": {"more_than: 10", "more_than: 10, reconciled_by: {kinds: [self_declared]}"},
		"overdue before it began":     {"more_than: 10", "more_than: 10, review_within: -1h"},
		"opens twice over":            {"when: {opens: true}", "when: {opens: true, actions: [record.view]}"},
		"twice":                       {"\nrules:\n", "\nrules:\n  - {id: many, title: T, says: S, case_per: day, case_about: person, when: {opens: true}, after_closing: reopen}\n"},
		"two documents":               {"\nrules:\n", "\nrules:\n---\nrules:\n"},
	} {
		text := strings.Replace(good, change[0], change[1], 1)
		if text == good {
			t.Fatalf("%s: nothing was changed", name)
		}
		if _, err := watch.Parse([]byte(text)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// TestVersionNamesTheText: an edit without a new version shows.
func TestVersionNamesTheText(t *testing.T) {
	t.Parallel()
	const text = "version: \"1\"\ntime_zone: UTC\nopens: {actions: [a.b], outcomes: [released]}\nrules: [{id: own, title: T, says: S, case_per: day, case_about: person, when: {marks: [m]}, after_closing: append}]\n"
	one, err := watch.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	other, err := watch.Parse([]byte(strings.Replace(text, "[m]", "[n]", 1)))
	if err != nil {
		t.Fatal(err)
	}
	if one.Version() == other.Version() || !strings.HasPrefix(one.Version(), "1+") {
		t.Errorf("versions %s and %s", one.Version(), other.Version())
	}
}
