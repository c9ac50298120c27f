// Package accounting is how the services account for changes (DESIGN section 4: a change is accounted for
// like a view). The gateway hands over what it knows of the attempt; the service completes that into an
// event, writes it into its outbox in the transaction of the change, and answers once audit-svc has it.
package accounting

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
	accessv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/access/v1"
	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
)

// Topic is the outbox topic of events for audit-svc.
const Topic = "audit.event"

// eventSkew is how far the time of an event's id may be from our clock. audit-svc refuses more, for good;
// then the change is better not made.
const eventSkew = 5 * time.Minute

// comeBack is told to whoever made a change that is not accounted for yet.
const comeBack = time.Second

// Change is what an event says about the change itself.
type Change struct {
	// Resource and ID of what was changed; Summary in fixed words.
	Resource, ID, Summary string
	// NHSNumber of the one person that it is about; empty when it is about nobody.
	NHSNumber string
	// RelationshipID and RelationshipKind of a relationship that was made or ended.
	RelationshipID, RelationshipKind string
	// ReasonCode and ReasonText that were given for it.
	ReasonCode, ReasonText string
	// Marks that a privacy officer looks for, beside the attempt's own.
	Marks []string
	// Sections of the record that a feed changed, and how many entries.
	Sections []accessv1.Section
	Entries  int32
}

// Check refuses an attempt whose event audit-svc would not take: fault.Invalid, naming the field.
func Check(ec *auditv1.EventContext, now time.Time) error {
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
	switch ec.GetActor().GetKind() {
	case auditv1.ActorKind_ACTOR_KIND_UNSPECIFIED, auditv1.ActorKind_ACTOR_KIND_UNKNOWN:
		return invalid("event.actor", "An event of a change names who made it.")
	}
	return nil
}

func invalid(field, text string) error { return fault.Invalid("INVALID_ARGUMENT", field, text) }

// Complete is the event of a change that the gateway permitted.
func Complete(ec *auditv1.EventContext, did Change, now time.Time) *auditv1.Event {
	basis := &auditv1.Basis{}
	if ec.GetBasis() != nil {
		basis = proto.CloneOf(ec.GetBasis())
	}
	if did.RelationshipID != "" {
		basis.RelationshipId, basis.RelationshipKind = did.RelationshipID, did.RelationshipKind
	}
	if did.ReasonCode != "" {
		basis.ReasonCode, basis.ReasonText = did.ReasonCode, did.ReasonText
	}
	marks := slices.Clone(ec.GetMarks())
	for _, m := range did.Marks {
		if !slices.Contains(marks, m) {
			marks = append(marks, m)
		}
	}
	return &auditv1.Event{
		Id: ec.GetEventId(), OccurredAt: timestamppb.New(now), Action: ec.GetAction(),
		Outcome: auditv1.Outcome_OUTCOME_CHANGED, Actor: ec.GetActor(), NhsNumber: did.NHSNumber, Basis: basis,
		Change: &auditv1.Change{
			Resource: did.Resource, Id: did.ID, Summary: did.Summary, Sections: did.Sections, Entries: did.Entries,
		},
		Origin: ec.GetOrigin(), Marks: marks,
	}
}

// Message is the outbox message that carries an event. Each is a key of its own: audit-svc orders events by
// themselves, and one that it refuses must not stop another person's, or this person's next.
func Message(e *auditv1.Event) (outbox.Message, error) {
	id, err := uuid.Parse(e.GetId())
	if err != nil {
		return outbox.Message{}, fmt.Errorf("write event: %w", err)
	}
	payload, err := proto.MarshalOptions{Deterministic: true}.Marshal(e)
	if err != nil {
		return outbox.Message{}, fmt.Errorf("write event: %w", err)
	}
	return outbox.Message{ID: id, Topic: Topic, Key: id.String(), Payload: payload}, nil
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

// Unaccounted is the answer to a change that is made while its event is not yet delivered.
func Unaccounted(cause error) error {
	return fault.Unavailable("AUDIT_UNAVAILABLE", "The change could not be accounted for yet. Ask again with the same request id.").After(comeBack).Because(cause)
}
