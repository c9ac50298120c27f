package service

import (
	"context"
	"slices"
	"time"

	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/protobuf/types/known/timestamppb"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"

	"github.com/dorsetcarerecord/dcr/gateway/internal/accesshistory"
	"github.com/dorsetcarerecord/dcr/gateway/internal/pipeline"
	"github.com/dorsetcarerecord/dcr/internal/fault"
	"github.com/dorsetcarerecord/dcr/internal/pdf"
)

const (
	// ReasonHistoryTooLong is the reason of a history that is more than anybody reads, or we hold at once.
	ReasonHistoryTooLong = "HISTORY_TOO_LONG"

	typePDF = "application/pdf"

	// enoughEvents end a page, once its last day is whole; enoughProofs do where each event is proved.
	enoughEvents = 2000
	enoughProofs = 200
	// mostEvents of one answer, and mostProofs.
	mostEvents = 20_000
	mostProofs = 1_000
)

type accessHistory struct {
	gatewayv1.UnimplementedAccessHistoryServiceServer
	*desk
}

// historyRequest is what both requests ask for.
type historyRequest interface {
	GetFrom() *timestamppb.Timestamp
	GetTo() *timestamppb.Timestamp
	GetWithholdStaffIds() []string
	GetLeaveOutEventIds() []string
	GetReceipts() bool
}

// GetAccessHistory tells a page of whole days.
func (h *accessHistory) GetAccessHistory(ctx context.Context, req *gatewayv1.GetAccessHistoryRequest) (*gatewayv1.GetAccessHistoryResponse, error) {
	c, err := callOf(ctx)
	if err != nil {
		return nil, err
	}
	bound := binding(c, req, "nhs_number")
	cursor, err := h.pages.Open(bound, req.GetPageToken())
	if err != nil {
		return nil, err
	}
	asked, err := h.asked(c, req, cursor)
	if err != nil {
		return nil, err
	}
	enough := enoughEvents
	if req.GetReceipts() {
		enough = enoughProofs
	}
	history, more, err := h.tell(ctx, c, req, asked, enough)
	if err != nil {
		return nil, err
	}
	answer := &gatewayv1.GetAccessHistoryResponse{History: history}
	if more {
		answer.NextPageToken = h.pages.Seal(bound, history.GetFrom().AsTime().Format(time.RFC3339Nano))
	}
	return answer, nil
}

// PrintAccessHistory prints all of it.
func (h *accessHistory) PrintAccessHistory(ctx context.Context, req *gatewayv1.PrintAccessHistoryRequest) (*gatewayv1.PrintAccessHistoryResponse, error) {
	c, err := callOf(ctx)
	if err != nil {
		return nil, err
	}
	asked, err := h.asked(c, req, "")
	if err != nil {
		return nil, err
	}
	history, _, err := h.tell(ctx, c, req, asked, mostEvents)
	if err != nil {
		return nil, err
	}
	format := pdf.Standard
	if req.GetLargePrint() {
		format = pdf.LargePrint
	}
	printed, err := h.press.Render(h.words.Document(history, format, h.zone))
	if err != nil {
		return nil, err
	}
	return &gatewayv1.PrintAccessHistoryResponse{Body: &httpbody.HttpBody{ContentType: typePDF, Data: printed.Bytes}}, nil
}

// asked reads the bounds of the time; a cursor is the upper one of a later page.
func (h *accessHistory) asked(c *pipeline.Call, req historyRequest, cursor string) (accesshistory.Asked, error) {
	now := h.now().UTC()
	a := accesshistory.Asked{
		NHSNumber: c.NHSNumber, To: now, MadeAt: now, Zone: h.zone,
		Withhold: req.GetWithholdStaffIds(), LeaveOut: req.GetLeaveOutEventIds(), Profession: h.profession,
	}
	if req.GetFrom() != nil {
		a.From = req.GetFrom().AsTime()
	}
	if to := req.GetTo(); to != nil && to.AsTime().Before(now) {
		a.To = to.AsTime()
	}
	if cursor != "" {
		to, err := time.Parse(time.RFC3339Nano, cursor)
		if err != nil {
			return a, fault.Internal(err)
		}
		a.To = to
	}
	if !a.From.Before(a.To) {
		return a, fault.Invalid(ReasonInvalidArgument, "to", "must be later than from, and from in the past")
	}
	return a, nil
}

// tell reads the events and says them; more is true when there are days before.
func (h *accessHistory) tell(ctx context.Context, c *pipeline.Call, req historyRequest, asked accesshistory.Asked, enough int) (*gatewayv1.AccessHistory, bool, error) {
	found, since, err := h.readAll(ctx, c, asked, enough)
	if err != nil {
		return nil, false, err
	}
	if !since.IsZero() {
		asked.From = since
	}
	if asked.Organisations, err = h.names(ctx, found.events); err != nil {
		return nil, false, err
	}
	history := h.words.History(found.events, asked)
	c.Release(&auditv1.Disclosure{Entries: int32(len(found.events))}) //nolint:gosec // mostEvents
	if req.GetReceipts() {
		if err := h.prove(ctx, history, found.leaves); err != nil {
			return nil, false, err
		}
	}
	return history, !since.IsZero(), nil
}

// readAll reads the events under each number of the person, back to the day that all of them are read to.
func (h *accessHistory) readAll(ctx context.Context, c *pipeline.Call, asked accesshistory.Asked, enough int) (*eventLog, time.Time, error) {
	all := &eventLog{leaves: map[string][]byte{}}
	var since time.Time
	numbers, err := h.numbersOf(ctx, c)
	if err != nil {
		return nil, since, err
	}
	for _, number := range numbers {
		reached, err := h.read(ctx, all, number, asked, enough)
		if err != nil {
			return nil, since, err
		}
		if reached.After(since) {
			since = reached
		}
	}
	all.events = slices.DeleteFunc(all.events, func(e *auditv1.Event) bool { return e.GetOccurredAt().AsTime().Before(since) })
	return all, since, nil
}

// names are those of the organisations that their events do not name.
func (h *accessHistory) names(ctx context.Context, events []*auditv1.Event) (map[string]string, error) {
	all := map[string]string{}
	for _, e := range events {
		code := e.GetActor().GetOdsCode()
		if _, known := all[code]; known || code == "" || e.GetActor().GetOrganisationName() != "" {
			continue
		}
		got, err := h.directory.GetOrganisation(ctx, &identityv1.GetOrganisationRequest{OdsCode: code})
		if err != nil && fault.ReasonOf(err) != reasonOrganisationNotFound {
			return nil, told(err)
		}
		all[code] = got.GetOrganisation().GetName()
	}
	return all, nil
}
