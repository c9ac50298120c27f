package app

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
)

const (
	requestID = "7f0d6a52-2f0e-4f39-9d0a-0f6c2b1f3f11"
	declare   = `{"request_id":"` + requestID + `","kind":"RELATIONSHIP_KIND_SELF_DECLARED","reason_code":"04","reason_text":"attending at the scene"}`
)

// TestDefaultsOfGRPCGatewayAreClosed: each row is let through by grpc-gateway as it comes (docs/design, stack).
func TestDefaultsOfGRPCGatewayAreClosed(t *testing.T) {
	s := newStack(t)
	token := s.paramedic()
	declarePath := "/v1/patients/" + rich + "/care-relationships"
	rows := []struct {
		name          string
		call          call
		status        int
		reason, field string
	}{
		{"unknown JSON field", call{method: "POST", path: declarePath, body: `{"nickname":"x"}`}, 400, "UNKNOWN_FIELD", "nickname"},
		{"camel case name", call{method: "POST", path: declarePath, body: `{"requestId":"x"}`}, 400, "UNKNOWN_FIELD", "requestId"},
		{"nested unknown field", call{method: "PUT", path: "/v1/organisations/R0D", body: `{"organisation":{"colour":1}}`}, 400, "UNKNOWN_FIELD", "organisation.colour"},
		{"trailing data", call{method: "POST", path: declarePath, body: declare + `{"kind":"x"}`}, 400, "INVALID_JSON", ""},
		{"trailing word", call{method: "POST", path: declarePath, body: declare + ` x`}, 400, "INVALID_JSON", ""},
		{"path and body differ", call{method: "POST", path: declarePath, body: `{"nhs_number":"` + stranger + `"}`}, 400, "FIELD_MISMATCH", "nhs_number"},
		{"field given twice", call{method: "POST", path: declarePath, body: `{"kind":"RELATIONSHIP_KIND_EMERGENCY","kind":"RELATIONSHIP_KIND_SELF_DECLARED"}`}, 400, "DUPLICATE_FIELD", "kind"},
		{"enum by number", call{method: "POST", path: declarePath, body: `{"kind":6}`}, 400, "INVALID_ARGUMENT", "kind"},
		{"enum by unknown name", call{method: "POST", path: declarePath, body: `{"kind":"FRIEND"}`}, 400, "INVALID_ARGUMENT", "kind"},
		{"text where a number belongs", call{method: "POST", path: declarePath, body: `{"duration_hours":"4"}`}, 400, "INVALID_ARGUMENT", "duration_hours"},
		{"fraction", call{method: "POST", path: declarePath, body: `{"duration_hours":4.5}`}, 400, "INVALID_ARGUMENT", "duration_hours"},
		{"no time", call{method: "POST", path: "/v1/audit/events:list", body: `{"from":"yesterday"}`}, 400, "INVALID_ARGUMENT", "from"},
		{"not JSON", call{method: "POST", path: declarePath, body: `<xml/>`}, 400, "INVALID_JSON", ""},
		{"cut off", call{method: "POST", path: declarePath, body: declare[:40]}, 400, "INVALID_JSON", ""},
		{"a list", call{method: "POST", path: declarePath, body: `[` + declare + `]`}, 400, "INVALID_JSON", ""},
		{"not UTF-8", call{method: "POST", path: declarePath, body: "{\"reason_text\":\"\xff\"}"}, 400, "INVALID_JSON", ""},
		{"JSON as text", call{method: "POST", path: declarePath, body: declare, header: http.Header{"Content-Type": {"text/plain"}}}, 415, "UNSUPPORTED_CONTENT_TYPE", ""},
		{"no content type", call{method: "POST", path: declarePath, body: declare, header: http.Header{"Content-Type": {""}}}, 415, "UNSUPPORTED_CONTENT_TYPE", ""},
		{"another charset", call{method: "POST", path: declarePath, body: declare, header: http.Header{"Content-Type": {"application/json; charset=latin1"}}}, 415, "UNSUPPORTED_CONTENT_TYPE", ""},
		{"compressed", call{method: "POST", path: declarePath, body: declare, header: http.Header{"Content-Encoding": {"gzip"}}}, 415, "UNSUPPORTED_CONTENT_TYPE", ""},
		{"a form", call{method: "POST", path: declarePath, body: "kind=6", header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}}, 415, "UNSUPPORTED_CONTENT_TYPE", ""},
		{"a form instead of GET", call{method: "POST", path: "/v1/patients/" + rich, body: "a=b", header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}}, 405, "METHOD_NOT_ALLOWED", ""},
		{"method override", call{method: "POST", path: "/v1/patients/" + rich, body: "a=b", header: http.Header{
			"Content-Type": {"application/x-www-form-urlencoded"}, "X-Http-Method-Override": {"GET"}}}, 400, "METHOD_OVERRIDE", "X-Http-Method-Override"},
		{"body over its limit", call{method: "POST", path: declarePath, body: `{"reason_text":"` + strings.Repeat("x", 1<<20) + `"}`}, 413, "BODY_TOO_LARGE", ""},
		{"10,000-deep lists", call{method: "POST", path: declarePath, body: `{"kind":` + strings.Repeat("[", 10000) + strings.Repeat("]", 10000) + `}`}, 400, "INVALID_ARGUMENT", "kind"},
		{"10,000-deep unknown", call{method: "POST", path: declarePath, body: strings.Repeat(`{"a":`, 10000) + `1` + strings.Repeat(`}`, 10000)}, 400, "UNKNOWN_FIELD", "a"},
		{"unknown query parameter", call{method: "GET", path: "/v1/patients/" + rich + "/record?section=allergies"}, 400, "UNKNOWN_FIELD", "section"},
		{"query that repeats the path", call{method: "GET", path: "/v1/patients/" + rich + "/record?nhs_number=" + stranger}, 400, "UNKNOWN_FIELD", "nhs_number"},
		{"query beside a body", call{method: "POST", path: declarePath + "?kind=6", body: declare}, 400, "UNKNOWN_FIELD", "kind"},
		{"query given twice", call{method: "GET", path: "/v1/patients/" + rich + "/record/entries?code=1&code=2"}, 400, "DUPLICATE_FIELD", "code"},
		{"query that is no number", call{method: "GET", path: "/v1/patients/" + rich + "/record/entries?page_size=ten"}, 400, "INVALID_ARGUMENT", "page_size"},
		{"query that is no time", call{method: "GET", path: "/v1/patients/" + rich + "/record/entries?since=2020"}, 400, "INVALID_ARGUMENT", "since"},
		{"query that cannot be read", call{method: "GET", path: "/v1/patients/" + rich + "/record/entries?since=%zz"}, 400, "INVALID_ARGUMENT", ""},
		{"enum by number in a query", call{method: "GET", path: "/v1/audit/events?outcome=3"}, 400, "INVALID_ARGUMENT", "outcome"},
		{"body on a GET", call{method: "GET", path: "/v1/patients/" + rich, body: `{}`}, 400, "BODY_NOT_ALLOWED", ""},
		{"unknown path", call{method: "GET", path: "/v1/patient/" + rich}, 404, "NOT_FOUND", ""},
		{"trailing slash", call{method: "GET", path: "/v1/me/"}, 404, "NOT_FOUND", ""},
		{"wrong method", call{method: "DELETE", path: "/v1/patients/" + rich}, 405, "METHOD_NOT_ALLOWED", ""},
		{"options", call{method: "OPTIONS", path: "/v1/me"}, 405, "METHOD_NOT_ALLOWED", ""},
		{"two tokens", call{method: "GET", path: "/v1/me", header: http.Header{"Authorization": {"Bearer " + token, "Bearer x"}}}, 400, "INVALID_HEADER", "Authorization"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			row.call.token = token
			wantRefused(t, s.do(row.call), row.status, row.reason, row.field)
		})
	}
	if n := countOf[*identityv1.DeclareCareRelationshipRequest](s.behind); n != 0 {
		t.Errorf("%d refused requests changed something", n)
	}
}

func TestHeadersDoNotReachTheChain(t *testing.T) {
	s := newStack(t)
	got := s.do(call{method: "GET", path: "/v1/me", token: s.paramedic(), header: http.Header{
		"Grpc-Timeout":                  {"1n"},
		"Grpc-Metadata-Authorization":   {"Bearer " + s.admin()},
		"Grpc-Metadata-X-Request-Id":    {requestID},
		"Grpc-Metadata-X-Forwarded-For": {"10.0.0.9"},
		"X-Forwarded-For":               {"10.0.0.9"},
		"X-Forwarded-Host":              {"elsewhere"},
		"Forwarded":                     {"for=10.0.0.9"},
		"Te":                            {"trailers"},
		"X-Request-Id":                  {"999 000 2673"},
	}})
	if got.status != 200 || !bytes.Contains(got.body, []byte(`R1070`)) {
		t.Fatalf("got %d %s", got.status, got.body)
	}
	if id := got.header.Get("X-Request-Id"); id == requestID || strings.Contains(id, "999") {
		t.Errorf("request id %q is the caller's", id)
	}
	origin := s.behind.accounted("me.view")[0].GetOrigin()
	if origin.GetClientAddress() != "127.0.0.1" || origin.GetSurface() != "rest" || origin.GetRequestId() != got.header.Get("X-Request-Id") {
		t.Errorf("origin %v", origin)
	}
	again := s.do(call{method: "GET", path: "/v1/me", header: http.Header{"Grpc-Metadata-Authorization": {"Bearer " + s.paramedic()}}})
	wantRefused(t, again, 401, "UNAUTHENTICATED", "")
}

func TestARequestIDThatIsAUUIDIsKept(t *testing.T) {
	s := newStack(t)
	got := s.do(call{method: "GET", path: "/v1/me", token: s.paramedic(), header: http.Header{"X-Request-Id": {requestID}}})
	if got.header.Get("X-Request-Id") != requestID || s.behind.accounted("me.view")[0].GetOrigin().GetRequestId() != requestID {
		t.Errorf("request id %q", got.header.Get("X-Request-Id"))
	}
}

func TestATrustedProxySaysForWhomItSpeaks(t *testing.T) {
	s := newStack(t, func(c *Config) { c.Public.TrustedProxies = []string{"127.0.0.0/8", "10.1.0.0/16"} })
	s.do(call{method: "GET", path: "/v1/me", token: s.paramedic(), header: http.Header{
		"X-Forwarded-For": {"192.0.2.1, 198.51.100.7", "10.1.2.3"}}})
	if got := s.behind.accounted("me.view")[0].GetOrigin().GetClientAddress(); got != "198.51.100.7" {
		t.Errorf("client address %q, want the last one that no trusted proxy has", got)
	}
}

// TestEveryAnswerIsGuarded: whatever it is, it is not stored, framed or sniffed.
func TestEveryAnswerIsGuarded(t *testing.T) {
	s := newStack(t)
	for _, c := range []call{
		{method: "GET", path: "/v1/me", token: s.paramedic()},
		{method: "GET", path: "/v1/me"},
		{method: "GET", path: "/nowhere"},
		{method: "GET", path: "/livez"},
		{method: "GET", path: "/openapi.json"},
		{method: "GET", path: "/fhir/R4/metadata"},
		{method: "HEAD", path: "/v1/patients/" + rich + "/record", token: s.paramedic()},
		{method: "GET", path: "/v1/patients/" + rich + "/record", token: s.paramedic()},
	} {
		got := s.do(c)
		for name, want := range map[string]string{
			"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
		} {
			if have := got.header.Get(name); have != want {
				t.Errorf("%s %s: %s is %q", c.method, c.path, name, have)
			}
		}
		if c.method == "HEAD" && (got.status != 405 || got.header.Get("Allow") != "GET") {
			t.Errorf("HEAD: %d, Allow %q", got.status, got.header.Get("Allow"))
		}
	}
}

// endless is a body without end, sent in chunks.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// TestABodyWithoutEndIsAnswered: it is cut at the limit of the call, or the answer would never come.
func TestABodyWithoutEndIsAnswered(t *testing.T) {
	s := newStack(t)
	for _, path := range []string{"/v1/patients:search", "/fhir/R4"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+s.doors.rest.Addr()+path, io.NopCloser(endless{}))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+s.system())
		req.Header.Set("Content-Type", "application/json")
		resp, err := s.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusRequestEntityTooLarge || !resp.Close {
			t.Errorf("%s: %d, closes %v", path, resp.StatusCode, resp.Close)
		}
	}
}

// TestNobodyUnknownMakesUsReadABundle: without a token the answer does not wait for the body.
func TestNobodyUnknownMakesUsReadABundle(t *testing.T) {
	s := newStack(t)
	got := s.do(call{method: "POST", path: "/fhir/R4", body: strings.Repeat(" ", 8<<20)})
	if got.status != 401 || got.header.Get("WWW-Authenticate") == "" {
		t.Errorf("got %d %v", got.status, got.header)
	}
}

func TestHTTP2(t *testing.T) {
	s := newStack(t)
	transport := s.client.Transport.(*http.Transport).Clone()
	transport.ForceAttemptHTTP2 = true
	defer transport.CloseIdleConnections()
	got := s.do(call{method: "GET", path: "/v1/me", token: s.paramedic(), client: &http.Client{Transport: transport}})
	if got.proto != "HTTP/2.0" || got.status != 200 {
		t.Errorf("%s %d", got.proto, got.status)
	}
}

func TestOpenPaths(t *testing.T) {
	s := newStack(t)
	if got := s.do(call{method: "GET", path: "/openapi.json"}); !bytes.Contains(got.body, []byte(`"swagger"`)) {
		t.Errorf("openapi: %d %.80s", got.status, got.body)
	}
	if got := s.do(call{method: "GET", path: "/livez"}); got.status != 200 {
		t.Errorf("livez: %d", got.status)
	}
	await(t, "readyz", func() bool { return s.do(call{method: "GET", path: "/readyz"}).status == 200 })
	s.tel.Readiness.Drain()
	if got := s.do(call{method: "GET", path: "/readyz"}); got.status != 503 || got.header.Get("Retry-After") == "" {
		t.Errorf("readyz while draining: %d", got.status)
	}
	wantRefused(t, s.do(call{method: "POST", path: "/livez", body: "{}"}), 405, "METHOD_NOT_ALLOWED", "")
}

// TestEveryRPCHasItsRoute: what the contract binds to REST is answered there, and by its own rule.
func TestEveryRPCHasItsRoute(t *testing.T) {
	s := newStack(t)
	for name, path := range map[string]string{
		gatewayv1.AuditService_ListEvents_FullMethodName:                       "/v1/audit/events",
		gatewayv1.CareRelationshipService_ListCareRelationships_FullMethodName: "/v1/patients/" + rich + "/care-relationships",
		gatewayv1.FhirService_ListFeedRefusals_FullMethodName:                  "/v1/feed-refusals",
		gatewayv1.MeService_GetMe_FullMethodName:                               "/v1/me",
		gatewayv1.OptOutService_ListOptOuts_FullMethodName:                     "/v1/opt-outs",
		gatewayv1.OrganisationService_ListOrganisations_FullMethodName:         "/v1/organisations",
		gatewayv1.PatientService_GetPatient_FullMethodName:                     "/v1/patients/" + rich,
		gatewayv1.RecordService_GetRecord_FullMethodName:                       "/v1/patients/" + rich + "/record",
		gatewayv1.StaffService_ListStaff_FullMethodName:                        "/v1/staff",
	} {
		if got := s.do(call{method: "GET", path: path}); got.status != 401 {
			t.Errorf("%s at %s: %d", name, path, got.status)
		}
	}
}
