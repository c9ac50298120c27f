package service

import (
	"context"

	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
	"github.com/google/uuid"

	"github.com/dorsetcarerecord/dcr/internal/fault"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/reference"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/request"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/store"
)

const defaultPage = 50

// reading implements OptOutReadService.
type reading struct {
	optoutv1.UnimplementedOptOutReadServiceServer
	*core
}

// GetOptOut returns one request with its whole history.
func (r *reading) GetOptOut(ctx context.Context, req *optoutv1.GetOptOutRequest) (*optoutv1.GetOptOutResponse, error) {
	o, err := r.find(ctx, req.GetId())
	if err != nil {
		return nil, err
	}
	found, err := r.whole(ctx, o)
	if err != nil {
		return nil, err
	}
	return &optoutv1.GetOptOutResponse{OptOut: found}, nil
}

// ListOptOuts returns a page of requests, newest first.
func (r *reading) ListOptOuts(ctx context.Context, req *optoutv1.ListOptOutsRequest) (*optoutv1.ListOptOutsResponse, error) {
	filter, err := r.filter(req)
	if err != nil {
		return nil, err
	}
	after, err := place(req.GetAfterId())
	if err != nil {
		return nil, err
	}
	size := sizeOr(req.GetPageSize(), defaultPage)
	// One more than asked for tells whether there is a next page.
	found, err := r.store.List(ctx, filter, after, size+1)
	if err != nil {
		return nil, err
	}
	resp := &optoutv1.ListOptOutsResponse{}
	if len(found) > size {
		found = found[:size]
		resp.NextAfterId = found[size-1].ID.String()
	}
	for _, o := range found {
		resp.OptOuts = append(resp.OptOuts, r.encode(o))
	}
	return resp, nil
}

// filter is what a list is narrowed to.
func (r *reading) filter(req *optoutv1.ListOptOutsRequest) (store.Filter, error) {
	f := store.Filter{
		NHSNumber: req.GetNhsNumber(), State: stateWord(req.GetRequestState()), Channel: int32(req.GetChannel()), Register: req.GetRegister(),
	}
	if f.NHSNumber != "" {
		if err := checkNumber(f.NHSNumber); err != nil {
			return f, err
		}
	}
	if text := req.GetReference(); text != "" {
		var err error
		if f.Reference, err = reference.Parse(text); err != nil {
			return f, invalid("reference", err.Error())
		}
	}
	rules, now := r.deadlines(), r.now()
	switch req.GetQueue() {
	case optoutv1.Queue_QUEUE_OPEN:
		f.Open = true
	case optoutv1.Queue_QUEUE_NEAR_DUE:
		before := rules.NearBefore(now)
		f.Open, f.ReceivedBefore = true, &before
	case optoutv1.Queue_QUEUE_OVERDUE:
		before := rules.OverdueBefore(now)
		f.Open, f.ReceivedBefore = true, &before
	case optoutv1.Queue_QUEUE_UNCONFIRMED:
		f.Unconfirmed = true
	}
	return f, nil
}

// ListSafeguarding returns a page of what waits for a safeguarding lead.
func (r *reading) ListSafeguarding(ctx context.Context, req *optoutv1.ListSafeguardingRequest) (*optoutv1.ListSafeguardingResponse, error) {
	after, err := place(req.GetAfterId())
	if err != nil {
		return nil, err
	}
	size := sizeOr(req.GetPageSize(), defaultPage)
	found, err := r.store.Safeguarding(ctx, after, size+1)
	if err != nil {
		return nil, err
	}
	resp := &optoutv1.ListSafeguardingResponse{}
	if len(found) > size {
		found = found[:size]
		resp.NextAfterId = found[size-1].ID.String()
	}
	for _, o := range found {
		resp.Cases = append(resp.Cases, &optoutv1.SafeguardingCase{
			Id: o.ID.String(), Reference: o.Reference, NhsNumber: o.NHSNumber, Choice: choiceNumber(o.Sealed),
			Requester: optoutv1.Requester(o.Requester), Relation: o.Relation, ReceivedAt: stamp(o.ReceivedAt),
			DueAt: stamp(dueAt(r.deadlines().Of(o.ReceivedAt))),
		})
	}
	return resp, nil
}

// place is where an earlier page ended; uuid.Nil for the first.
func place(text string) (uuid.UUID, error) {
	if text == "" {
		return uuid.Nil, nil
	}
	id, err := uuid.Parse(text)
	if err != nil {
		return uuid.Nil, fault.Invalid(ReasonPageToken, "after_id", "must be where an earlier page ended")
	}
	return id, nil
}

func sizeOr(asked int32, usual int) int {
	if asked == 0 {
		return usual
	}
	return int(asked)
}

// progress is what the public may learn of a request. It is in effect once record-svc has it too, and is no more
// once a later choice is in force.
func (c *core) progress(o store.OptOut) optoutv1.PublicStatus {
	switch request.ProgressOf(c.factsOf(o)) {
	case request.InEffect:
		switch effectOf(o) {
		case optoutv1.EffectState_EFFECT_STATE_SUPERSEDED:
			return optoutv1.PublicStatus_PUBLIC_STATUS_CLOSED
		case optoutv1.EffectState_EFFECT_STATE_CONFIRMED:
			return optoutv1.PublicStatus_PUBLIC_STATUS_IN_EFFECT
		default:
			return optoutv1.PublicStatus_PUBLIC_STATUS_IN_PROGRESS
		}
	case request.Closed:
		return optoutv1.PublicStatus_PUBLIC_STATUS_CLOSED
	default:
		return optoutv1.PublicStatus_PUBLIC_STATUS_IN_PROGRESS
	}
}
