package service

import (
	"context"

	recordv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/record/v1"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/store"
)

// safeguarding tells optout-svc who must decide about a child.
type safeguarding struct {
	recordv1.UnimplementedSafeguardingServiceServer
	store *store.Store
}

// HasSafeguardingEntries asks the record, sealed or not, held or not.
func (s *safeguarding) HasSafeguardingEntries(ctx context.Context, req *recordv1.HasSafeguardingEntriesRequest) (*recordv1.HasSafeguardingEntriesResponse, error) {
	number, err := parseNumber(req.GetNhsNumber(), "nhs_number")
	if err != nil {
		return nil, err
	}
	has, err := s.store.HasSafeguarding(ctx, number)
	if err != nil {
		return nil, err
	}
	return &recordv1.HasSafeguardingEntriesResponse{HasEntries: has}, nil
}
