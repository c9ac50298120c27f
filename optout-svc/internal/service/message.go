package service

import (
	"context"
	"errors"
	"fmt"
	"time"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
	recordv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/record/v1"
	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/dorsetcarerecord/dcr/internal/accounting"
	"github.com/dorsetcarerecord/dcr/internal/outbox"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/store"
)

// Topics of the outbox.
const (
	// SealTopic is that of choices, for record-svc.
	SealTopic = "record.seal"
	// ProceedTopic is that of requests with which the system is to go on.
	ProceedTopic = "opt_out.proceed"
)

// resource names requests in audit events.
const resource = "opt_out"

// checkStaff refuses a change whose event audit-svc would not take, or that is not a member of staff's.
func checkStaff(ec *auditv1.EventContext, now time.Time) error {
	if err := accounting.Check(ec, now); err != nil {
		return err
	}
	if a := ec.GetActor(); a.GetKind() != auditv1.ActorKind_ACTOR_KIND_STAFF || a.GetStaffId() == "" {
		return invalid("event.actor", "must be a member of staff")
	}
	return nil
}

// checkPublic likewise, for a member of the public.
func checkPublic(ec *auditv1.EventContext, now time.Time) error {
	if err := accounting.Check(ec, now); err != nil {
		return err
	}
	if ec.GetActor().GetKind() != auditv1.ActorKind_ACTOR_KIND_PUBLIC {
		return invalid("event.actor", "must be a member of the public")
	}
	return nil
}

// account adds the event of the attempt that a caller of the gateway makes.
func (t *task) account(ec *auditv1.EventContext, summary string) error {
	if t.o.Number > 0 && t.o.MadeAt == nil {
		summary = fmt.Sprintf("%s as choice %d", summary, t.o.Number)
	}
	m, err := accounting.Message(accounting.Complete(ec, accounting.Change{
		Resource: resource, ID: t.o.ID.String(), Summary: summary, NHSNumber: t.o.NHSNumber,
	}, t.at))
	if err != nil {
		return err
	}
	t.messages = append(t.messages, m)
	return nil
}

// accountSystem adds an event of what the system does by itself, under an id of its own.
func (t *task) accountSystem(action, summary string) error {
	id, err := t.newID()
	if err != nil {
		return fmt.Errorf("make event id: %w", err)
	}
	e := systemEvent(id, action, t.at)
	e.NhsNumber, e.Change = t.o.NHSNumber, &auditv1.Change{Resource: resource, Id: t.o.ID.String(), Summary: summary}
	m, err := accounting.Message(e)
	if err != nil {
		return err
	}
	t.messages = append(t.messages, m)
	return nil
}

// systemEvent is an event of a change by this service itself.
func systemEvent(id uuid.UUID, action string, at time.Time) *auditv1.Event {
	return &auditv1.Event{
		Id: id.String(), OccurredAt: timestamppb.New(at), Action: action, Outcome: auditv1.Outcome_OUTCOME_CHANGED,
		Actor: &auditv1.Actor{Kind: auditv1.ActorKind_ACTOR_KIND_SERVICE, Display: "optout-svc"},
		Basis: &auditv1.Basis{Purpose: "own_request"},
	}
}

// proceed has the system go on with the request once this has committed.
func (t *task) proceed() error {
	m, err := t.proceedMessage(t.o.ID)
	if err != nil {
		return err
	}
	t.messages = append(t.messages, m)
	return nil
}

// proceedMessage has the system go on with a request. One request's messages are delivered in turn.
func (c *core) proceedMessage(optOut uuid.UUID) (outbox.Message, error) {
	id, err := c.newID()
	if err != nil {
		return outbox.Message{}, fmt.Errorf("make id: %w", err)
	}
	payload, err := proto.Marshal(&optoutv1.GetOptOutRequest{Id: optOut.String()})
	if err != nil {
		return outbox.Message{}, fmt.Errorf("encode message: %w", err)
	}
	return outbox.Message{ID: id, Topic: ProceedTopic, Key: ProceedTopic + " " + optOut.String(), Payload: payload}, nil
}

// putSeal tells record-svc of a choice. Its key is the person, so that record-svc hears of choices in their
// order; were it not so, their numbers would still make it right. It is not the key of events, so that an
// audit-svc that is down does not keep a record open.
func putSeal(ctx context.Context, tx *sqlx.Tx, c store.Choice) error {
	payload, err := proto.MarshalOptions{Deterministic: true}.Marshal(&recordv1.ApplyChoiceRequest{
		NhsNumber: c.NHSNumber, ChoiceNumber: c.Number, Sealed: c.Sealed,
	})
	if err != nil {
		return fmt.Errorf("encode seal: %w", err)
	}
	if err := outbox.Put(ctx, tx, outbox.Message{ID: c.ID, Topic: SealTopic, Key: SealTopic + " " + c.NHSNumber, Payload: payload}); err != nil {
		return fmt.Errorf("put seal: %w", err)
	}
	return nil
}

// errContradicted says that record-svc keeps another choice under the same number, or an older one: it lost
// what it was told. Nobody may take that for a confirmed effect.
var errContradicted = errors.New("record-svc keeps another choice than it was told")
