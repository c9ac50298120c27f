package service

import (
	"context"
	"errors"
	"time"

	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/dorsetcarerecord/dcr/internal/fault"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/choice"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/store"
)

const defaultPage = 50

// reading implements OptOutReadService.
type reading struct {
	optoutv1.UnimplementedOptOutReadServiceServer
	*core
}

// GetOptOut returns one registered choice.
func (r *reading) GetOptOut(ctx context.Context, req *optoutv1.GetOptOutRequest) (*optoutv1.GetOptOutResponse, error) {
	id, err := uuid.Parse(req.GetId())
	if err != nil || id.String() != req.GetId() {
		return nil, notFound()
	}
	found, err := r.load(ctx, id)
	if err != nil {
		return nil, err
	}
	return &optoutv1.GetOptOutResponse{OptOut: found}, nil
}

// ListOptOuts returns a page of registered choices, newest first.
func (r *reading) ListOptOuts(ctx context.Context, req *optoutv1.ListOptOutsRequest) (*optoutv1.ListOptOutsResponse, error) {
	if n := req.GetNhsNumber(); n != "" {
		if err := checkNumber(n); err != nil {
			return nil, err
		}
	}
	after := uuid.Nil
	if text := req.GetAfterId(); text != "" {
		var err error
		if after, err = uuid.Parse(text); err != nil {
			return nil, fault.Invalid(ReasonPageToken, "after_id", "must be where an earlier page ended")
		}
	}
	size := int(req.GetPageSize())
	if size == 0 {
		size = defaultPage
	}
	// One more than asked for tells whether there is a next page.
	found, err := r.store.List(ctx, req.GetNhsNumber(), after, size+1)
	if err != nil {
		return nil, err
	}
	resp := &optoutv1.ListOptOutsResponse{}
	if len(found) > size {
		found = found[:size]
		resp.NextAfterId = found[size-1].ID.String()
	}
	for _, o := range found {
		resp.OptOuts = append(resp.OptOuts, encode(o))
	}
	return resp, nil
}

// load reads a choice as it stands now.
func (c *core) load(ctx context.Context, id uuid.UUID) (*optoutv1.OptOut, error) {
	o, err := c.store.Get(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, notFound()
	}
	if err != nil {
		return nil, err
	}
	return encode(o), nil
}

func notFound() error { return fault.NotFound(ReasonNotFound, "There is no such opt-out.") }

// encode is a choice in the words of the contract.
func encode(o store.OptOut) *optoutv1.OptOut {
	made := &optoutv1.OptOut{
		Id: o.ID.String(), NhsNumber: o.NHSNumber, ChoiceNumber: o.Number, Choice: optoutv1.Choice_CHOICE_IN,
		State: stateOf(o), Channel: optoutv1.Channel(o.Channel), Evidence: o.Evidence,
		Requester: optoutv1.Requester(o.Requester), ReceivedAt: stamp(o.ReceivedAt), RegisteredAt: stamp(o.RegisteredAt),
		Reference: o.Reference,
	}
	if o.Sealed {
		made.Choice = optoutv1.Choice_CHOICE_OUT
	}
	if o.ConfirmedAt != nil {
		made.ConfirmedAt = stamp(*o.ConfirmedAt)
	}
	return made
}

func stateOf(o store.OptOut) optoutv1.EffectState {
	inForce := choice.Standing{Number: o.InForce, Sealed: o.InForceSealed}
	switch inForce.Effect(o.Number, o.ConfirmedAt != nil) {
	case choice.Superseded:
		return optoutv1.EffectState_EFFECT_STATE_SUPERSEDED
	case choice.Confirmed:
		return optoutv1.EffectState_EFFECT_STATE_CONFIRMED
	default:
		return optoutv1.EffectState_EFFECT_STATE_REGISTERED
	}
}

func stamp(t time.Time) *timestamppb.Timestamp { return timestamppb.New(t.UTC()) }
