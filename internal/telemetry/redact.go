package telemetry

import (
	"context"
	"log/slog"
	"regexp"
	"slices"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/dorsetcarerecord/dcr/internal/fault"
)

// redacting stands before every exporter. Instrumentation of libraries records
// what its authors found useful: URL paths with the NHS number in them, SQL
// text, error messages, user agents. So attributes pass by an allow-list, and
// everything that is free text is dropped, whoever wrote it.
type redacting struct {
	next   sdktrace.SpanExporter
	log    *slog.Logger
	digits *regexp.Regexp
}

func newRedacting(next sdktrace.SpanExporter, log *slog.Logger) redacting {
	return redacting{next: next, log: log, digits: regexp.MustCompile(`[0-9][0-9 %-]{3,}[0-9]`)}
}

// ExportSpans passes spans on without what might be personal. A failure is
// logged and goes no further: telemetry that is lost must not break anything.
func (r redacting) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	clean := make([]sdktrace.ReadOnlySpan, len(spans))
	for i, s := range spans {
		clean[i] = redacted{s, r.digits}
	}
	if err := r.next.ExportSpans(ctx, clean); err != nil {
		r.log.Warn("traces could not be exported", "spans", len(spans), "cause", fault.Trail(err))
	}
	return nil
}

// Shutdown stops the exporter.
func (r redacting) Shutdown(ctx context.Context) error { return r.next.Shutdown(ctx) }

// redacted is a span as it may leave the process.
type redacted struct {
	sdktrace.ReadOnlySpan
	digits *regexp.Regexp
}

// Name is the span's name; names come from code and from route templates, so a
// run of digits in one is a mistake and is taken out.
func (s redacted) Name() string {
	return s.digits.ReplaceAllString(s.ReadOnlySpan.Name(), "#")
}

// Attributes are those of the allow-list.
func (s redacted) Attributes() []attribute.KeyValue { return allowed(s.ReadOnlySpan.Attributes()) }

// Events are dropped: they hold error messages and stacks.
func (s redacted) Events() []sdktrace.Event { return nil }

// Links keep the trace they point at and lose their attributes.
func (s redacted) Links() []sdktrace.Link {
	links := slices.Clone(s.ReadOnlySpan.Links())
	for i := range links {
		links[i].Attributes = nil
	}
	return links
}

// Status keeps its code and loses its description.
func (s redacted) Status() sdktrace.Status {
	st := s.ReadOnlySpan.Status()
	if st.Code == codes.Error {
		st.Description = ""
	}
	return st
}

// allowed keeps the attributes whose values come from a short list by their
// nature: methods, codes, templates, names of our own machines.
func allowed(all []attribute.KeyValue) []attribute.KeyValue {
	var kept []attribute.KeyValue
	for _, kv := range all {
		if allowedKey(string(kv.Key)) {
			kept = append(kept, kv)
		}
	}
	return kept
}

func allowedKey(key string) bool {
	switch key {
	case "rpc.system", "rpc.system.name", "rpc.service", "rpc.method",
		"rpc.grpc.status_code", "rpc.response.status_code",
		"http.request.method", "http.response.status_code", "http.route",
		"db.system", "db.system.name", "db.operation.name",
		"server.address", "server.port", "error.type":
		return true
	}
	return strings.HasPrefix(key, "dcr.")
}
