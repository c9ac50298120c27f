package service

import (
	"context"
	"strings"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"

	"github.com/dorsetcarerecord/dcr/gateway/internal/pipeline"
	"github.com/dorsetcarerecord/dcr/internal/fault"
	"github.com/dorsetcarerecord/dcr/internal/nhsnumber"
)

const (
	eventsPage    = 50
	maxEventsPage = 500
)

type audit struct {
	gatewayv1.UnimplementedAuditServiceServer
	*desk
}

// ListEvents reads the log. The look is an event itself, about the person when
// the list is narrowed to one.
func (a *audit) ListEvents(ctx context.Context, req *gatewayv1.ListEventsRequest) (*gatewayv1.ListEventsResponse, error) {
	c, err := callOf(ctx)
	if err != nil {
		return nil, err
	}
	filter, err := eventFilter(req)
	if err != nil {
		return nil, err
	}
	of, err := number("nhs_number", req.GetNhsNumber())
	if err != nil {
		return nil, err
	}
	filter.NhsNumber = string(of)
	c.About(of)
	bound := binding(c, req)
	after, err := a.pages.Open(bound, req.GetPageToken())
	if err != nil {
		return nil, err
	}
	got, err := a.events.ListEvents(ctx, &auditv1.ListEventsRequest{
		Filter: filter, PageSize: sizeOr(req.GetPageSize(), eventsPage), AfterId: after,
	})
	if err != nil {
		return nil, told(err)
	}
	c.Release(&auditv1.Disclosure{Entries: int32(len(got.GetEvents()))}) //nolint:gosec // a page
	return &gatewayv1.ListEventsResponse{
		Events:        got.GetEvents(),
		NextPageToken: a.pages.Seal(bound, got.GetNextAfterId()),
		Leaves:        got.GetLeaves(),
	}, nil
}

// GetEvent shows one; the look is about the person whom it is about.
func (a *audit) GetEvent(ctx context.Context, req *gatewayv1.GetEventRequest) (*gatewayv1.GetEventResponse, error) {
	c, err := callOf(ctx)
	if err != nil {
		return nil, err
	}
	got, err := a.event(ctx, c, req.GetEventId())
	if err != nil {
		return nil, err
	}
	return &gatewayv1.GetEventResponse{Event: got.GetEvent(), Leaf: got.GetLeaf()}, nil
}

// event reads one event, and says whom the look was about.
func (d *desk) event(ctx context.Context, c *pipeline.Call, id string) (*auditv1.GetEventResponse, error) {
	got, err := d.events.GetEvent(ctx, &auditv1.GetEventRequest{EventId: id})
	if err != nil {
		return nil, told(err, reasonEventNotFound)
	}
	c.About(nhsnumber.Number(got.GetEvent().GetNhsNumber()))
	c.Release(&auditv1.Disclosure{Entries: 1})
	return got, nil
}

func eventFilter(req *gatewayv1.ListEventsRequest) (*auditv1.EventFilter, error) {
	from, to := req.GetFrom(), req.GetTo()
	if from != nil && to != nil && !from.AsTime().Before(to.AsTime()) {
		return nil, fault.Invalid(ReasonInvalidArgument, "to", "must be later than from")
	}
	return &auditv1.EventFilter{
		StaffId: req.GetStaffId(),
		OdsCode: strings.ToUpper(req.GetOdsCode()),
		Outcome: req.GetOutcome(),
		Action:  req.GetAction(),
		From:    from,
		To:      to,

		Reason:           req.GetReason(),
		RelationshipKind: req.GetRelationshipKind(),
		Marks:            req.GetMarks(),
	}, nil
}
