package app

import (
	"testing"
	"time"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// refusal is the refusal of another person's call.
func refusal() *auditv1.Event {
	e := newEvent()
	e.Action, e.Outcome, e.Reason, e.Disclosure = "patient.view", auditv1.Outcome_OUTCOME_REFUSED, "NO_RELATIONSHIP", nil
	e.NhsNumber, e.Actor.StaffId, e.Actor.OdsCode = "9990000026", "staff-2", "R0D"
	return e
}

// TestListFilters: each filter finds its events, together they narrow further.
func TestListFilters(t *testing.T) {
	t.Parallel()
	h := database(t)
	s := serveTest(t, h.AppURL, 1)
	view, refused := newEvent(), refusal()
	view.Basis = &auditv1.Basis{RelationshipKind: "emergency"}
	view.Marks = []string{"declared", "emergency"}
	mustSend(t, s.appender(t, gateway), view)
	mustSend(t, s.appender(t, gateway), refused)
	ago, ahead := timestamppb.New(time.Now().Add(-time.Hour)), timestamppb.New(time.Now().Add(time.Hour))
	for name, c := range map[string]struct {
		filter *auditv1.EventFilter
		want   []*auditv1.Event
	}{
		"none":         {nil, []*auditv1.Event{refused, view}},
		"person":       {&auditv1.EventFilter{NhsNumber: view.GetNhsNumber()}, []*auditv1.Event{view}},
		"staff":        {&auditv1.EventFilter{StaffId: "staff-2"}, []*auditv1.Event{refused}},
		"organisation": {&auditv1.EventFilter{OdsCode: "RYF"}, []*auditv1.Event{view}},
		"outcome":      {&auditv1.EventFilter{Outcome: auditv1.Outcome_OUTCOME_REFUSED}, []*auditv1.Event{refused}},
		"action":       {&auditv1.EventFilter{Action: "record.view"}, []*auditv1.Event{view}},
		"past hour":    {&auditv1.EventFilter{From: ago, To: ahead}, []*auditv1.Event{refused, view}},
		"from its own": {&auditv1.EventFilter{From: refused.GetOccurredAt()}, []*auditv1.Event{refused}},
		"to its own":   {&auditv1.EventFilter{To: refused.GetOccurredAt()}, []*auditv1.Event{view}},
		"before":       {&auditv1.EventFilter{To: ago}, nil},
		"after":        {&auditv1.EventFilter{From: ahead}, nil},
		"reason":       {&auditv1.EventFilter{Reason: "NO_RELATIONSHIP"}, []*auditv1.Event{refused}},
		"kind":         {&auditv1.EventFilter{RelationshipKind: "emergency"}, []*auditv1.Event{view}},
		"marks":        {&auditv1.EventFilter{Marks: []string{"emergency", "declared"}}, []*auditv1.Event{view}},
		"no such mark": {&auditv1.EventFilter{Marks: []string{"emergency", "own_record"}}, nil},
		"actions":      {&auditv1.EventFilter{Actions: []string{"patient.view", "me.view"}}, []*auditv1.Event{refused}},
		"but actions":  {&auditv1.EventFilter{ExceptActions: []string{"patient.view"}}, []*auditv1.Event{view}},
		"outcomes": {&auditv1.EventFilter{Outcomes: []auditv1.Outcome{auditv1.Outcome_OUTCOME_RELEASED, auditv1.Outcome_OUTCOME_CHANGED}},
			[]*auditv1.Event{view}},
		"two at once": {&auditv1.EventFilter{StaffId: "staff-2", OdsCode: "RYF"}, nil},
		"not SQL":     {&auditv1.EventFilter{StaffId: "' OR '1'='1"}, nil},
	} {
		resp, err := s.reader(t).ListEvents(limit(t), &auditv1.ListEventsRequest{Filter: c.filter})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(c.want, resp.GetEvents(), protocmp.Transform()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestEventWithItsLeaf: an event by its id, and in a list, comes with the leaf that its append answered.
func TestEventWithItsLeaf(t *testing.T) {
	t.Parallel()
	h := database(t)
	s := serveTest(t, h.AppURL, 1)
	e := newEvent()
	leaf := mustSend(t, s.appender(t, gateway), e)[0]
	got, err := s.reader(t).GetEvent(limit(t), &auditv1.GetEventRequest{EventId: e.GetId()})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&auditv1.GetEventResponse{Event: e, Leaf: leaf}, got, protocmp.Transform()); diff != "" {
		t.Errorf("by id (-want +got):\n%s", diff)
	}
	listed, err := s.reader(t).ListEvents(limit(t), &auditv1.ListEventsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]*auditv1.Leaf{leaf}, listed.GetLeaves(), protocmp.Transform()); diff != "" {
		t.Errorf("leaves of the list (-want +got):\n%s", diff)
	}
	for _, id := range []string{newEvent().GetId(), "no id", ""} {
		_, err := s.reader(t).GetEvent(limit(t), &auditv1.GetEventRequest{EventId: id})
		wantReason(t, err, "EVENT_NOT_FOUND")
	}
}

// TestListPageBelongsToItsFilter: a page goes on where the one before ended, under the same filter only.
func TestListPageBelongsToItsFilter(t *testing.T) {
	t.Parallel()
	h := database(t)
	s := serveTest(t, h.AppURL, 1)
	for range 5 {
		mustSend(t, s.appender(t, gateway), newEvent())
	}
	mustSend(t, s.appender(t, gateway), refusal())
	mine := &auditv1.EventFilter{StaffId: "staff-1"}
	list := func(f *auditv1.EventFilter, after string) (*auditv1.ListEventsResponse, error) {
		return s.reader(t).ListEvents(limit(t), &auditv1.ListEventsRequest{Filter: f, PageSize: 3, AfterId: after})
	}
	first, err := list(mine, "")
	if err != nil || len(first.GetEvents()) != 3 || first.GetNextAfterId() != first.GetEvents()[2].GetId() {
		t.Fatalf("first page: %v, %v", first, err)
	}
	second, err := list(mine, first.GetNextAfterId())
	if err != nil || len(second.GetEvents()) != 2 || second.GetNextAfterId() != "" {
		t.Fatalf("second page: %v, %v", second, err)
	}
	_, err = list(&auditv1.EventFilter{StaffId: "staff-2"}, first.GetNextAfterId())
	wantReason(t, err, "INVALID_PAGE_TOKEN")
	_, err = list(mine, "no id")
	wantReason(t, err, "INVALID_PAGE_TOKEN")
	_, err = list(mine, newEvent().GetId())
	wantReason(t, err, "INVALID_PAGE_TOKEN")
}

func TestListRefuses(t *testing.T) {
	t.Parallel()
	h := database(t)
	s := serveTest(t, h.AppURL, 1)
	now := timestamppb.Now()
	for reason, f := range map[string]*auditv1.EventFilter{
		"INVALID_NHS_NUMBER": {NhsNumber: "9990000019"},
		"INVALID_ARGUMENT":   {From: now, To: now},
	} {
		_, err := s.reader(t).ListEvents(limit(t), &auditv1.ListEventsRequest{Filter: f})
		wantReason(t, err, reason)
	}
}
