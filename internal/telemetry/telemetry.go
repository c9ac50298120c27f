// Package telemetry is what a process tells its operators: a structured log,
// traces when there is a collector, metrics, and whether it is alive and ready.
// None of it carries a person's data: see redact.go for what guards traces.
package telemetry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.opentelemetry.io/otel/attribute"
	otelprom "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Telemetry is handed to whatever has something to tell. There are no global
// providers.
type Telemetry struct {
	Log    *slog.Logger
	Tracer trace.TracerProvider
	Meter  metric.MeterProvider
	// Propagator carries W3C trace context. Baggage is left out: it takes
	// anybody's text along to every service.
	Propagator propagation.TextMapPropagator
	// Registry is what /metrics shows.
	Registry *prometheus.Registry
	// Readiness is what /readyz answers; add the checks of the process to it.
	Readiness *Readiness

	opsListen string
	traces    *sdktrace.TracerProvider
	metrics   *sdkmetric.MeterProvider
}

// Setup makes the telemetry of a process. Without a collector no exporter
// exists and nothing waits for one; an unreachable collector costs traces and
// nothing else. It fails when a setting is wrong or half present.
func Setup(ctx context.Context, cfg Config) (*Telemetry, error) {
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("set up telemetry: %w", err)
	}
	level, err := cfg.level()
	if err != nil {
		return nil, fmt.Errorf("set up telemetry: %w", err)
	}
	if cfg.Instance == "" {
		if cfg.Instance, err = os.Hostname(); err != nil {
			return nil, fmt.Errorf("set up telemetry: name of the host: %w", err)
		}
	}
	t := &Telemetry{
		Log:        newLog(cfg, level),
		Propagator: propagation.TraceContext{},
		Registry:   prometheus.NewRegistry(),
		opsListen:  cfg.OpsListen,
	}
	t.Readiness = NewReadiness(t.Log)
	self := resource.NewSchemaless(
		attribute.String("service.name", cfg.Service),
		attribute.String("service.version", cfg.Version),
		attribute.String("service.instance.id", cfg.Instance),
	)
	if err := t.setupMetrics(self); err != nil {
		return nil, fmt.Errorf("set up metrics: %w", err)
	}
	if err := t.setupTraces(ctx, cfg, self); err != nil {
		return nil, fmt.Errorf("set up traces: %w", err)
	}
	return t, nil
}

// Shutdown sends what is left and stops. It is the last step of a process,
// since the steps before it still have something to tell.
func (t *Telemetry) Shutdown(ctx context.Context) error {
	if err := errors.Join(t.traces.Shutdown(ctx), t.metrics.Shutdown(ctx)); err != nil {
		return fmt.Errorf("shut telemetry down: %w", err)
	}
	return nil
}

func (t *Telemetry) setupMetrics(self *resource.Resource) error {
	err := errors.Join(
		t.Registry.Register(collectors.NewGoCollector()),
		t.Registry.Register(collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})),
	)
	if err != nil {
		return err
	}
	exporter, err := otelprom.New(otelprom.WithRegisterer(t.Registry), otelprom.WithoutScopeInfo())
	if err != nil {
		return err
	}
	t.metrics = sdkmetric.NewMeterProvider(sdkmetric.WithReader(exporter), sdkmetric.WithResource(self))
	t.Meter = t.metrics
	return nil
}

// setupTraces always makes trace ids, so that the logs of one call can be
// found together; spans are recorded only when somebody receives them.
func (t *Telemetry) setupTraces(ctx context.Context, cfg Config, self *resource.Resource) error {
	options := []sdktrace.TracerProviderOption{sdktrace.WithResource(self)}
	if cfg.OTLPEndpoint == "" {
		options = append(options, sdktrace.WithSampler(sdktrace.NeverSample()))
	} else {
		exporter, err := newExporter(ctx, cfg)
		if err != nil {
			return err
		}
		options = append(options,
			sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(cfg.TraceRatio))),
			sdktrace.WithBatcher(newRedacting(exporter, t.Log)))
	}
	t.traces = sdktrace.NewTracerProvider(options...)
	t.Tracer = t.traces
	return nil
}

func newLog(cfg Config, level slog.Level) *slog.Logger {
	var out io.Writer = os.Stderr
	if cfg.Output != nil {
		out = cfg.Output
	}
	json := slog.NewJSONHandler(out, &slog.HandlerOptions{Level: level})
	return slog.New(traced{json}).With("service", cfg.Service, "instance", cfg.Instance)
}
