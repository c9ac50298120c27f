package pipeline

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"google.golang.org/grpc/status"

	"github.com/dorsetcarerecord/dcr/internal/fault"
)

// metrics are rate, errors and duration of every exposed method. Methods,
// codes, reasons and surfaces come from short lists, so their number is bounded.
type metrics struct {
	calls    metric.Int64Counter
	duration metric.Float64Histogram
}

func newMetrics(m metric.Meter) (metrics, error) {
	calls, err1 := m.Int64Counter("dcr.gateway.calls",
		metric.WithDescription("Calls answered, by method, gRPC code, reason and surface."))
	duration, err2 := m.Float64Histogram("dcr.gateway.duration", metric.WithUnit("s"),
		metric.WithDescription("Time from a call's arrival in the chain to its answer, its audit included."),
		metric.WithExplicitBucketBoundaries(0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30))
	return metrics{calls, duration}, errors.Join(err1, err2)
}

func (m metrics) record(ctx context.Context, a *attempt, st *status.Status, took time.Duration) {
	by := attribute.String("method", a.method)
	surface := attribute.String("surface", a.call.Origin.Surface)
	m.calls.Add(ctx, 1, metric.WithAttributes(by, surface,
		attribute.String("code", st.Code().String()), attribute.String("reason", fault.ReasonOf(st.Err()))))
	m.duration.Record(ctx, took.Seconds(), metric.WithAttributes(by, surface))
}
