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

	"github.com/dorsetcarerecord/dcr/internal/accounting"
	"github.com/dorsetcarerecord/dcr/internal/fault"
	"github.com/dorsetcarerecord/dcr/internal/outbox"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/store"
)

// SealTopic is the outbox topic of messages to record-svc.
const SealTopic = "record.seal"

// checkContext refuses a change whose event audit-svc would not take, or that is not a member of staff's.
func checkContext(ec *auditv1.EventContext, now time.Time) error {
	if err := accounting.Check(ec, now); err != nil {
		return err
	}
	if a := ec.GetActor(); a.GetKind() != auditv1.ActorKind_ACTOR_KIND_STAFF || a.GetStaffId() == "" {
		return fault.Invalid(ReasonArgument, "event.actor", "must be a member of staff: privacy officers change opt-outs")
	}
	return nil
}

// eventMessage completes the event of a choice and puts it into a message.
func eventMessage(o store.OptOut, ec *auditv1.EventContext) (outbox.Message, error) {
	summary := "withdrawn"
	if o.Sealed {
		summary = "registered"
	}
	return accounting.Message(accounting.Complete(ec, accounting.Change{
		Resource: "opt_out", ID: o.ID.String(), Summary: fmt.Sprintf("%s as choice %d", summary, o.Number), NHSNumber: o.NHSNumber,
	}, o.RegisteredAt))
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
