package postroom

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/post"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/store"
)

// meters are the room's metrics: counts, ways and reasons, nothing of a person. The gauges show the shared
// table, so every replica reports the same.
type meters struct {
	attempts     metric.Int64Counter
	registration metric.Registration
}

func newMeters(provider metric.MeterProvider, letters *store.Store) (meters, error) {
	meter := provider.Meter("github.com/dorsetcarerecord/dcr/optout-svc/internal/postroom")
	waiting, errWaiting := meter.Int64ObservableGauge("dcr.letter.waiting", metric.WithDescription("Letters to be sent."))
	oldest, errOldest := meter.Float64ObservableGauge("dcr.letter.oldest", metric.WithUnit("s"), metric.WithDescription("Age of the oldest letter to be sent."))
	failed, errFailed := meter.Int64ObservableGauge("dcr.letter.failed", metric.WithDescription("Letters that failed for good. Anything but 0 needs a privacy officer."))
	attempts, errAttempts := meter.Int64Counter("dcr.letter.attempts", metric.WithDescription("Attempts at sending, by way, outcome (sent, postponed, failed, returned) and reason."))
	if err := errors.Join(errWaiting, errOldest, errFailed, errAttempts); err != nil {
		return meters{}, err
	}
	registration, err := meter.RegisterCallback(func(ctx context.Context, to metric.Observer) error {
		stat, err := letters.LetterStats(ctx)
		if err != nil {
			return err
		}
		to.ObserveInt64(waiting, stat.Queued)
		to.ObserveFloat64(oldest, stat.Oldest)
		to.ObserveInt64(failed, stat.Failed)
		return nil
	}, waiting, oldest, failed)
	return meters{attempts: attempts, registration: registration}, err
}

// attempted counts one attempt, or one letter that came back.
func (m meters) attempted(ctx context.Context, by post.Way, outcome, reason string) {
	m.attempts.Add(ctx, 1, metric.WithAttributes(
		attribute.String("way", string(by)), attribute.String("outcome", outcome), attribute.String("reason", reason)))
}
