package service

import (
	"context"
	"errors"
	"fmt"
	"time"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/dorsetcarerecord/dcr/internal/fault"
	"github.com/dorsetcarerecord/dcr/internal/nhsnumber"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/event"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/store"
	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

// Reasons of what cannot be given.
const (
	ReasonPageToken = "INVALID_PAGE_TOKEN"
	ReasonArgument  = "INVALID_ARGUMENT"
	ReasonNHSNumber = "INVALID_NHS_NUMBER"
	ReasonNotFound  = "EVENT_NOT_FOUND"
)

const defaultPage = 50

// Query implements QueryService.
type Query struct {
	auditv1.UnimplementedQueryServiceServer
	log *store.Store
}

// NewQuery makes a Query.
func NewQuery(log *store.Store) (*Query, error) {
	if log == nil {
		return nil, errors.New("make query service: a store is needed")
	}
	return &Query{log: log}, nil
}

// ListEvents gives a page of the events that match, newest first. See the proto for errors.
func (q *Query) ListEvents(ctx context.Context, req *auditv1.ListEventsRequest) (*auditv1.ListEventsResponse, error) {
	filter, err := filterOf(req.GetFilter())
	if err != nil {
		return nil, err
	}
	if err := q.checkPage(ctx, filter, req.GetAfterId()); err != nil {
		return nil, err
	}
	size := int(req.GetPageSize())
	if size == 0 {
		size = defaultPage
	}
	// One more than asked for tells whether there is a next page.
	found, err := q.log.List(ctx, filter, req.GetAfterId(), size+1)
	if err != nil {
		return nil, err
	}
	resp := &auditv1.ListEventsResponse{}
	if len(found) > size {
		found = found[:size]
		resp.NextAfterId = found[size-1].ID
	}
	for _, f := range found {
		e, leaf, err := read(f)
		if err != nil {
			return nil, err
		}
		resp.Events, resp.Leaves = append(resp.Events, e), append(resp.Leaves, leaf)
	}
	return resp, nil
}

// GetEvent gives one event. See the proto for errors.
func (q *Query) GetEvent(ctx context.Context, req *auditv1.GetEventRequest) (*auditv1.GetEventResponse, error) {
	none := fault.NotFound(ReasonNotFound, "There is no event with this id.")
	if _, err := verify.Time(req.GetEventId()); err != nil {
		return nil, none
	}
	found, err := q.log.Get(ctx, req.GetEventId())
	if errors.Is(err, store.ErrNone) {
		return nil, none
	}
	if err != nil {
		return nil, err
	}
	e, leaf, err := read(found)
	if err != nil {
		return nil, err
	}
	return &auditv1.GetEventResponse{Event: e, Leaf: leaf}, nil
}

// read decodes a stored event.
func read(b store.Body) (*auditv1.Event, *auditv1.Leaf, error) {
	e, err := event.Decode(b.Body)
	if err != nil {
		return nil, nil, fmt.Errorf("read stored event: %w", err)
	}
	return e, &auditv1.Leaf{EventId: b.ID, Hash: b.Hash, StoredAt: timestamppb.New(b.StoredAt.UTC())}, nil
}

// checkPage refuses a page that begins after an event which the filter would not have shown.
func (q *Query) checkPage(ctx context.Context, filter store.Filter, after string) error {
	if after == "" {
		return nil
	}
	wrong := fault.Invalid(ReasonPageToken, "after_id", "must be where an earlier page of the same filter ended")
	if _, err := verify.Time(after); err != nil {
		return wrong
	}
	ok, err := q.log.Has(ctx, filter, after)
	if err != nil {
		return err
	}
	if !ok {
		return wrong
	}
	return nil
}

func filterOf(f *auditv1.EventFilter) (store.Filter, error) {
	made := store.Filter{
		NHSNumber: f.GetNhsNumber(), StaffID: f.GetStaffId(), ODSCode: f.GetOdsCode(),
		Outcome: int32(f.GetOutcome()), Action: f.GetAction(), Skew: event.MaxSkew,
		Reason: f.GetReason(), RelationshipKind: f.GetRelationshipKind(), Marks: f.GetMarks(),
		Actions: f.GetActions(), ExceptActions: f.GetExceptActions(),
	}
	for _, o := range f.GetOutcomes() {
		made.Outcomes = append(made.Outcomes, int32(o))
	}
	if n := f.GetNhsNumber(); n != "" {
		parsed, err := nhsnumber.Parse(n)
		if err != nil || string(parsed) != n {
			return made, fault.Invalid(ReasonNHSNumber, "filter.nhs_number", "must be a valid NHS number of ten digits")
		}
	}
	var err error
	if made.From, err = instant(f.GetFrom(), "filter.from"); err != nil {
		return made, err
	}
	if made.To, err = instant(f.GetTo(), "filter.to"); err != nil {
		return made, err
	}
	if !made.From.IsZero() && !made.To.IsZero() && !made.From.Before(made.To) {
		return made, fault.Invalid(ReasonArgument, "filter.to", "must be later than filter.from")
	}
	return made, nil
}

// instant reads an optional time; the zero time when it is absent.
func instant(ts *timestamppb.Timestamp, field string) (time.Time, error) {
	if ts == nil {
		return time.Time{}, nil
	}
	if !ts.IsValid() {
		return time.Time{}, fault.Invalid(ReasonArgument, field, "must be a time")
	}
	return ts.AsTime(), nil
}
