package outbox

import (
	"context"
	"errors"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// countByTopic is the state of the outbox; ages are in seconds.
const countByTopic = `
SELECT topic, count(*) - count(parked_at) AS waiting, count(parked_at) AS parked,
       coalesce(extract(epoch FROM now() - min(created_at) FILTER (WHERE parked_at IS NULL)), 0)::float8 AS oldest
FROM outbox GROUP BY topic ORDER BY topic`

// Stat is the state of one topic.
type Stat struct {
	Topic   string  `db:"topic"`
	Waiting int64   `db:"waiting"` // messages to be delivered
	Parked  int64   `db:"parked"`  // messages refused for good
	Oldest  float64 `db:"oldest"`  // age of the oldest waiting one, in seconds
}

// Stats counts what is in the outbox.
func (d *Dispatcher) Stats(ctx context.Context) ([]Stat, error) {
	var stats []Stat
	if err := d.stmts.Select(ctx, nil, &stats, countByTopic); err != nil {
		return nil, fmt.Errorf("count messages: %w", err)
	}
	return stats, nil
}

// Warning says that an operator must look at parked messages; nil when there are none. It is a warning and
// no reason to stop serving: all replicas share the outbox, so none would be left.
func (d *Dispatcher) Warning(ctx context.Context) error {
	stats, err := d.Stats(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, s := range stats {
		if s.Parked > 0 {
			errs = append(errs, fmt.Errorf("outbox: %d messages of topic %s were refused for good", s.Parked, s.Topic))
		}
	}
	return errors.Join(errs...)
}

// meters are the dispatcher's metrics. The gauges show the shared table, so every replica reports the same.
type meters struct {
	deliveries   metric.Int64Counter
	registration metric.Registration
}

func (d *Dispatcher) newMeters(provider metric.MeterProvider) (meters, error) {
	meter := provider.Meter("github.com/dorsetcarerecord/dcr/internal/outbox")
	waiting, errWaiting := meter.Int64ObservableGauge("dcr.outbox.waiting", metric.WithDescription("Messages to be delivered, by topic."))
	parked, errParked := meter.Int64ObservableGauge("dcr.outbox.parked", metric.WithDescription("Messages that their receiver refused for good, by topic. Anything but 0 needs an operator."))
	oldest, errOldest := meter.Float64ObservableGauge("dcr.outbox.oldest", metric.WithUnit("s"), metric.WithDescription("Age of the oldest message to be delivered, by topic."))
	deliveries, errDeliveries := meter.Int64Counter("dcr.outbox.deliveries", metric.WithDescription("Deliveries, by topic and outcome: delivered, failed, refused."))
	if err := errors.Join(errWaiting, errParked, errOldest, errDeliveries); err != nil {
		return meters{}, err
	}
	registration, err := meter.RegisterCallback(func(ctx context.Context, to metric.Observer) error {
		stats, err := d.Stats(ctx)
		if err != nil {
			return err
		}
		byTopic := map[string]Stat{}
		for _, topic := range d.topics {
			byTopic[topic] = Stat{Topic: topic} // an empty outbox shows as 0, not as nothing
		}
		for _, s := range stats {
			byTopic[s.Topic] = s
		}
		for _, s := range byTopic {
			topic := metric.WithAttributes(attribute.String("topic", s.Topic))
			to.ObserveInt64(waiting, s.Waiting, topic)
			to.ObserveInt64(parked, s.Parked, topic)
			to.ObserveFloat64(oldest, s.Oldest, topic)
		}
		return nil
	}, waiting, parked, oldest)
	return meters{deliveries: deliveries, registration: registration}, err
}

// delivered counts one delivery.
func (m meters) delivered(ctx context.Context, topic, outcome string) {
	m.deliveries.Add(ctx, 1, metric.WithAttributes(attribute.String("topic", topic), attribute.String("outcome", outcome)))
}
