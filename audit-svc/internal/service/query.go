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

// Reasons of a list that cannot be given.
const (
	ReasonPageToken = "INVALID_PAGE_TOKEN"
	ReasonArgument  = "INVALID_ARGUMENT"
	ReasonNHSNumber = "INVALID_NHS_NUMBER"
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
		e, err := event.Decode(f.Body)
		if err != nil {
			return nil, fmt.Errorf("read stored event: %w", err)
		}
		resp.Events = append(resp.Events, e)
	}
	return resp, nil
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
