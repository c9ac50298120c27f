package service

import (
	"context"

	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"

	"github.com/dorsetcarerecord/dcr/internal/fault"
	"github.com/dorsetcarerecord/dcr/internal/nhsnumber"
)

// choices implements ChoiceService.
type choices struct {
	optoutv1.UnimplementedChoiceServiceServer
	*core
}

// GetChoice reads the choice in force, after the call arrived: no cache may answer, and an error is never
// taken for "open".
func (c *choices) GetChoice(ctx context.Context, req *optoutv1.GetChoiceRequest) (*optoutv1.GetChoiceResponse, error) {
	if err := checkNumber(req.GetNhsNumber()); err != nil {
		return nil, err
	}
	s, err := c.store.InForce(ctx, req.GetNhsNumber())
	if err != nil {
		return nil, err
	}
	return &optoutv1.GetChoiceResponse{ChoiceNumber: s.Number, Sealed: s.Sealed}, nil
}

// checkNumber wants a valid NHS number in its plain form.
func checkNumber(s string) error {
	n, err := nhsnumber.Parse(s)
	if err != nil || string(n) != s {
		return fault.Invalid(ReasonNHSNumber, "nhs_number", "must be a valid NHS number of ten digits")
	}
	return nil
}
