package service

import (
	"context"

	recordv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/record/v1"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/store"
)

// seal is told of opt-out choices.
type seal struct {
	recordv1.UnimplementedSealServiceServer
	store *store.Store
}

// ApplyChoice keeps the highest choice told for a person.
func (s *seal) ApplyChoice(ctx context.Context, req *recordv1.ApplyChoiceRequest) (*recordv1.ApplyChoiceResponse, error) {
	number, err := parseNumber(req.GetNhsNumber(), "nhs_number")
	if err != nil {
		return nil, err
	}
	kept, err := s.store.ApplyChoice(ctx, number, store.Choice{Number: req.GetChoiceNumber(), Sealed: req.GetSealed()})
	if err != nil {
		return nil, err
	}
	return &recordv1.ApplyChoiceResponse{ChoiceNumber: kept.Number, Sealed: kept.Sealed}, nil
}
