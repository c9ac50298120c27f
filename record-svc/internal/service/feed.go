package service

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"
	"google.golang.org/protobuf/proto"

	"github.com/dorsetcarerecord/dcr/internal/accounting"
	"github.com/dorsetcarerecord/dcr/internal/outbox"
	accessv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/access/v1"
	recordv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/record/v1"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/bundle"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/hold"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/ingest"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/section"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/store"
)

// FactsTopic is the outbox topic of what identity-svc must know.
const FactsTopic = "identity.feed_facts"

// factsPatience is how long an answer waits for identity-svc to have a bundle's facts. They are on their way
// in any case; waiting lets most senders' next call see the relationships that their bundle made.
const factsPatience = 2 * time.Second

// feed takes partners' bundles.
type feed struct {
	recordv1.UnimplementedFeedServiceServer
	ingester *ingest.Ingester
	store    *store.Store
	outbox   Outbox
	hold     *hold.Desk
	now      func() time.Time
}

// SubmitBundle stores a bundle, all of it or none.
func (f *feed) SubmitBundle(ctx context.Context, req *recordv1.SubmitBundleRequest) (*recordv1.SubmitBundleResponse, error) {
	if err := accounting.Check(req.GetEvent(), f.now()); err != nil {
		return nil, err
	}
	from := sender(req)
	var facts uuid.UUID
	result, err := f.ingester.Submit(ctx, from, req.GetEvent().GetEventId(), req.GetBundle(),
		func(ctx context.Context, tx *sqlx.Tx, r *ingest.Result, told *ingest.Facts) (ids []uuid.UUID, err error) {
			facts, ids, err = f.account(ctx, tx, req, r, told)
			return ids, err
		})
	var refusal *bundle.Refusal
	if errors.As(err, &refusal) {
		return f.refuse(ctx, from, req, refusal)
	}
	if err != nil {
		return nil, err
	}
	if err := f.outbox.Flush(ctx, result.Messages...); err != nil {
		return nil, accounting.Unaccounted(err)
	}
	f.tellIdentity(ctx, facts)
	if result.Held {
		f.hold.Await(ctx, string(result.NHSNumber))
	}
	body, err := transactionResponse(result, f.now())
	if err != nil {
		return nil, err
	}
	return &recordv1.SubmitBundleResponse{HttpStatus: http.StatusOK, Body: body}, nil
}

func sender(req *recordv1.SubmitBundleRequest) ingest.Sender {
	o := req.GetSource()
	return ingest.Sender{
		Source:            store.Source{ODSCode: o.GetOdsCode(), Name: o.GetName(), Kind: int32(o.GetKind())},
		IgnoreUnsupported: o.GetIgnoreUnsupported(),
	}
}

// account writes the event, and what identity-svc must know, in the transaction of the bundle. The answer
// waits for the event.
func (f *feed) account(ctx context.Context, tx *sqlx.Tx, req *recordv1.SubmitBundleRequest, r *ingest.Result, told *ingest.Facts) (facts uuid.UUID, ids []uuid.UUID, err error) {
	summary := "nothing new"
	if r.Changed {
		summary = "stored"
	}
	event := accounting.Complete(req.GetEvent(), accounting.Change{
		Resource: "bundle", ID: req.GetEvent().GetEventId(), Summary: summary, NHSNumber: string(r.NHSNumber),
		Sections: sectionsOf(r.Sections), Entries: int32(r.Entries), //nolint:gosec // a bundle has 5,000 at most
	}, f.now())
	message, err := accounting.Message(event)
	if err != nil {
		return uuid.Nil, nil, err
	}
	messages := []outbox.Message{message}
	if !told.Empty() {
		facts = uuid.New()
		payload, err := proto.Marshal(told.Message(facts.String(), req.GetSource().GetOdsCode()))
		if err != nil {
			return uuid.Nil, nil, err
		}
		messages = append(messages, outbox.Message{ID: facts, Topic: FactsTopic, Key: string(r.NHSNumber), Payload: payload})
	}
	return facts, []uuid.UUID{message.ID}, outbox.Put(ctx, tx, messages...)
}

// sectionsOf are sections as the contract names them, in its order.
func sectionsOf(names []section.Name) []accessv1.Section {
	var all []accessv1.Section
	for number, name := range sectionNames() {
		if slices.Contains(names, name) {
			all = append(all, number)
		}
	}
	slices.Sort(all)
	return all
}

// tellIdentity delivers a bundle's facts now, if that goes quickly; else the worker does.
func (f *feed) tellIdentity(ctx context.Context, facts uuid.UUID) {
	if facts == uuid.Nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, factsPatience)
	defer cancel()
	if f.outbox.Flush(ctx, facts) != nil {
		f.outbox.Wake()
	}
}

// refuse keeps the refusal and answers the sender. The gateway accounts for it, as for every refusal.
func (f *feed) refuse(ctx context.Context, from ingest.Sender, req *recordv1.SubmitBundleRequest, refusal *bundle.Refusal) (*recordv1.SubmitBundleResponse, error) {
	kept := store.Refusal{NHSNumber: bundle.NamedPerson(req.GetBundle()), Reason: string(refusal.Reason), Expression: refusal.Expression}
	if err := f.store.Refuse(ctx, from.Source, kept, req.GetBundle()); err != nil {
		return nil, err
	}
	body, err := operationOutcome(refusal)
	if err != nil {
		return nil, err
	}
	return &recordv1.SubmitBundleResponse{HttpStatus: int32(ingest.Status(refusal)), Body: body, Reason: string(refusal.Reason)}, nil //nolint:gosec // an HTTP status
}

// DeliverFacts makes the outbox handler that tells identity-svc.
func DeliverFacts(identity FactsTaker) outbox.Handler {
	return func(ctx context.Context, m outbox.Message) error { return deliverFacts(ctx, identity, m) }
}
