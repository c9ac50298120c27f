package service

import (
	"context"
	"errors"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/types/known/timestamppb"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"

	"github.com/dorsetcarerecord/dcr/gateway/internal/accesshistory"
	"github.com/dorsetcarerecord/dcr/internal/fault"
	"github.com/dorsetcarerecord/dcr/internal/nhsnumber"
)

const (
	// eventSkew is how far an event's own time may be from its id, by which lists are ordered (event.proto).
	eventSkew = 10 * time.Minute
	// proofsAtOnce are asked for side by side.
	proofsAtOnce = 8

	reasonReceiptNotReady = "RECEIPT_NOT_READY"
)

// eventLog is what was read: the events, and the hash to which the log has committed itself for each.
type eventLog struct {
	events []*auditv1.Event
	leaves map[string][]byte
}

// read adds the events about a number, newest first, until there are enough and the day of the last is whole. It
// gives the beginning of that day, or the zero time when it came to the end.
func (h *accessHistory) read(ctx context.Context, to *eventLog, number nhsnumber.Number, asked accesshistory.Asked, enough int) (time.Time, error) {
	filter := &auditv1.EventFilter{NhsNumber: string(number), To: timestamppb.New(asked.To)}
	if !asked.From.IsZero() {
		filter.From = timestamppb.New(asked.From)
	}
	var since time.Time
	for after := ""; ; {
		page, err := h.events.ListEvents(ctx, &auditv1.ListEventsRequest{Filter: filter, PageSize: maxEventsPage, AfterId: after})
		if err != nil {
			return since, told(err)
		}
		for i, e := range page.GetEvents() {
			at := e.GetOccurredAt().AsTime()
			if !since.IsZero() && at.Before(since.Add(-2*eventSkew)) {
				return since, nil // whatever follows is of earlier days
			}
			to.events = append(to.events, e)
			if leaves := page.GetLeaves(); i < len(leaves) { // a release before this one answers without
				to.leaves[e.GetId()] = leaves[i].GetHash()
			}
			if since.IsZero() && len(to.events) >= enough {
				since = dayOf(at, asked.Zone)
			}
		}
		if len(to.events) > mostEvents {
			return since, fault.Precondition(ReasonHistoryTooLong, "There are more events than one answer holds. Ask for less time.")
		}
		if after = page.GetNextAfterId(); after == "" {
			return time.Time{}, nil
		}
	}
}

// dayOf is the first instant of a time's day.
func dayOf(t time.Time, zone *time.Location) time.Time {
	year, month, day := t.In(zone).Date()
	return time.Date(year, month, day, 0, 0, 0, 0, zone).UTC()
}

// prove adds a proof for each event that is told. What it proves is that the log holds these events and
// cannot change them unnoticed; the events themselves, with what is not for the citizen, are not in it.
func (h *accessHistory) prove(ctx context.Context, history *gatewayv1.AccessHistory, leaves map[string][]byte) error {
	var ids []string
	for _, day := range history.GetDays() {
		for _, look := range day.GetLooks() {
			ids = append(ids, look.GetEventIds()...)
		}
	}
	if len(ids) > mostProofs {
		return fault.Precondition(ReasonHistoryTooLong, "There are more events than one answer can prove. Ask for less time, or without receipts.")
	}
	history.Receipts = make([]*gatewayv1.AccessReceipt, len(ids))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(proofsAtOnce)
	for i, id := range ids {
		group.Go(func() (err error) {
			history.Receipts[i], err = h.receipt(ctx, id, leaves[id])
			return err
		})
	}
	return group.Wait()
}

// receipt of an event without the event. One that the log has not signed yet is said to be pending.
func (h *accessHistory) receipt(ctx context.Context, id string, leaf []byte) (*gatewayv1.AccessReceipt, error) {
	got, err := h.log.GetReceipt(ctx, &auditv1.GetReceiptRequest{EventId: id})
	if fault.ReasonOf(err) == reasonReceiptNotReady {
		return &gatewayv1.AccessReceipt{EventId: id, Pending: true}, nil
	}
	if err != nil {
		return nil, told(err)
	}
	proof, ok := withoutExtra(string(got.GetFile()))
	if !ok {
		return nil, fault.Internal(errors.New("a receipt is not in the form that is known"))
	}
	return &gatewayv1.AccessReceipt{
		EventId: id, LeafHash: leaf, LeafIndex: got.GetLeafIndex(), Proof: proof, Witnessed: got.GetWitnessed(),
	}, nil
}

// withoutExtra takes the line out of a tlog-proof that holds nonce and event; the format allows a proof without.
// False when there is no such line: then this is not the form that we know, and nothing of it is told.
func withoutExtra(file string) (string, bool) {
	header, rest, _ := strings.Cut(file, "\n")
	extra, rest, found := strings.Cut(rest, "\n")
	return header + "\n" + rest, found && strings.HasPrefix(extra, "extra ") && !strings.Contains(rest, "extra ")
}
