package event_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/dorsetcarerecord/dcr/internal/fault"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/event"
	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

// now is the clock of these tests.
var now = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// at is an event of an instant: a view by a member of staff.
func at(t time.Time) *auditv1.Event {
	return &auditv1.Event{
		Id: verify.FirstID(t)[:14] + "7" + uuid.NewString()[15:], OccurredAt: timestamppb.New(t),
		Action: "record.view", Outcome: auditv1.Outcome_OUTCOME_RELEASED,
		Actor:      &auditv1.Actor{Kind: auditv1.ActorKind_ACTOR_KIND_STAFF, StaffId: "staff-1", OdsCode: "RYF"},
		NhsNumber:  "9990000018",
		Disclosure: &auditv1.Disclosure{Entries: 3},
	}
}

func TestCheckTakes(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*auditv1.Event){
		"a view":          func(*auditv1.Event) {},
		"about nobody":    func(e *auditv1.Event) { e.NhsNumber = "" },
		"staff not known": func(e *auditv1.Event) { e.Actor.StaffId, e.Actor.Issuer, e.Actor.Subject = "", "https://i", "s" },
		"a refusal":       refused,
		"nobody, refused": func(e *auditv1.Event) {
			refused(e)
			e.Actor = &auditv1.Actor{Kind: auditv1.ActorKind_ACTOR_KIND_UNKNOWN}
		},
		"a failure":          func(e *auditv1.Event) { refused(e); e.Outcome = auditv1.Outcome_OUTCOME_FAILED },
		"a change":           changed,
		"a change, answered": func(e *auditv1.Event) { d := e.Disclosure; changed(e); e.Disclosure = d },
		"a system": func(e *auditv1.Event) {
			e.Actor = &auditv1.Actor{Kind: auditv1.ActorKind_ACTOR_KIND_SYSTEM, OdsCode: "R0D"}
		},
		"a service": func(e *auditv1.Event) {
			e.Actor = &auditv1.Actor{Kind: auditv1.ActorKind_ACTOR_KIND_SERVICE, Display: "audit-svc"}
		},
	} {
		e := at(now)
		change(e)
		if p := event.Check(e, event.Direct, now); p != nil {
			t.Errorf("%s: refused: %v", name, p)
		}
	}
}

func refused(e *auditv1.Event) {
	e.Outcome, e.Reason, e.Disclosure = auditv1.Outcome_OUTCOME_REFUSED, "NO_RELATIONSHIP", nil
}

func changed(e *auditv1.Event) {
	e.Outcome, e.Disclosure, e.Change = auditv1.Outcome_OUTCOME_CHANGED, nil, &auditv1.Change{Resource: "opt_out"}
}

// TestCheckRefuses names the field at fault for every way in which an event is not whole.
func TestCheckRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		field  string
		change func(*auditv1.Event)
	}{
		"no id":                     {"id", func(e *auditv1.Event) { e.Id = "" }},
		"id of another version":     {"id", func(e *auditv1.Event) { e.Id = uuid.NewString() }},
		"no time":                   {"occurred_at", func(e *auditv1.Event) { e.OccurredAt = nil }},
		"time far from the id":      {"occurred_at", func(e *auditv1.Event) { e.OccurredAt = timestamppb.New(now.Add(-11 * time.Minute)) }},
		"no action":                 {"action", func(e *auditv1.Event) { e.Action = "" }},
		"action with a space":       {"action", func(e *auditv1.Event) { e.Action = "record view" }},
		"action with a zero byte":   {"action", func(e *auditv1.Event) { e.Action = "record\x00view" }},
		"reason in prose":           {"reason", func(e *auditv1.Event) { refused(e); e.Reason = "Mary had no relationship" }},
		"no outcome":                {"outcome", func(e *auditv1.Event) { e.Outcome = 0 }},
		"outcome of the future":     {"outcome", func(e *auditv1.Event) { e.Outcome = 99 }},
		"released nothing":          {"disclosure", func(e *auditv1.Event) { e.Disclosure = nil }},
		"released, with a reason":   {"reason", func(e *auditv1.Event) { e.Reason = "NO_RELATIONSHIP" }},
		"released, with a change":   {"change", func(e *auditv1.Event) { e.Change = &auditv1.Change{Resource: "staff"} }},
		"refused, without a reason": {"reason", func(e *auditv1.Event) { refused(e); e.Reason = "" }},
		"refused, yet released":     {"disclosure", func(e *auditv1.Event) { d := e.Disclosure; refused(e); e.Disclosure = d }},
		"refused, yet changed":      {"change", func(e *auditv1.Event) { refused(e); e.Change = &auditv1.Change{Resource: "staff"} }},
		"changed nothing":           {"change.resource", func(e *auditv1.Event) { changed(e); e.Change = nil }},
		"half a hash":               {"disclosure.sha256", func(e *auditv1.Event) { e.Disclosure.Sha256 = make([]byte, 16) }},
		"no actor":                  {"actor", func(e *auditv1.Event) { e.Actor = nil }},
		"actor of no kind":          {"actor.kind", func(e *auditv1.Event) { e.Actor.Kind = 0 }},
		"released to nobody":        {"actor.kind", func(e *auditv1.Event) { e.Actor = &auditv1.Actor{Kind: auditv1.ActorKind_ACTOR_KIND_UNKNOWN} }},
		"staff without a name":      {"actor.staff_id", func(e *auditv1.Event) { e.Actor.StaffId = "" }},
		"a system that is staff":    {"actor.staff_id", func(e *auditv1.Event) { e.Actor.Kind = auditv1.ActorKind_ACTOR_KIND_SYSTEM }},
		"a service without a name": {"actor.display", func(e *auditv1.Event) {
			e.Actor = &auditv1.Actor{Kind: auditv1.ActorKind_ACTOR_KIND_SERVICE}
		}},
		"a kind in prose":         {"basis.relationship_kind", func(e *auditv1.Event) { e.Basis = &auditv1.Basis{RelationshipKind: "Mary's"} }},
		"a mark in prose":         {"marks", func(e *auditv1.Event) { e.Marks = []string{"emergency", "Mary, again"} }},
		"an empty mark":           {"marks", func(e *auditv1.Event) { e.Marks = []string{""} }},
		"marks and no end":        {"marks", func(e *auditv1.Event) { e.Marks = slices.Repeat([]string{"emergency"}, 17) }},
		"a number that cannot be": {"nhs_number", func(e *auditv1.Event) { e.NhsNumber = "9990000019" }},
		"a number in groups":      {"nhs_number", func(e *auditv1.Event) { e.NhsNumber = "999 000 0018" }},
		"larger than may be":      {"id", func(e *auditv1.Event) { e.Query = strings.Repeat("x", event.MaxBytes) }},
	} {
		e := at(now)
		c.change(e)
		p := event.Check(e, event.Direct, now)
		if p == nil || p.Field != c.field {
			t.Errorf("%s: %v, want a problem of %s", name, p, c.field)
		}
	}
}

// TestCheckTimes has the bounds of the id's time, to the millisecond.
func TestCheckTimes(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	for _, c := range []struct {
		off  time.Duration
		how  event.Delivery
		take bool
	}{
		{event.MaxSkew, event.Direct, true}, {event.MaxSkew + ms, event.Direct, false},
		{-event.MaxSkew, event.Direct, true}, {-event.MaxSkew - ms, event.Direct, false},
		{event.MaxSkew + ms, event.FromOutbox, false}, {-event.MaxSkew - ms, event.FromOutbox, true},
		{-event.MaxDelay, event.FromOutbox, true}, {-event.MaxDelay - ms, event.FromOutbox, false},
	} {
		if p := event.Check(at(now.Add(c.off)), c.how, now); (p == nil) != c.take {
			t.Errorf("%v off, delivery %d: %v, want taken %v", c.off, c.how, p, c.take)
		}
	}
}

func TestProblemQuotesNothing(t *testing.T) {
	t.Parallel()
	e := at(now)
	e.NhsNumber = "9990000019"
	f := event.Check(e, event.Direct, now).Fault(3)
	if f.Reason != "INVALID_EVENT" || f.Kind != fault.KindInvalid || f.Fields[0].Name != "events[3].nhs_number" {
		t.Errorf("fault %+v", f)
	}
	if strings.Contains(f.Error(), e.GetNhsNumber()) {
		t.Errorf("fault quotes the number: %v", f)
	}
}

// TestSameReadsOtherEncodings: another release may write the parts of a message in another order.
func TestSameReadsOtherEncodings(t *testing.T) {
	t.Parallel()
	e := at(now)
	body, err := event.Encode(e)
	if err != nil {
		t.Fatal(err)
	}
	id, err := proto.Marshal(&auditv1.Event{Id: e.GetId()})
	if err != nil {
		t.Fatal(err)
	}
	moved := append(append([]byte{}, body[len(id):]...), id...) // the id last
	if !event.Same(moved, body) {
		t.Error("the same event in another order counts as another event")
	}
	e.NhsNumber = ""
	other, err := event.Encode(e)
	if err != nil {
		t.Fatal(err)
	}
	if event.Same(other, body) || event.Same([]byte("\xff"), body) {
		t.Error("another event counts as the same")
	}
}
