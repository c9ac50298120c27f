package register

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
)

// Progress tells how far a register's candidates are.
func Progress(ctx context.Context, caller Caller, register string) (*optoutv1.GetImportResponse, error) {
	out := &gatewayv1.GetOptOutImportResponse{}
	if err := caller.Call(ctx, http.MethodGet, path(register), nil, out); err != nil {
		return nil, fmt.Errorf("read the import: %w", err)
	}
	return out.GetProgress(), nil
}

// SignOff is a batch that a privacy officer confirms.
type SignOff struct {
	Caller   Caller
	Register string
	// Ready is the number of ready candidates that the officer has seen. When another number is ready, nothing
	// is confirmed.
	Ready int
	// Note: on what the sign-off rests.
	Note string
	// NewID makes the id of a call, a UUID.
	NewID func() (string, error)
	Meter *Meter
}

// Signed is what a sign-off came to.
type Signed struct{ Effective, Duplicates, Left int }

// Run confirms them, some at each call, until none is left, and tells what was done, also beside an error.
func (s SignOff) Run(ctx context.Context) (Signed, error) {
	done := Signed{Left: s.Ready}
	for {
		id, err := s.NewID()
		if err != nil {
			return done, fmt.Errorf("make an id: %w", err)
		}
		in := &gatewayv1.SignOffOptOutImportRequest{RequestId: id, Register: s.Register, Ready: int32(done.Left), Note: s.Note}
		out := &gatewayv1.SignOffOptOutImportResponse{}
		if err := s.Caller.Call(ctx, http.MethodPost, path(s.Register)+":signOff", in, out); err != nil {
			return done, fmt.Errorf("sign off: %w", err)
		}
		did := int(out.GetEffective() + out.GetDuplicates())
		done.Effective += int(out.GetEffective())
		done.Duplicates += int(out.GetDuplicates())
		done.Left = int(out.GetLeft())
		s.Meter.done(did, 0)
		if done.Left == 0 {
			return done, nil
		}
		if did == 0 {
			return done, errors.New("the gateway confirms none of those that are left: look at them one by one")
		}
	}
}
