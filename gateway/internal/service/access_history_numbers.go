package service

import (
	"context"
	"slices"

	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"

	"github.com/dorsetcarerecord/dcr/gateway/internal/pipeline"
	"github.com/dorsetcarerecord/dcr/internal/nhsnumber"
)

const (
	// mostNumbers bounds how many numbers one person had.
	mostNumbers = 16
	allMerges   = 200
)

// numbersOf are the number in force and those that were merged into it, directly or through another: the events of
// a merged number stay under it. Numbers that are merely linked, or apart again, are not known to be one person's.
func (h *accessHistory) numbersOf(ctx context.Context, c *pipeline.Call) ([]nhsnumber.Number, error) {
	all := []nhsnumber.Number{c.NHSNumber}
	if c.AskedNHSNumber != "" && c.AskedNHSNumber != c.NHSNumber {
		all = append(all, c.AskedNHSNumber)
	}
	for i := 0; i < len(all) && len(all) < mostNumbers; i++ {
		got, err := h.merges.ListMerges(ctx, &identityv1.ListMergesRequest{NhsNumber: string(all[i]), PageSize: allMerges})
		if err != nil {
			return nil, told(err)
		}
		for _, m := range got.GetMerges() {
			former := nhsnumber.Number(m.GetSupersededNhsNumber())
			if m.GetState() == identityv1.MergeState_MERGE_STATE_PUBLISHED && m.GetNhsNumber() == string(all[i]) && !slices.Contains(all, former) {
				all = append(all, former)
			}
		}
	}
	return all, nil
}
