package service

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/dorsetcarerecord/dcr/internal/fault"
	"github.com/dorsetcarerecord/dcr/internal/outbox"
	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
)

// AuditTopic is the outbox topic of events for audit-svc.
const AuditTopic = "audit.event"

// eventSkew is how far the time of an event's id may be from our clock. audit-svc refuses more, for good;
// then the change is better not made.
const eventSkew = 5 * time.Minute

// change is what an event says about the change itself.
type change struct {
	resource, id, summary            string // summary in fixed words
	nhsNumber                        string
	relationshipID, relationshipKind string
	reasonCode, reasonText           string
	marks                            []string
}

// checkContext refuses a mutation whose event audit-svc would not take.
func checkContext(ec *auditv1.EventContext, now time.Time) error {
	id, err := uuid.Parse(ec.GetEventId())
	if err != nil || id.Version() != 7 || id.String() != ec.GetEventId() {
		return invalid("event.event_id", "An event id is a UUIDv7 in lower case.")
	}
	seconds, nanos := id.Time().UnixTime()
	if off := now.Sub(time.Unix(seconds, nanos)); off > eventSkew || off < -eventSkew {
		return invalid("event.event_id", "An event id names the time of the attempt.")
	}
	if ec.GetAction() == "" {
		return invalid("event.action", "An event names its action.")
	}
	if k := ec.GetActor().GetKind(); k == auditv1.ActorKind_ACTOR_KIND_UNSPECIFIED || k == auditv1.ActorKind_ACTOR_KIND_UNKNOWN {
		return invalid("event.actor", "An event of a change names who made it.")
	}
	return nil
}

// completed is the event of a change that the gateway permitted.
func completed(ec *auditv1.EventContext, did change, now time.Time) *auditv1.Event {
	basis := &auditv1.Basis{}
	if ec.GetBasis() != nil {
		basis = proto.CloneOf(ec.GetBasis())
	}
	if did.relationshipID != "" {
		basis.RelationshipId, basis.RelationshipKind = did.relationshipID, did.relationshipKind
	}
	if did.reasonCode != "" {
		basis.ReasonCode, basis.ReasonText = did.reasonCode, did.reasonText
	}
	marks := slices.Clone(ec.GetMarks())
	for _, m := range did.marks {
		if !slices.Contains(marks, m) {
			marks = append(marks, m)
		}
	}
	return &auditv1.Event{
		Id: ec.GetEventId(), OccurredAt: timestamppb.New(now), Action: ec.GetAction(),
		Outcome: auditv1.Outcome_OUTCOME_CHANGED, Actor: ec.GetActor(), NhsNumber: did.nhsNumber, Basis: basis,
		Change: &auditv1.Change{Resource: did.resource, Id: did.id, Summary: did.summary},
		Origin: ec.GetOrigin(), Marks: marks,
	}
}

// EventMessage is the outbox message that carries an event.
func EventMessage(e *auditv1.Event) (outbox.Message, error) {
	id, err := uuid.Parse(e.GetId())
	if err != nil {
		return outbox.Message{}, fmt.Errorf("write event: %w", err)
	}
	payload, err := proto.MarshalOptions{Deterministic: true}.Marshal(e)
	if err != nil {
		return outbox.Message{}, fmt.Errorf("write event: %w", err)
	}
	return outbox.Message{ID: id, Topic: AuditTopic, Key: id.String(), Payload: payload}, nil
}

// Deliver makes the outbox handler that appends events to audit-svc. Only what audit-svc says about the
// event itself is final; anything else is tried again.
func Deliver(audit auditv1.AppendServiceClient) outbox.Handler {
	return func(ctx context.Context, m outbox.Message) error {
		e := &auditv1.Event{}
		if err := proto.Unmarshal(m.Payload, e); err != nil {
			return outbox.Refuse("UNREADABLE", fmt.Errorf("read event: %w", err))
		}
		_, err := audit.Append(ctx, &auditv1.AppendRequest{Events: []*auditv1.Event{e}})
		switch reason := fault.ReasonOf(err); reason {
		case "INVALID_EVENT", "EVENT_CONFLICT", "INVALID_ARGUMENT":
			return outbox.Refuse(reason, err)
		}
		if err != nil {
			return fmt.Errorf("append event: %w", err)
		}
		return nil
	}
}
