package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/dorsetcarerecord/dcr/internal/telemetry"
)

func TestConfigurationMustBeWhole(t *testing.T) {
	cases := []struct {
		name string
		cfg  telemetry.Config
		want string
	}{
		{"no name", telemetry.Config{}, "name"},
		{"level", telemetry.Config{Service: "x", LogLevel: "loud"}, "DCR_LOG_LEVEL"},
		{"ratio", telemetry.Config{Service: "x", TraceRatio: 1.5}, "DCR_TRACE_RATIO"},
		{"insecure without endpoint", telemetry.Config{Service: "x", OTLPInsecure: true}, "DCR_OTLP_ENDPOINT"},
		{"authority without endpoint", telemetry.Config{Service: "x", OTLPCAFile: "ca.pem"}, "DCR_OTLP_ENDPOINT"},
		{"no scheme", telemetry.Config{Service: "x", OTLPEndpoint: "host:4317"}, "DCR_OTLP_ENDPOINT"},
		{"other scheme", telemetry.Config{Service: "x", OTLPEndpoint: "ftp://host:4317"}, "scheme"},
		{"password", telemetry.Config{Service: "x", OTLPEndpoint: "https://u:p@host"}, "DCR_OTLP_ENDPOINT"},
		{"clear, not said", telemetry.Config{Service: "x", OTLPEndpoint: "grpc://host:4317"}, "DCR_OTLP_INSECURE"},
		{"clear http, not said", telemetry.Config{Service: "x", OTLPEndpoint: "http://host:4318"}, "DCR_OTLP_INSECURE"},
		{"TLS and insecure", telemetry.Config{Service: "x", OTLPEndpoint: "grpcs://host:4317", OTLPInsecure: true}, "DCR_OTLP_INSECURE"},
		{"clear and authority", telemetry.Config{Service: "x", OTLPEndpoint: "http://h:1", OTLPInsecure: true, OTLPCAFile: "c"}, "DCR_OTLP_CA_FILE"},
		{"absent authority", telemetry.Config{Service: "x", OTLPEndpoint: "https://h:1", OTLPCAFile: "/absent"}, "DCR_OTLP_CA_FILE"},
		{"path of gRPC", telemetry.Config{Service: "x", OTLPEndpoint: "grpcs://host:4317/v1"}, "path"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if _, err := telemetry.Setup(t.Context(), c.cfg); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q in it", err, c.want)
			}
		})
	}
}

func TestLogLinesCarryTheTrace(t *testing.T) {
	var out bytes.Buffer
	tel := setup(t, telemetry.Config{Service: "record-svc", Instance: "r1", Output: &out})
	ctx, span := tel.Tracer.Tracer("test").Start(t.Context(), "call")
	tel.Log.With("a", 1).InfoContext(ctx, "hello")
	span.End()
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	sc := span.SpanContext()
	if line["trace_id"] != sc.TraceID().String() || line["span_id"] != sc.SpanID().String() || line["service"] != "record-svc" {
		t.Errorf("got %v", line)
	}
	out.Reset()
	tel.Log.Debug("below the level")
	tel.Log.Info("no trace")
	if s := out.String(); strings.Contains(s, "below") || strings.Contains(s, "trace_id") {
		t.Errorf("got %s", s)
	}
}

// TestNothingWaitsForACollector starts and stops with a collector that is not there.
func TestNothingWaitsForACollector(t *testing.T) {
	for _, endpoint := range []string{"", "grpc://127.0.0.1:1", "http://127.0.0.1:1"} {
		began := time.Now()
		tel, err := telemetry.Setup(t.Context(), telemetry.Config{
			Service: "x", OTLPEndpoint: endpoint, OTLPInsecure: endpoint != "", TraceRatio: 1, Output: io.Discard})
		if err != nil {
			t.Fatal(err)
		}
		for range 100 {
			_, span := tel.Tracer.Tracer("test").Start(t.Context(), "call")
			span.End()
		}
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("%q: spans took %v", endpoint, took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		_ = tel.Shutdown(ctx) // may report the loss; must not wait longer than its context
		cancel()
		if took := time.Since(began); took > 4*time.Second {
			t.Errorf("%q: shutdown took %v in all", endpoint, took)
		}
	}
}

// TestSpansCarryNoPersonalData looks at the bytes that a collector receives.
func TestSpansCarryNoPersonalData(t *testing.T) {
	var mu sync.Mutex
	var got bytes.Buffer
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		_, _ = io.Copy(&got, r.Body)
	}))
	defer collector.Close()
	tel := setup(t, telemetry.Config{Service: "gateway", OTLPEndpoint: collector.URL, OTLPInsecure: true, TraceRatio: 1})
	tracer := tel.Tracer.Tracer("test")
	_, linked := tracer.Start(t.Context(), "linked")
	_, span := tracer.Start(t.Context(), "GET /v1/patients/9990002673/record",
		trace.WithLinks(trace.Link{SpanContext: linked.SpanContext(), Attributes: secretAttr("link")}))
	span.SetAttributes(
		attribute.String("url.path", "/v1/patients/9990002673/record"),
		attribute.String("db.query.text", "select 'Anning'"),
		attribute.String("user_agent.original", "Anning's phone"),
		attribute.String("http.route", "/v1/patients/{nhs_number}/record"))
	span.AddEvent("note", trace.WithAttributes(secretAttr("event")...))
	span.RecordError(errors.New("no such person: Anning"))
	span.SetStatus(codes.Error, "Anning is unknown")
	span.End()
	if err := tel.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	sent := got.String()
	for _, personal := range []string{"9990002673", "Anning"} {
		if strings.Contains(sent, personal) {
			t.Errorf("%q was exported", personal)
		}
	}
	for _, wanted := range []string{"/v1/patients/{nhs_number}/record", "GET /v1/patients/#/record", "gateway"} {
		if !strings.Contains(sent, wanted) {
			t.Errorf("%q was not exported", wanted)
		}
	}
}

func TestBaggageIsNotPropagated(t *testing.T) {
	tel := setup(t, telemetry.Config{Service: "x"})
	in := propagation.MapCarrier{
		"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
		"baggage":     "patient=9990002673",
	}
	out := propagation.MapCarrier{}
	tel.Propagator.Inject(tel.Propagator.Extract(t.Context(), in), out)
	if out["traceparent"] != in["traceparent"] || out["baggage"] != "" {
		t.Errorf("got %v", out)
	}
}

func TestOps(t *testing.T) {
	tel := setup(t, telemetry.Config{Service: "x", OpsListen: "127.0.0.1:0"})
	calls, err := tel.Meter.Meter("test").Int64Counter("dcr.test.calls")
	if err != nil {
		t.Fatal(err)
	}
	calls.Add(t.Context(), 3)
	ops, err := tel.ListenOps()
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- ops.Serve() }()
	url := "http://" + ops.Addr()
	expect(t, url+"/livez", 200, "ok")
	expect(t, url+"/readyz", 503, "starting")
	tel.Readiness.Ready()
	expect(t, url+"/readyz", 200, "ok")
	expect(t, url+"/metrics", 200, "dcr_test_calls_total 3")
	expect(t, url+"/", 404, "")
	tel.Readiness.Drain()
	tel.Readiness.Ready() // there is no way back
	expect(t, url+"/readyz", 503, "draining")
	expect(t, url+"/livez", 200, "ok")
	if err := errors.Join(ops.Stop(t.Context()), <-served, ops.Stop(t.Context())); err != nil {
		t.Error(err)
	}
}

func TestOpsWithoutAddress(t *testing.T) {
	ops, err := setup(t, telemetry.Config{Service: "x"}).ListenOps()
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- ops.Serve() }()
	if err := errors.Join(ops.Stop(t.Context()), <-served); err != nil || ops.Addr() != "" {
		t.Errorf("got %v, address %q", err, ops.Addr())
	}
}

func TestReadinessChecks(t *testing.T) {
	var out bytes.Buffer
	tel := setup(t, telemetry.Config{Service: "x", Output: &out})
	release, broken := make(chan struct{}), fmt.Errorf("ping: %w", errors.New("host db-7 said Anning"))
	runs := 0
	tel.Readiness.Add("database", func(context.Context) error { return broken })
	tel.Readiness.Add("audit", func(context.Context) error { runs++; <-release; return nil })
	tel.Readiness.Add("clock", func(context.Context) error { return nil })
	tel.Readiness.Ready()
	handler := tel.OpsHandler()
	ask := func() (int, string) {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
		return w.Code, w.Body.String()
	}
	for range 2 {
		began := time.Now()
		if code, body := ask(); code != 503 || body != "not ready: audit, database\n" {
			t.Errorf("got %d %q", code, body)
		}
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("a hanging check held the probe for %v", took)
		}
	}
	if log := out.String(); strings.Contains(log, "Anning") || strings.Count(log, `"check":"database"`) != 1 {
		t.Errorf("the log says %s", log)
	}
	broken = nil
	close(release)
	if code, body := ask(); code != 200 {
		t.Errorf("got %d %q", code, body)
	}
	if runs > 2 {
		t.Errorf("the hanging check was started %d times", runs)
	}
}

func setup(t *testing.T, cfg telemetry.Config) *telemetry.Telemetry {
	t.Helper()
	if cfg.Output == nil {
		cfg.Output = io.Discard
	}
	tel, err := telemetry.Setup(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return tel
}

func expect(t *testing.T, url string, code int, text string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != code || !strings.Contains(string(body), text) {
		t.Errorf("%s: %d %v, want %d with %q", url, resp.StatusCode, err, code, text)
	}
}

func secretAttr(key string) []attribute.KeyValue {
	return []attribute.KeyValue{attribute.String(key, "Anning")}
}
