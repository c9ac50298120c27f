package app

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
)

// TestNoPersonInLogsSpansOrMetrics calls with an NHS number wherever one can stand, in every spelling, well and
// badly, and then looks for it in all that the gateway printed, traced and counted.
func TestNoPersonInLogsSpansOrMetrics(t *testing.T) {
	s := newStack(t)
	spaced, dashed := "999 000 2673", "999-000-2673"
	var percent strings.Builder
	for _, b := range []byte(rich) {
		fmt.Fprintf(&percent, "%%%02X", b)
	}
	for _, spelling := range []string{rich, url.PathEscape(spaced), dashed, percent.String()} {
		for _, path := range []string{
			"/v1/patients/%s", "/v1/patients/%s/record", "/v1/patients/%s/record/entries?code=%s", "/v1/patients/%s/record/entries/%s",
			"/v1/patients/%s/nowhere", "/nowhere/%s", "/v1/audit/events?nhs_number=%s", "/v1/opt-outs/%s", "/v1/opt-outs?nhs_number=%s",
			"/v1/staff/%s", "/v1/me?%s=%s", "/v1/organisations/%s", "/fhir/R4/Patient/%s",
		} {
			path = strings.ReplaceAll(path, "%s", spelling)
			for _, token := range []string{s.paramedic(), s.privacy(), ""} {
				s.do(call{method: "GET", path: path, token: token, header: http.Header{
					"X-Request-Id": {rich}, "User-Agent": {rich}, "Referer": {"https://x/" + rich},
				}})
			}
		}
	}
	for _, body := range []string{
		`{"nhs_number":"` + rich + `"}`, `{"nhs_number":"` + spaced + `"}`, `{"` + rich + `":1}`, `{"nhs_number":` + rich + `}`,
		`{"family_name":"` + rich + `","birth_date":"` + rich + `"}`, rich, `{"nhs_number":"` + rich + `"`,
	} {
		for _, path := range []string{"/v1/patients:search", "/v1/patients:get", "/v1/patients:getRecord", "/v1/opt-outs", "/v1/patients/" + rich + ":explainAccess"} {
			s.do(call{method: "POST", path: path, token: s.paramedic(), body: body})
		}
	}
	s.do(call{method: rich, path: "/v1/me", token: s.paramedic()})
	s.behind.set(func() { s.behind.record = []byte(`"` + rich) })
	s.do(call{method: "GET", path: "/v1/patients/" + rich + "/record", token: s.paramedic()})
	if _, err := gatewayv1.NewRecordServiceClient(s.conn()).GetRecord(as(t.Context(), s.paramedic()), &gatewayv1.GetRecordRequest{NhsNumber: rich}); err != nil {
		t.Fatal(err)
	}

	families, err := s.tel.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var metrics strings.Builder
	for _, f := range families {
		metrics.WriteString(f.String() + "\n")
	}
	if err := s.end(); err != nil {
		t.Fatal(err)
	}
	var spans strings.Builder
	for _, span := range s.spans.GetSpans() {
		fmt.Fprintf(&spans, "%s %v %v %v\n", span.Name, span.Attributes, span.Events, span.Status)
	}
	for name, text := range map[string]string{"log": s.log.String(), "spans": spans.String(), "metrics": metrics.String()} {
		if !strings.Contains(text, "/v1/patients/{nhs_number}/record") && name != "metrics" || len(text) < 1000 {
			t.Errorf("the %s do not tell what was called: %.300s", name, text)
		}
		for _, leak := range []string{rich, spaced, dashed, url.PathEscape(spaced), percent.String(), "Anning", "O'Brien", "Secret Street"} {
			if i := strings.Index(text, leak); i >= 0 {
				t.Errorf("the %s hold %q: …%s…", name, leak, text[max(0, i-200):min(len(text), i+60)])
			}
		}
	}
}

// TestOneTrace: a call's span is the parent of what it asks, and its trace is the caller's.
func TestOneTrace(t *testing.T) {
	s := newStack(t)
	const trace = "4bf92f3577b34da6a3ce929d0e0e4736"
	s.do(call{method: "GET", path: "/v1/patients/" + rich, token: s.paramedic(), header: http.Header{
		"Traceparent": {"00-" + trace + "-00f067aa0ba902b7-01"}, "Baggage": {"who=" + rich}}})
	names := map[string]bool{}
	for _, span := range s.spans.GetSpans() {
		if span.SpanContext.TraceID().String() == trace {
			names[span.Name] = true
		}
	}
	for _, want := range []string{"GET /v1/patients/{nhs_number}", "dcr.identity.v1.FactsService/GetStaffFacts", "dcr.audit.v1.AppendService/Append"} {
		if !names[want] {
			t.Errorf("no span %q in the trace: %v", want, names)
		}
	}
	if got := s.behind.accounted("patient.view")[0].GetOrigin().GetTraceId(); got != trace {
		t.Errorf("the event names trace %q", got)
	}
}
