package service

import (
	"context"
	"time"

	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/store"
)

// maxMonths is how many months one answer counts.
const maxMonths = 36

// monthForm is a month in the contract.
const monthForm = "2006-01"

// GetStatistics counts requests by month of receipt and channel. See the proto for errors.
func (r *reading) GetStatistics(ctx context.Context, req *optoutv1.GetStatisticsRequest) (*optoutv1.GetStatisticsResponse, error) {
	zone := r.policy.Zone()
	from, err := time.ParseInLocation(monthForm, req.GetFromMonth(), zone)
	if err != nil {
		return nil, invalid("from_month", "must be a month as YYYY-MM")
	}
	to, err := time.ParseInLocation(monthForm, req.GetToMonth(), zone)
	switch {
	case err != nil:
		return nil, invalid("to_month", "must be a month as YYYY-MM")
	case to.Before(from):
		return nil, invalid("to_month", "must not be before from_month")
	case !from.AddDate(0, maxMonths, 0).After(to):
		return nil, invalid("to_month", "must be at most 36 months from from_month")
	}
	counts, err := r.store.Counts(ctx, store.Period{
		From: from, To: to.AddDate(0, 1, 0), Zone: zone.String(), EffectDays: r.policy.Limits().EffectDays,
	})
	if err != nil {
		return nil, err
	}
	now := r.moment()
	open, err := r.store.OpenNow(ctx, r.deadlines().NearBefore(now), r.deadlines().OverdueBefore(now))
	if err != nil {
		return nil, err
	}
	resp := &optoutv1.GetStatisticsResponse{
		OpenNow: open.All, NearDueNow: open.NearDue, OverdueNow: open.Overdue, AsOf: stamp(now), Total: &optoutv1.StatisticsRow{},
	}
	for _, c := range counts {
		if c.Month == "" {
			resp.Total = encodeCount(c)
			continue
		}
		resp.Rows = append(resp.Rows, encodeCount(c))
	}
	return resp, nil
}

func encodeCount(c store.Count) *optoutv1.StatisticsRow {
	return &optoutv1.StatisticsRow{
		Month: c.Month, Channel: optoutv1.Channel(c.Channel), ReceivedOut: c.ReceivedOut, ReceivedIn: c.ReceivedIn, Effective: c.Effective,
		Refused: c.Refused, Withdrawn: c.Withdrawn, Reversed: c.Reversed, Open: c.Open,
		MedianSeconds: int64(c.Median), P95Seconds: int64(c.P95), ConfirmedLate: c.ConfirmedLate,
	}
}
