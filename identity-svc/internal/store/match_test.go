package store_test

import (
	"context"
	"strings"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/dorsetcarerecord/dcr/identity-svc/internal/match"
	"github.com/dorsetcarerecord/dcr/identity-svc/internal/store"
	"github.com/dorsetcarerecord/dcr/internal/postgres"
	"github.com/dorsetcarerecord/dcr/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// county makes people, some twenty of a birth date, as in a county.
func county(t *testing.T) testkit.Handles {
	t.Helper()
	h := testkit.Database(t, store.Schema, store.Migrations)
	for _, text := range []string{
		`INSERT INTO patient (nhs_number, family_name, family_fold, birth_date, updated_at)
		 SELECT lpad(i::text, 10, '0'), 'Name' || i % 100, 'name' || i % 100, to_char(date '1950-01-01' + i % 1000, 'YYYY-MM-DD'), now() FROM generate_series(1, 20000) i`,
		`ANALYZE patient`,
	} {
		if _, err := h.Owner.ExecContext(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

// TestMeantIsOneStatement: the same single statement runs whether somebody is found, and by what, so that neither
// its number nor its work tells.
func TestMeantIsOneStatement(t *testing.T) {
	t.Parallel()
	h := county(t)
	spans := tracetest.NewInMemoryExporter()
	tracer := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
	db, err := postgres.Open(t.Context(), postgres.Config{URL: h.AppURL, TracerProvider: tracer, StatementTimeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	s, err := store.New(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	statements := func(asked match.Asked) (run []string, found int) {
		ctx, span := tracer.Tracer("test").Start(context.Background(), "call")
		people, err := s.Meant(ctx, asked)
		span.End()
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range spans.GetSpans() {
			if s.Name != "call" && !strings.Contains(s.Name, "rows") && !strings.Contains(s.Name, "reset") {
				run = append(run, s.Name)
			}
		}
		spans.Reset()
		return run, len(people)
	}
	statements(match.Asked{NHSNumber: "0000000001", BirthDate: "1950-01-02"}) // prepares it on the connection
	for name, asked := range map[string]match.Asked{
		"number and birth date": {NHSNumber: "0000000001", BirthDate: "1950-01-02"},
		"unknown number":        {NHSNumber: "9990000018", BirthDate: "1950-01-02"},
		"no number":             {BirthDate: "1950-01-02"},
		"nobody's birth date":   {BirthDate: "1901-01-02"},
		"nothing":               {},
	} {
		if run, found := statements(asked); len(run) != 1 {
			t.Errorf("%s: found %d by %q, want one statement", name, found, run)
		}
	}
}

// TestMeantUsesIndexes looks at the plan over many people, as the service's prepared statement gets it.
func TestMeantUsesIndexes(t *testing.T) {
	t.Parallel()
	h := county(t)
	conn, err := h.App.Connx(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	for _, text := range []string{`SET plan_cache_mode = force_generic_plan`, `PREPARE meant (text, text[]) AS ` + store.MeantSQL} {
		if _, err := conn.ExecContext(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
	var plan []string
	if err := conn.SelectContext(t.Context(), &plan, `EXPLAIN EXECUTE meant ('0000000001', '{1950-01-02,1950-01,1950}')`); err != nil {
		t.Fatal(err)
	}
	if text := strings.Join(plan, "\n"); strings.Contains(text, "Seq Scan") {
		t.Errorf("reads everybody:\n%s", text)
	}
}
