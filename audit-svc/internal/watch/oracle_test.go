package watch_test

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/watch"
)

// TestStreamsAgainstOracle draws streams of events, cuts them into runs anywhere, and compares what is found
// with an oracle that was written from DOMAIN section 8, looks at the whole stream for every event, and knows
// neither the rules' file nor the counter.
func TestStreamsAgainstOracle(t *testing.T) {
	t.Parallel()
	r := rules(t)
	rapid.Check(t, func(t *rapid.T) {
		stream := drawStream(t)
		var want, got []string
		for i, e := range stream {
			want = append(want, oracle(stream[:i+1], e)...)
		}
		for from := 0; from < len(stream); {
			to := rapid.IntRange(from+1, len(stream)).Draw(t, "run ends")
			got = append(got, judged(t, r, stream[:from], stream[from:to])...)
			from = to
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("findings (-oracle +rules):\n%s", diff)
		}
	})
}

// judged is what the watcher does with a run: load what lies before it, count, judge.
func judged(t *rapid.T, r *watch.Rules, before, run []*auditv1.Event) []string {
	counter := r.NewCounter()
	for _, need := range r.Needs(run) {
		for _, e := range before {
			day, err := r.DayOf(e.GetId())
			if err != nil {
				t.Fatal(err)
			}
			if r.IsOpen(e) && e.GetActor().GetStaffId() == need.StaffID && day.Name == need.Day.Name {
				counter.Load(need, e.GetNhsNumber(), 1)
			}
		}
	}
	var all []string
	for _, e := range run {
		facts, err := counter.Count(e)
		if err != nil {
			t.Fatal(err)
		}
		if r.WantsPeers(e, facts.People) {
			facts.Peers = peersOf(e.GetActor().GetStaffId())
		}
		found, err := r.Judge(e, facts)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range found {
			all = append(all, fmt.Sprint(f.Key, f.Count, f.Bound))
		}
	}
	return all
}

// peersOf are invented: one member has busy peers, one quiet ones, one none.
func peersOf(staff string) watch.Sample {
	switch staff {
	case "a":
		return watch.Sample{Peers: 6, People: slices.Repeat([]int{10, 14, 30, 9}, 7)}
	case "b":
		return watch.Sample{Peers: 6, People: slices.Repeat([]int{60}, 30)}
	}
	return watch.Sample{}
}

func drawStream(t *rapid.T) []*auditv1.Event {
	// Some streams are one member's who opens one person after the other; else volumes are never reached.
	busy := rapid.IntRange(0, 3).Draw(t, "busy") == 0
	var stream []*auditv1.Event
	for i := range rapid.IntRange(1, 150).Draw(t, "events") {
		at := noon().Add(time.Duration(rapid.IntRange(-20, 20).Draw(t, "hours")) * time.Hour)
		e := open(func(e *auditv1.Event) { e.Id, e.OccurredAt = eventID(at, i), timestamppb.New(at) })
		e.Actor.StaffId = rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "staff")
		e.NhsNumber = fmt.Sprintf("999%07d", rapid.IntRange(0, 2).Draw(t, "person"))
		if busy {
			e.Actor.StaffId = "a"
			e.NhsNumber = fmt.Sprintf("999%07d", rapid.IntRange(0, 200).Draw(t, "person"))
			stream = append(stream, e)
			continue
		}
		e.Action = rapid.SampledFrom([]string{"record.view", "record.view", "record.entries.list", "record.entry.view", "relationship.declare", "patient.view", "me.view"}).Draw(t, "action")
		e.Outcome = rapid.SampledFrom([]auditv1.Outcome{released, released, released, refused, changed}).Draw(t, "outcome")
		e.Marks = rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"own_record", "opted_out", "emergency", "self_declared", "declared",
			"restriction_broken", "same_surname", "same_surname_and_address", "colleague", "own_number_unknown"}), 0, 2, rapid.ID).Draw(t, "marks")
		e.Basis.RelationshipKind = rapid.SampledFrom([]string{"", "episode", "referral", "emergency"}).Draw(t, "kind")
		e.Basis.RelationshipId = rapid.SampledFrom([]string{"", "r1", "r2"}).Draw(t, "relationship")
		if days := rapid.IntRange(-1, 60).Draw(t, "closed"); days >= 0 {
			e.Basis.RelationshipClosedAt = timestamppb.New(at.AddDate(0, 0, -days).Add(-time.Second))
		}
		stream = append(stream, e)
	}
	return stream
}

// oracle gives the findings of the last event of a stream, in words of its own.
func oracle(until []*auditv1.Event, e *auditv1.Event) []string {
	var found []string
	has := func(mark string) bool { return slices.Contains(e.GetMarks(), mark) }
	record := e.GetAction() == "record.view" || e.GetAction() == "record.entries.list" || e.GetAction() == "record.entry.view"
	say := func(rule, person, period string, count, bound int) {
		found = append(found, fmt.Sprint(watch.Key{Rule: rule, ODSCode: "RYF", StaffID: e.GetActor().GetStaffId(), NHSNumber: person, Period: period}, count, bound))
	}
	today, person := dayOf(e), e.GetNhsNumber()
	if has("own_record") {
		say("own_record", person, today, 0, 0)
	}
	if has("same_surname_and_address") && (record || e.GetAction() == "patient.view" || e.GetAction() == "relationship.declare") {
		say("same_surname_and_address", person, today, 0, 0)
	}
	if has("same_surname") && has("declared") && record {
		say("same_surname_declared", person, today, 0, 0)
	}
	if has("colleague") && opens(e) {
		say("colleague", person, today, 0, 0)
	}
	if opens(e) {
		same, people := 0, map[string]bool{}
		for _, earlier := range until {
			if opens(earlier) && dayOf(earlier) == today && earlier.GetActor().GetStaffId() == e.GetActor().GetStaffId() {
				people[earlier.GetNhsNumber()] = true
				if earlier.GetNhsNumber() == person {
					same++
				}
			}
		}
		if same > 10 {
			say("many_opens", person, today, same, 10)
		}
		if closedAt := e.GetBasis().GetRelationshipClosedAt(); closedAt != nil {
			longest := map[string]float64{"episode": 14, "referral": 45}[e.GetBasis().GetRelationshipKind()]
			since := e.GetOccurredAt().AsTime().Sub(closedAt.AsTime()).Hours() / 24
			if longest > 0 && since > longest {
				say("after_discharge", person, today, int(math.Floor(since)), int(longest))
			}
		}
		if limit := map[string]int{"a": 36, "b": 180, "c": 120}[e.GetActor().GetStaffId()]; len(people) >= 40 && len(people) > limit {
			return append(append(found, others(e, has, record, today)...), fmt.Sprint(
				watch.Key{Rule: "volume", ODSCode: "RYF", StaffID: e.GetActor().GetStaffId(), Period: today}, len(people), limit))
		}
	}
	return append(found, others(e, has, record, today)...)
}

// others are the rules between those that count.
func others(e *auditv1.Event, has func(string) bool, record bool, today string) []string {
	var found []string
	say := func(rule, period string) {
		found = append(found, fmt.Sprint(watch.Key{Rule: rule, ODSCode: "RYF", StaffID: e.GetActor().GetStaffId(), NHSNumber: e.GetNhsNumber(), Period: period}, 0, 0))
	}
	relationship := e.GetBasis().GetRelationshipId()
	if relationship == "" {
		relationship = today
	}
	if has("opted_out") && record && e.GetOutcome() == refused {
		say("opted_out", today)
	}
	if has("restriction_broken") {
		say("restriction_broken", today)
	}
	if has("emergency") {
		say("emergency", relationship)
	}
	if has("self_declared") {
		say("self_declared", relationship)
	}
	return found
}

func opens(e *auditv1.Event) bool {
	return (e.GetAction() == "record.view" || e.GetAction() == "record.entries.list") && e.GetOutcome() == released
}

// dayOf: in November, London's day is that of UTC.
func dayOf(e *auditv1.Event) string { return e.GetOccurredAt().AsTime().Format(time.DateOnly) }
