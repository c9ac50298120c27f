package rpc

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"google.golang.org/grpc/codes"
)

// serverMetrics are rate, errors and duration of every method. Methods are
// those that are registered, so their number is bounded.
type serverMetrics struct {
	calls    metric.Int64Counter
	duration metric.Float64Histogram
}

func newServerMetrics(m metric.Meter) (serverMetrics, error) {
	calls, err1 := m.Int64Counter("dcr.rpc.server.calls",
		metric.WithDescription("Calls answered, by method and gRPC code."))
	duration, err2 := m.Float64Histogram("dcr.rpc.server.duration", metric.WithUnit("s"),
		metric.WithDescription("Time from a call's first check to its answer."),
		metric.WithExplicitBucketBoundaries(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30))
	return serverMetrics{calls, duration}, errors.Join(err1, err2)
}

func (m serverMetrics) record(ctx context.Context, method string, code codes.Code, took time.Duration) {
	by := attribute.String("method", method)
	m.calls.Add(ctx, 1, metric.WithAttributes(by, attribute.String("code", code.String())))
	m.duration.Record(ctx, took.Seconds(), metric.WithAttributes(by))
}
