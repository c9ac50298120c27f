package edge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/dorsetcarerecord/dcr/internal/telemetry"
)

// unmatched is the template of a request that no route matches: its path is
// whatever the caller wrote, and so it is told nowhere.
const unmatched = "(no route)"

// observer writes one log line, one span and the metrics of each HTTP request.
// It is not otelhttp, which puts url.path, and so the NHS number, into every
// span, as well as the client's address and user agent.
type observer struct {
	log        *slog.Logger
	tracer     trace.Tracer
	propagator propagation.TextMapPropagator
	requests   metric.Int64Counter
	duration   metric.Float64Histogram
	now        func() time.Time
}

func newObserver(t *telemetry.Telemetry, limit *Limit, now func() time.Time) (*observer, error) {
	meter := t.Meter.Meter("dcr/edge")
	requests, err1 := meter.Int64Counter("dcr.http.server.requests",
		metric.WithDescription("HTTP requests answered, by method, route template and status."))
	duration, err2 := meter.Float64Histogram("dcr.http.server.duration", metric.WithUnit("s"),
		metric.WithDescription("Time from a request's headers to the end of its answer."),
		metric.WithExplicitBucketBoundaries(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30))
	_, err3 := meter.Int64ObservableGauge("dcr.edge.calls.under_way",
		metric.WithDescription("Calls under way on all surfaces together."),
		metric.WithInt64Callback(func(_ context.Context, o metric.Int64Observer) error {
			o.Observe(int64(limit.UnderWay()))
			return nil
		}))
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, fmt.Errorf("make edge metrics: %w", err)
	}
	return &observer{t.Log, t.Tracer.Tracer("dcr/edge"), t.Propagator, requests, duration, now}, nil
}

// handler stands around everything, so that every request has its line.
func (o *observer) handler(next http.Handler, begin func(*http.Request) *visit) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := o.now()
		v := begin(r)
		ctx := o.propagator.Extract(withVisit(r.Context(), v), traceHeaders(r.Header))
		ctx, span := o.tracer.Start(ctx, known(r.Method), trace.WithSpanKind(trace.SpanKindServer))
		seen := &seen{ResponseWriter: w}
		next.ServeHTTP(seen, r.WithContext(ctx))
		o.record(ctx, span, r, v, seen, o.now().Sub(began))
	})
}

func (o *observer) record(ctx context.Context, span trace.Span, r *http.Request, v *visit, s *seen, took time.Duration) {
	method, template, status := known(r.Method), v.template, s.code()
	if template == "" {
		template = unmatched
	}
	by := []attribute.KeyValue{
		attribute.String("http.request.method", method),
		attribute.String("http.route", template),
		attribute.Int("http.response.status_code", status),
	}
	span.SetName(method + " " + template)
	span.SetAttributes(by...)
	if status >= http.StatusInternalServerError {
		span.SetStatus(codes.Error, "")
	}
	span.End()
	o.requests.Add(ctx, 1, metric.WithAttributes(by...))
	o.duration.Record(ctx, took.Seconds(), metric.WithAttributes(by[:2]...))
	o.log.LogAttrs(ctx, slog.LevelInfo, "http",
		slog.String("method", method),
		slog.String("route", template),
		slog.Int("status", status),
		slog.String("reason", v.reason),
		slog.Int64("bytes", s.bytes),
		slog.Float64("duration_ms", float64(took.Microseconds())/1000),
		slog.String("request_id", v.requestID.String()))
}

// traceHeaders are the only headers that the propagator sees, so that it can
// read nothing else whatever it is set up to read.
func traceHeaders(h http.Header) propagation.MapCarrier {
	c := propagation.MapCarrier{}
	for _, name := range []string{"traceparent", "tracestate"} {
		if v := h.Get(name); v != "" {
			c[name] = v
		}
	}
	return c
}

// known keeps methods that a caller made up out of names and labels.
func known(method string) string {
	switch method {
	case http.MethodGet, http.MethodPost, http.MethodPut, http.MethodHead, http.MethodOptions,
		http.MethodDelete, http.MethodPatch:
		return method
	default:
		return "OTHER"
	}
}

// seen remembers what was answered.
type seen struct {
	http.ResponseWriter
	status int
	bytes  int64
}

// WriteHeader notes the status.
func (s *seen) WriteHeader(status int) {
	if s.status == 0 {
		s.status = status
	}
	s.ResponseWriter.WriteHeader(status)
}

// Write counts bytes.
func (s *seen) Write(b []byte) (int, error) {
	if s.status == 0 {
		s.status = http.StatusOK
	}
	n, err := s.ResponseWriter.Write(b)
	s.bytes += int64(n)
	if err != nil {
		return n, fmt.Errorf("write answer: %w", err)
	}
	return n, nil
}

// Unwrap lets http.ResponseController and MaxBytesReader reach the connection.
func (s *seen) Unwrap() http.ResponseWriter { return s.ResponseWriter }

func (s *seen) code() int {
	if s.status == 0 {
		return http.StatusOK
	}
	return s.status
}
