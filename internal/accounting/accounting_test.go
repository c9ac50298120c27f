package accounting

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/dorsetcarerecord/dcr/internal/fault"
	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
)

// attempt is what the gateway hands over for a change that it permitted now.
func attempt(t *testing.T) *auditv1.EventContext {
	t.Helper()
	id, err := uuid.NewV7()
	if err != nil {
		t.Fatal(err)
	}
	return &auditv1.EventContext{
		EventId: id.String(), Action: "opt_out.register",
		Actor:  &auditv1.Actor{Kind: auditv1.ActorKind_ACTOR_KIND_STAFF, StaffId: "s"},
		Basis:  &auditv1.Basis{Purpose: "oversight", RelationshipKind: "episode"},
		Origin: &auditv1.Origin{RequestId: "r"}, Marks: []string{"declared"},
	}
}

// TestCheck: an attempt whose event audit-svc would refuse for good is refused before anything is changed.
func TestCheck(t *testing.T) {
	now := time.Now()
	if err := Check(attempt(t), now); err != nil {
		t.Fatalf("a good attempt: %v", err)
	}
	for field, spoil := range map[string]func(*auditv1.EventContext){
		"event.event_id": func(ec *auditv1.EventContext) { ec.EventId = uuid.NewString() },
		"event.action":   func(ec *auditv1.EventContext) { ec.Action = "" },
		"event.actor":    func(ec *auditv1.EventContext) { ec.Actor.Kind = auditv1.ActorKind_ACTOR_KIND_UNKNOWN },
	} {
		ec := attempt(t)
		spoil(ec)
		checkField(t, Check(ec, now), field)
	}
	checkField(t, Check(attempt(t), now.Add(eventSkew+time.Minute)), "event.event_id")
	checkField(t, Check(attempt(t), now.Add(-eventSkew-time.Minute)), "event.event_id")
}

func checkField(t *testing.T, err error, field string) {
	t.Helper()
	f := fault.FromStatus(fault.Status(err).Err())
	if f == nil || f.Kind != fault.KindInvalid || len(f.Fields) != 1 || f.Fields[0].Name != field {
		t.Errorf("%v, want Invalid for %s", err, field)
	}
}

// TestComplete: what the gateway knew stays, what the service knows is added, and the attempt itself is not
// touched, since it may be completed again after a deadlock.
func TestComplete(t *testing.T) {
	ec := attempt(t)
	before := proto.CloneOf(ec)
	at := time.Unix(1_700_000_000, 0)
	got := Complete(ec, Change{
		Resource: "care_relationship", ID: "c", Summary: "declared", NHSNumber: "9990002673",
		RelationshipID: "c", RelationshipKind: "emergency", ReasonCode: "04", ReasonText: "unconscious", Marks: []string{"emergency", "declared"},
	}, at)
	want := &auditv1.Event{
		Id: ec.GetEventId(), OccurredAt: timestamppb.New(at), Action: "opt_out.register", Outcome: auditv1.Outcome_OUTCOME_CHANGED,
		Actor: ec.GetActor(), NhsNumber: "9990002673",
		Basis:  &auditv1.Basis{Purpose: "oversight", RelationshipId: "c", RelationshipKind: "emergency", ReasonCode: "04", ReasonText: "unconscious"},
		Change: &auditv1.Change{Resource: "care_relationship", Id: "c", Summary: "declared"},
		Origin: ec.GetOrigin(), Marks: []string{"declared", "emergency"},
	}
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Errorf("event (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(before, ec, protocmp.Transform()); diff != "" {
		t.Errorf("the attempt was changed (-before +after):\n%s", diff)
	}
}

// TestSame: two attempts at one request are the same request, two requests are not.
func TestSame(t *testing.T) {
	request := func(number string) *optoutv1.RegisterOptOutRequest {
		return &optoutv1.RegisterOptOutRequest{RequestId: "r", NhsNumber: number, Event: attempt(t)}
	}
	one, again, other := request("9990002673"), request("9990002673"), request("9990019576")
	if !proto.Equal(Same(one), Same(again)) {
		t.Error("another attempt is another request")
	}
	if proto.Equal(Same(one), Same(other)) {
		t.Error("another person is the same request")
	}
	if one.GetEvent() == nil {
		t.Error("the request itself was changed")
	}
}
