package blackbox_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
)

// raw sends a REST request as it is.
func (s *suite) raw(t *testing.T, verb, path, token string, header map[string]string, body []byte) result {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), verb, s.rest[0].BaseURL+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	for name, value := range header {
		request.Header.Set(name, value)
	}
	answer, err := s.rest[0].Send(request)
	if err != nil {
		t.Fatalf("%s %s: %v", verb, path, err)
	}
	r := result{
		status: answer.Status, raw: answer.Body, header: answer.Header,
		eventID: answer.Header.Get("Dcr-Event-Id"), requestID: answer.Header.Get("X-Request-Id"),
	}
	if answer.Status != http.StatusOK {
		r.readError(t, answer.Body)
		s.countUnknown(r.status)
	}
	return r
}

func asJSON() map[string]string { return map[string]string{"Content-Type": "application/json"} }

// badRequests of our own API: each with its status, reason and field.
func (s *suite) badRequests(t *testing.T) {
	who := s.hire(t, "R1070", ambulance, "")
	const search = "/v1/patients:search"
	deep := strings.Repeat(`{"a":`, 10_000) + "1" + strings.Repeat("}", 10_000)
	for _, c := range []struct {
		name, verb, path, body string
		header                 map[string]string
		status                 int
		reason, field          string
	}{
		{"not JSON", "POST", search, "family_name=x", asJSON(), 400, "INVALID_JSON", ""},
		{"truncated", "POST", search, `{"family_name":"x`, asJSON(), 400, "INVALID_JSON", ""},
		{"a list", "POST", search, `[]`, asJSON(), 400, "INVALID_JSON", ""},
		{"text/plain", "POST", search, `{"nhs_number":"9990002673"}`, map[string]string{"Content-Type": "text/plain"}, 415, "UNSUPPORTED_CONTENT_TYPE", ""},
		{"another charset", "POST", search, `{}`, map[string]string{"Content-Type": "application/json; charset=latin1"}, 415, "UNSUPPORTED_CONTENT_TYPE", ""},
		{"over 1 MiB", "POST", search, `{"family_name":"` + strings.Repeat("x", 5<<20) + `"}`, asJSON(), 413, "BODY_TOO_LARGE", ""},
		{"10,000 deep", "POST", search, deep, asJSON(), 400, "UNKNOWN_FIELD", "a"},
		{"unknown field", "POST", search, `{"nhs_number":"9990002673","surname":"x"}`, asJSON(), 400, "UNKNOWN_FIELD", "surname"},
		{"a name in camelCase", "POST", search, `{"nhsNumber":"9990002673"}`, asJSON(), 400, "UNKNOWN_FIELD", "nhsNumber"},
		{"a field twice", "POST", search, `{"gender":"male","gender":"female"}`, asJSON(), 400, "DUPLICATE_FIELD", "gender"},
		{"a tail", "POST", search, `{"nhs_number":"9990002673"}{"nhs_number":"9990019576"}`, asJSON(), 400, "INVALID_JSON", ""},
		{"a number for text", "POST", search, `{"nhs_number":9990002673}`, asJSON(), 400, "INVALID_ARGUMENT", "nhs_number"},
		{"no NHS number", "GET", "/v1/patients/12345/record", "", nil, 400, "INVALID_NHS_NUMBER", "nhs_number"},
		{"wrong check digit", "GET", "/v1/patients/" + wrongDigit + "/record", "", nil, 400, "INVALID_NHS_NUMBER", "nhs_number"},
		{"ten equal digits", "GET", "/v1/patients/" + equalDigit + "/record", "", nil, 400, "INVALID_NHS_NUMBER", "nhs_number"},
		{"unknown parameter", "GET", "/v1/organisations?limit=1", "", nil, 400, "UNKNOWN_FIELD", "limit"},
		{"a parameter twice", "GET", "/v1/organisations?page_size=1&page_size=2", "", nil, 400, "DUPLICATE_FIELD", "page_size"},
		{"a size that is none", "GET", "/v1/organisations?page_size=many", "", nil, 400, "INVALID_ARGUMENT", "page_size"},
		{"a page token that is none", "GET", "/v1/organisations?page_token=RYF", "", nil, 400, "INVALID_PAGE_TOKEN", "page_token"},
		{"a body where none belongs", "GET", "/v1/me", `{}`, asJSON(), 400, "BODY_NOT_ALLOWED", ""},
		{"nothing there", "GET", "/v1/patient", "", nil, 404, "NOT_FOUND", ""},
		{"another method", "DELETE", "/v1/me", "", nil, 405, "METHOD_NOT_ALLOWED", ""},
		{"a method overridden", "POST", search, `{}`, map[string]string{"Content-Type": "application/json", "X-HTTP-Method-Override": "GET"}, 400, "METHOD_OVERRIDE", "X-Http-Method-Override"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := s.raw(t, c.verb, c.path, who.token, c.header, []byte(c.body))
			if c.field == "" {
				r.want(t, c.status, c.reason)
			} else {
				r.want(t, c.status, c.reason, c.field)
			}
			if r.requestID == "" || r.header.Get("Cache-Control") != "no-store" {
				t.Errorf("headers of the refusal: %v", r.header)
			}
		})
	}
}

// gatewayDefaults are the rows of STACK's table: what grpc-gateway lets through by itself.
func (s *suite) gatewayDefaults(t *testing.T) {
	who, p := s.hire(t, "R1070", ambulance, ""), s.attended(t)
	t.Run("metadata headers reach no service", func(t *testing.T) {
		header := map[string]string{
			"Grpc-Metadata-Authorization": "Bearer " + s.admin.token, "Grpc-Metadata-X-Request-Id": uuid.NewString(),
			"Grpc-Metadata-X-User": "admin", "Grpc-Metadata-Dcr-Request-Id": uuid.NewString(),
		}
		s.raw(t, http.MethodGet, "/v1/me", "", header, nil).want(t, http.StatusUnauthorized, "UNAUTHENTICATED")
		r := s.raw(t, http.MethodGet, "/v1/me", who.token, header, nil)
		r.want(t, http.StatusOK, "")
		if !bytes.Contains(r.raw, []byte(who.id)) || s.event(t, r.eventID).GetOrigin().GetRequestId() != r.requestID {
			t.Errorf("spoofed metadata changed who asks: %s", r.raw)
		}
	})
	t.Run("forwarded headers are not believed", func(t *testing.T) {
		r := s.raw(t, http.MethodGet, "/v1/me", who.token, map[string]string{
			"X-Forwarded-For": "203.0.113.7", "Forwarded": "for=203.0.113.7", "X-Real-Ip": "203.0.113.7", "X-Forwarded-Host": "elsewhere",
		}, nil)
		r.want(t, http.StatusOK, "")
		if from := s.event(t, r.eventID).GetOrigin().GetClientAddress(); from != "127.0.0.1" {
			t.Errorf("the event says that the call came from %s", from)
		}
	})
	t.Run("the client sets no deadline", func(t *testing.T) {
		s.raw(t, http.MethodGet, "/v1/patients/"+p.number+"/record", who.token, map[string]string{"Grpc-Timeout": "1n"}, nil).want(t, http.StatusOK, "")
	})
	t.Run("path and body agree", func(t *testing.T) { s.pathAndBody(t) })
	t.Run("a form is no request", func(t *testing.T) {
		r := s.raw(t, http.MethodPost, "/v1/me", who.token, map[string]string{
			"Content-Type": "application/x-www-form-urlencoded", "X-HTTP-Method-Override": "GET",
		}, []byte("a=b"))
		if r.status == http.StatusOK {
			t.Error("a form ran the GET")
		}
		if r := s.raw(t, http.MethodPost, "/v1/me", who.token, map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, nil); r.status == http.StatusOK {
			t.Error("a POST ran the GET")
		}
	})
}

// pathAndBody: a body that names another thing than the path is refused, and changes neither.
func (s *suite) pathAndBody(t *testing.T) {
	who, p, other := s.hire(t, "R1070", "RBD", ""), s.attended(t), s.attended(t)
	body := `{"request_id":"` + uuid.NewString() + `","nhs_number":"` + other.number + `","kind":"RELATIONSHIP_KIND_EMERGENCY","reason_code":"04",` +
		`"reason_text":"Found unconscious at the quay"}`
	s.raw(t, http.MethodPost, "/v1/patients/"+p.number+"/care-relationships", who.token, asJSON(), []byte(body)).
		want(t, http.StatusBadRequest, "FIELD_MISMATCH", "nhs_number")
	for _, number := range []string{p.number, other.number} {
		mine := &gatewayv1.ListCareRelationshipsResponse{}
		s.ask(t, who, &gatewayv1.ListCareRelationshipsRequest{NhsNumber: number}).into(t, mine)
		if len(mine.GetCareRelationships()) != 0 {
			t.Error("a refused declaration made a relationship")
		}
	}
}

// badTokens beyond those of the matrix: headers that are not one bearer token, and keys that rotate.
func (s *suite) badTokens(t *testing.T) {
	who := s.hire(t, "R1070", ambulance, "")
	for name, value := range map[string]string{
		"no scheme": who.token, "basic": "Basic " + who.token, "empty": "Bearer ", "two tokens": "Bearer " + who.token + " " + who.token,
		"lists": "Bearer " + who.token + ", Bearer " + who.token,
	} {
		r := s.raw(t, http.MethodGet, "/v1/me", "", map[string]string{"Authorization": value}, nil)
		if d := r.differs(http.StatusUnauthorized, "UNAUTHENTICATED"); d != "" {
			t.Errorf("%s: %s", name, d)
		}
		if r.header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s: no WWW-Authenticate", name)
		}
	}
	t.Run("keys rotate without a restart", func(t *testing.T) {
		if err := s.stack.RotateIssuerKeys(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, signed := range []member{s.signIn(t, "R1070"), who} {
			for gateway := range s.rest {
				s.askAt(t, gateway, signed, &gatewayv1.GetMeRequest{}).want(t, http.StatusOK, "")
			}
		}
	})
}
