package service

import (
	"context"
	"errors"
	"fmt"
	"time"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	recordv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/record/v1"
	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/dorsetcarerecord/dcr/internal/fault"
	"github.com/dorsetcarerecord/dcr/internal/outbox"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/store"
)

// Topics of the outbox.
const (
	AuditTopic = "audit.event"
	SealTopic  = "record.seal"
)

// eventSkew is how far the time of an event's id may be from our clock. audit-svc refuses more, for good;
// then the change is better not made.
const eventSkew = 5 * time.Minute

// checkContext refuses a change whose event audit-svc would not take.
func checkContext(ec *auditv1.EventContext, now time.Time) error {
	wrong := func(field, text string) error { return fault.Invalid(ReasonArgument, "event."+field, text) }
	id, err := uuid.Parse(ec.GetEventId())
	if err != nil || id.Version() != 7 || id.String() != ec.GetEventId() {
		return wrong("event_id", "must be a UUIDv7 in lower case")
	}
	if off := now.Sub(time.Unix(id.Time().UnixTime())); off > eventSkew || off < -eventSkew {
		return wrong("event_id", "must name the time of the attempt")
	}
	if ec.GetAction() == "" {
		return wrong("action", "must name the action")
	}
	if a := ec.GetActor(); a.GetKind() != auditv1.ActorKind_ACTOR_KIND_STAFF || a.GetStaffId() == "" {
		return wrong("actor", "must be a member of staff: privacy officers change opt-outs")
	}
	return nil
}

// eventMessage completes the event of a choice and puts it into a message. Its key is its own: audit-svc
// needs no order, and an event that waits must not make another wait.
func eventMessage(o store.OptOut, ec *auditv1.EventContext) (outbox.Message, error) {
	summary := "withdrawn"
	if o.Sealed {
		summary = "registered"
	}
	payload, err := proto.MarshalOptions{Deterministic: true}.Marshal(&auditv1.Event{
		Id: ec.GetEventId(), OccurredAt: timestamppb.New(o.RegisteredAt), Action: ec.GetAction(),
		Outcome: auditv1.Outcome_OUTCOME_CHANGED, Actor: ec.GetActor(), NhsNumber: o.NHSNumber, Basis: ec.GetBasis(),
		Change: &auditv1.Change{Resource: "opt_out", Id: o.ID.String(), Summary: fmt.Sprintf("%s as choice %d", summary, o.Number)},
		Origin: ec.GetOrigin(), Marks: ec.GetMarks(),
	})
	if err != nil {
		return outbox.Message{}, fmt.Errorf("encode event: %w", err)
	}
	return outbox.Message{ID: o.EventID, Topic: AuditTopic, Key: AuditTopic + " " + o.EventID.String(), Payload: payload}, nil
}

// sealMessage tells record-svc of a choice. Its key is the person, so that record-svc hears of choices in
// their order; were it not so, their numbers would still make it right.
func sealMessage(o store.OptOut) (outbox.Message, error) {
	payload, err := proto.MarshalOptions{Deterministic: true}.Marshal(&recordv1.ApplyChoiceRequest{
		NhsNumber: o.NHSNumber, ChoiceNumber: o.Number, Sealed: o.Sealed,
	})
	if err != nil {
		return outbox.Message{}, fmt.Errorf("encode seal: %w", err)
	}
	return outbox.Message{ID: sealID(o.ID), Topic: SealTopic, Key: SealTopic + " " + o.NHSNumber, Payload: payload}, nil
}

// sealID is the id of the message that tells record-svc of a choice: that of the choice, so that a
// repeated request finds it.
func sealID(optOut uuid.UUID) uuid.UUID { return optOut }

// DeliverEvent is the outbox's way to audit-svc. What audit-svc says about the event itself is final; anything
// else is tried again.
func DeliverEvent(audit auditv1.AppendServiceClient) outbox.Handler {
	return func(ctx context.Context, m outbox.Message) error {
		e := &auditv1.Event{}
		if err := proto.Unmarshal(m.Payload, e); err != nil {
			return outbox.Refuse("UNREADABLE", fmt.Errorf("decode event: %w", err))
		}
		_, err := audit.Append(ctx, &auditv1.AppendRequest{Events: []*auditv1.Event{e}})
		switch reason := fault.ReasonOf(err); reason {
		case "":
			return nil
		case "INVALID_EVENT", "EVENT_CONFLICT", "INVALID_ARGUMENT":
			return outbox.Refuse(reason, err)
		default:
			return fmt.Errorf("append event: %w", err)
		}
	}
}

// errContradicted says that record-svc keeps another choice under the same number, or an older one: it lost
// what it was told. Nobody may take that for a confirmed effect.
var errContradicted = errors.New("record-svc keeps another choice than it was told")

// DeliverSeal is the outbox's way to record-svc; it notes the confirmation. No answer of record-svc makes
// it give up: an opt-out that is not sealed stays in the queue until it is.
func DeliverSeal(seal recordv1.SealServiceClient, choices *store.Store, now func() time.Time) outbox.Handler {
	return func(ctx context.Context, m outbox.Message) error {
		told := &recordv1.ApplyChoiceRequest{}
		if err := proto.Unmarshal(m.Payload, told); err != nil {
			return outbox.Refuse("UNREADABLE", fmt.Errorf("decode seal: %w", err))
		}
		kept, err := seal.ApplyChoice(ctx, told)
		if err != nil {
			return fmt.Errorf("apply choice: %w", err)
		}
		switch {
		case kept.GetChoiceNumber() > told.GetChoiceNumber():
			return nil // a later choice has arrived already; this one never took effect there
		case kept.GetChoiceNumber() < told.GetChoiceNumber() || kept.GetSealed() != told.GetSealed():
			return fmt.Errorf("apply choice: %w", errContradicted)
		}
		return choices.Confirm(ctx, told.GetNhsNumber(), told.GetChoiceNumber(), now().UTC())
	}
}
