package postgres_test

import (
	"fmt"
	"strings"
	"testing"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/dorsetcarerecord/dcr/internal/postgres"
	"github.com/dorsetcarerecord/dcr/internal/testkit"
)

// TestSpansTellNothing runs statements with a person's number in text, values and errors, and looks for it,
// and for the SQL, in all that was recorded.
func TestSpansTellNothing(t *testing.T) {
	t.Parallel()
	h := testkit.Database(t, "record", migrations("record", dml))
	spans := tracetest.NewInMemoryExporter()
	tracer := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
	reader := sdkmetric.NewManualReader()
	db, err := postgres.Open(limit(t), postgres.Config{
		URL: h.AppURL, TracerProvider: tracer, MeterProvider: sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := db.Ping(); err != nil {
		t.Fatal(err)
	}
	if n := len(spans.GetSpans()); n != 0 {
		t.Errorf("%d spans outside any trace: a polling worker would fill the collector", n)
	}
	ctx, span := tracer.Tracer("test").Start(limit(t), "rpc")
	_, _ = db.ExecContext(ctx, "SELECT '"+secret+"'")
	_, _ = db.ExecContext(ctx, "SELECT '"+secret+"x'::int")
	_, _ = db.ExecContext(ctx, "SELECT $1::text", secret)
	_, _ = db.ExecContext(ctx, "SELECT $1::int", secret+"x")
	if stmt, err := db.PreparexContext(ctx, "SELECT $1::int"); err == nil {
		defer func() { _ = stmt.Close() }()
		_, _ = stmt.ExecContext(ctx, secret+"x")
	}
	span.End()
	recorded := spans.GetSpans()
	if len(recorded) < 5 {
		t.Errorf("%d spans: nothing was traced", len(recorded))
	}
	var metrics metricdata.ResourceMetrics
	if err := reader.Collect(ctx, &metrics); err != nil || len(metrics.ScopeMetrics) == 0 {
		t.Errorf("no metrics: %v", err)
	}
	for what, said := range map[string]string{"spans": fmt.Sprintf("%+v", recorded), "metrics": fmt.Sprintf("%+v", metrics)} {
		if strings.Contains(said, secret) || strings.Contains(said, "SELECT") {
			t.Errorf("%s quote a statement: %s", what, said)
		}
	}
}
