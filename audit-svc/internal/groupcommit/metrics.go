package groupcommit

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/metric"
)

// metrics of a Committer. None has attributes, so none can carry a person's data.
type metrics struct {
	batch      metric.Int64Histogram
	split      metric.Int64Counter
	turnedAway metric.Int64Counter
}

func newMetrics(meter metric.Meter, waiting func() int64) (metrics, error) {
	batch, err1 := meter.Int64Histogram("dcr.audit.commit.events",
		metric.WithDescription("Events that shared a commit."),
		metric.WithExplicitBucketBoundaries(1, 2, 4, 8, 16, 32, 64, 128, 256))
	split, err2 := meter.Int64Counter("dcr.audit.commit.split",
		metric.WithDescription("Batches that failed for one of them and were stored one by one."))
	turnedAway, err3 := meter.Int64Counter("dcr.audit.append.turned_away",
		metric.WithDescription("Appends turned away because too many were waiting."))
	_, err4 := meter.Int64ObservableGauge("dcr.audit.append.waiting",
		metric.WithDescription("Appends that wait for a batch."),
		metric.WithInt64Callback(func(_ context.Context, o metric.Int64Observer) error {
			o.Observe(waiting())
			return nil
		}))
	return metrics{batch: batch, split: split, turnedAway: turnedAway}, errors.Join(err1, err2, err3, err4)
}
