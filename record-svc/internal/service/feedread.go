package service

import (
	"context"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/dorsetcarerecord/dcr/internal/fault"
	recordv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/record/v1"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/store"
)

const defaultRefusals = 50

// feedRead tells what became of feeds.
type feedRead struct {
	recordv1.UnimplementedFeedReadServiceServer
	store *store.Store
}

// ListRefusals returns refused bundles, newest first.
func (f *feedRead) ListRefusals(ctx context.Context, req *recordv1.ListRefusalsRequest) (*recordv1.ListRefusalsResponse, error) {
	size := int(req.GetPageSize())
	if size == 0 {
		size = defaultRefusals
	}
	var after *uuid.UUID
	if req.GetAfterId() != "" {
		id, err := uuid.Parse(req.GetAfterId())
		if err != nil {
			return nil, fault.Invalid("INVALID_PAGE_TOKEN", "after_id", "Not a place in this list.")
		}
		after = &id
	}
	all, err := f.store.Refusals(ctx, req.GetSourceOdsCode(), after, size+1)
	if err != nil {
		return nil, err
	}
	out := &recordv1.ListRefusalsResponse{}
	if len(all) > size {
		all = all[:size]
		out.NextAfterId = all[size-1].ID
	}
	for _, r := range all {
		out.Refusals = append(out.Refusals, &recordv1.FeedRefusal{
			Id: r.ID, SourceOdsCode: r.SourceODS, RefusedAt: timestamppb.New(r.RefusedAt), Reason: r.Reason,
			Expression: r.Expression, BundleSha256: r.Digest(),
		})
	}
	return out, nil
}
