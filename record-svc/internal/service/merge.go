package service

import (
	"context"

	recordv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/record/v1"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/store"
)

// merging has superseded numbers take no part any more.
type merging struct {
	recordv1.UnimplementedMergeServiceServer
	store *store.Store
}

// RetireNumber retires a number that has no record.
func (m *merging) RetireNumber(ctx context.Context, req *recordv1.RetireNumberRequest) (*recordv1.RetireNumberResponse, error) {
	number, err := parseNumber(req.GetNhsNumber(), "nhs_number")
	if err != nil {
		return nil, err
	}
	retired, err := m.store.Retire(ctx, number)
	if err != nil {
		return nil, err
	}
	return &recordv1.RetireNumberResponse{Retired: retired}, nil
}

// RestoreNumber lets feeds name a number again.
func (m *merging) RestoreNumber(ctx context.Context, req *recordv1.RestoreNumberRequest) (*recordv1.RestoreNumberResponse, error) {
	number, err := parseNumber(req.GetNhsNumber(), "nhs_number")
	if err != nil {
		return nil, err
	}
	if err := m.store.Restore(ctx, number); err != nil {
		return nil, err
	}
	return &recordv1.RestoreNumberResponse{}, nil
}
