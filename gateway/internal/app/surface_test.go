package app

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/testing/protocmp"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
	recordv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/record/v1"

	"github.com/dorsetcarerecord/dcr/internal/fault"
)

// TestTheMainJobOnBothSurfaces: the three outcomes, over REST and over gRPC, with the same reason and the same
// event; the event says what was released before the body left.
func TestTheMainJobOnBothSurfaces(t *testing.T) {
	s := newStack(t)
	client := gatewayv1.NewRecordServiceClient(s.conn())
	for _, row := range []struct {
		person string
		code   codes.Code
		status int
		reason string
	}{
		{rich, codes.OK, 200, ""},
		{stranger, codes.PermissionDenied, 403, "NO_RELATIONSHIP"},
		{unknown, codes.PermissionDenied, 403, "NO_RELATIONSHIP"},
		{optedOut, codes.PermissionDenied, 403, "NO_PATIENT_CONSENT"},
		{"1234567890", codes.InvalidArgument, 400, "INVALID_NHS_NUMBER"},
	} {
		s.behind.set(func() { s.behind.events = nil })
		over, err := client.GetRecord(as(t.Context(), s.paramedic()), &gatewayv1.GetRecordRequest{NhsNumber: row.person})
		if status.Code(err) != row.code || fault.ReasonOf(err) != row.reason {
			t.Errorf("gRPC %s: %v", row.person, err)
		}
		rest := s.do(call{method: "GET", path: "/v1/patients/" + row.person + "/record", token: s.paramedic()})
		post := s.do(call{method: "POST", path: "/v1/patients:getRecord", token: s.paramedic(), body: `{"nhs_number":"` + row.person + `"}`})
		if row.reason == "" {
			wantView(t, over.GetBody().GetData(), "record")
			wantView(t, rest.body, "record")
			wantView(t, post.body, "record")
			if rest.header.Get("Content-Type") != "application/json" || rest.header.Get("Dcr-Event-Id") == "" {
				t.Errorf("headers %v", rest.header)
			}
		} else {
			wantRefused(t, rest, row.status, row.reason, map[bool]string{true: "nhs_number"}[row.status == 400])
		}
		events := s.behind.accounted("record.view")
		if len(events) != 3 {
			t.Fatalf("%s: %d events, want 3", row.person, len(events))
		}
		for i, surface := range []string{"grpc", "rest", "rest"} {
			if got := events[i].GetOrigin().GetSurface(); got != surface {
				t.Errorf("surface %q, want %q", got, surface)
			}
		}
		if diff := cmp.Diff(events[0], events[1], protocmp.Transform(), protocmp.IgnoreFields(&auditv1.Event{}, "id", "occurred_at", "origin"),
			protocmp.IgnoreFields(&auditv1.Disclosure{}, "sha256")); diff != "" {
			t.Errorf("%s: the surfaces are accounted for differently:\n%s", row.person, diff)
		}
	}
}

func wantView(t *testing.T, body []byte, part string) {
	t.Helper()
	var view map[string]json.RawMessage
	var access struct {
		EventID          string `json:"event_id"`
		RelationshipKind string `json:"relationship_kind"`
		EndsAt           string `json:"relationship_ends_at"`
		PolicyVersion    string `json:"policy_version"`
	}
	if err := json.Unmarshal(body, &view); err != nil {
		t.Fatalf("%v in %q", err, body)
	}
	if err := json.Unmarshal(view["access"], &access); err != nil || view[part] == nil {
		t.Fatalf("view %q: %v", body, err)
	}
	if access.EventID == "" || access.RelationshipKind != "episode" || access.EndsAt == "" || access.PolicyVersion == "" {
		t.Errorf("access %+v", access)
	}
}

// TestTheSameChainOnBothSurfaces: whatever a link of the chain does to a call over gRPC it does to one over REST.
func TestTheSameChainOnBothSurfaces(t *testing.T) {
	s := newStack(t)
	me := gatewayv1.NewMeServiceClient(s.conn())
	for name, row := range map[string]struct {
		token  string
		before func()
		code   codes.Code
		status int
		reason string
	}{
		"no token":     {"", nil, codes.Unauthenticated, 401, "UNAUTHENTICATED"},
		"bad token":    {"x.y.z", nil, codes.Unauthenticated, 401, "UNAUTHENTICATED"},
		"system token": {s.system(), nil, codes.PermissionDenied, 403, "ACCESS_DENIED"},
		"audit cannot": {s.paramedic(), func() { s.behind.fail[auditv1.AppendService_Append_FullMethodName] = fault.Denied("NO", "no") }, codes.Unavailable, 503, "AUDIT_UNAVAILABLE"},
		"facts cannot": {s.paramedic(), func() { s.behind.fail["/dcr.identity.v1.FactsService/GetStaffFacts"] = fault.Internal(nil) }, codes.Unavailable, 503, "FACTS_UNAVAILABLE"},
	} {
		s.behind.set(func() {
			s.behind.fail = map[string]error{}
			if row.before != nil {
				row.before()
			}
		})
		ctx := t.Context()
		if row.token != "" {
			ctx = as(ctx, row.token)
		}
		var header metadata.MD
		_, err := me.GetMe(ctx, &gatewayv1.GetMeRequest{}, grpc.Header(&header))
		if status.Code(err) != row.code || fault.ReasonOf(err) != row.reason {
			t.Errorf("%s over gRPC: %v", name, err)
		}
		got := s.do(call{method: "GET", path: "/v1/me", token: row.token})
		wantRefused(t, got, row.status, row.reason, "")
		if (row.status == 503) != (got.header.Get("Retry-After") != "") {
			t.Errorf("%s: Retry-After %q", name, got.header.Get("Retry-After"))
		}
	}
}

// TestGRPCMetadataIsNotBelieved: nothing but the token and the trace says anything over gRPC either.
func TestGRPCMetadataIsNotBelieved(t *testing.T) {
	s := newStack(t)
	ctx := metadata.AppendToOutgoingContext(as(t.Context(), s.paramedic()),
		"x-request-id", requestID, "x-forwarded-for", "10.0.0.9", "dcr-event-id", epoch, "x-user", "admin")
	if _, err := gatewayv1.NewMeServiceClient(s.conn()).GetMe(ctx, &gatewayv1.GetMeRequest{}); err != nil {
		t.Fatal(err)
	}
	event := s.behind.accounted("me.view")[0]
	if event.GetOrigin().GetClientAddress() != "127.0.0.1" || event.GetId() == epoch || event.GetActor().GetRoleCode() != "R1070" {
		t.Errorf("event %v", event)
	}
}

func TestHealthOverGRPC(t *testing.T) {
	s := newStack(t)
	health := healthv1.NewHealthClient(s.conn())
	got, err := health.Check(t.Context(), &healthv1.HealthCheckRequest{})
	if err != nil || got.GetStatus() != healthv1.HealthCheckResponse_SERVING {
		t.Fatalf("%v %v", got, err)
	}
	watch, err := health.Watch(t.Context(), &healthv1.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if first, err := watch.Recv(); err != nil || first.GetStatus() != healthv1.HealthCheckResponse_SERVING {
		t.Fatalf("%v %v", first, err)
	}
	s.doors.grpc.Drain()
	if next, err := watch.Recv(); err != nil || next.GetStatus() != healthv1.HealthCheckResponse_NOT_SERVING {
		t.Errorf("while draining: %v %v", next, err)
	}
}

// TestABundleOnBothSurfaces: its answer is record-svc's, a refusal too; over gRPC the same reason is an error.
func TestABundleOnBothSurfaces(t *testing.T) {
	s := newStack(t)
	client := gatewayv1.NewFhirServiceClient(s.conn())
	const bundle = `{"resourceType":"Bundle","type":"transaction"}`
	submit := func() (reply, error) {
		_, err := client.SubmitBundle(as(t.Context(), s.system()), &gatewayv1.SubmitBundleRequest{})
		return s.do(call{method: "POST", path: "/fhir/R4", token: s.system(), body: bundle,
			header: http.Header{"Content-Type": {"application/fhir+json; charset=UTF-8"}}}), err
	}
	answer := func(status int32, body, reason string) {
		s.behind.set(func() {
			s.behind.feed = &recordv1.SubmitBundleResponse{HttpStatus: status, Body: []byte(body), Reason: reason}
		})
	}
	answer(200, `{"resourceType":"Bundle","type":"transaction-response"}`, "")
	got, err := submit()
	if err != nil || got.status != 200 || got.header.Get("Content-Type") != "application/fhir+json" ||
		string(got.body) != `{"resourceType":"Bundle","type":"transaction-response"}` {
		t.Errorf("accepted: %d %v %s %v", got.status, got.header, got.body, err)
	}
	asked := lastOf[*recordv1.SubmitBundleRequest](t, s.behind)
	if string(asked.GetBundle()) != bundle || asked.GetSource().GetOdsCode() != "RYF" || asked.GetEvent().GetOrigin().GetSurface() != "fhir" {
		t.Errorf("record-svc was asked %v", asked)
	}
	for status, code := range map[int32]codes.Code{400: codes.InvalidArgument, 409: codes.Aborted, 412: codes.FailedPrecondition, 422: codes.InvalidArgument} {
		answer(status, `{"resourceType":"OperationOutcome","issue":[]}`, "PATIENT_CONTRADICTS")
		s.behind.set(func() { s.behind.events = nil })
		got, err := submit()
		events := s.behind.accounted("feed.submit")
		if len(events) != 2 || events[0].GetOutcome() != auditv1.Outcome_OUTCOME_REFUSED || events[1].GetReason() != "PATIENT_CONTRADICTS" {
			t.Errorf("refused with %d: events %v", status, events)
		}
		if got.status != int(status) || got.header.Get("Content-Type") != "application/fhir+json" ||
			string(got.body) != `{"resourceType":"OperationOutcome","issue":[]}` {
			t.Errorf("refused with %d: %d %s", status, got.status, got.body)
		}
		if grpcStatus(err) != code || fault.ReasonOf(err) != "PATIENT_CONTRADICTS" {
			t.Errorf("refused with %d over gRPC: %v", status, err)
		}
	}
	answer(302, "", "")
	if got, _ := submit(); got.status != 500 {
		t.Errorf("an answer that is none: %d", got.status)
	}
}

func grpcStatus(err error) codes.Code { return status.Code(err) }

// TestFHIRErrorsAreOutcomes: under /fhir every refusal is an OperationOutcome.
func TestFHIRErrorsAreOutcomes(t *testing.T) {
	s := newStack(t)
	for name, row := range map[string]struct {
		call   call
		status int
		issue  string
		reason string
	}{
		"no token":    {call{method: "POST", path: "/fhir/R4", body: "{}"}, 401, "login", "UNAUTHENTICATED"},
		"staff token": {call{method: "POST", path: "/fhir/R4", body: "{}", token: s.paramedic()}, 403, "forbidden", "ACCESS_DENIED"},
		"text":        {call{method: "POST", path: "/fhir/R4", body: "{}", token: s.system(), header: http.Header{"Content-Type": {"text/plain"}}}, 415, "not-supported", "UNSUPPORTED_CONTENT_TYPE"},
		"read":        {call{method: "GET", path: "/fhir/R4/Patient/1", token: s.system()}, 404, "not-found", "NOT_FOUND"},
		"get":         {call{method: "GET", path: "/fhir/R4", token: s.system()}, 405, "not-supported", "METHOD_NOT_ALLOWED"},
	} {
		got := s.do(row.call)
		var o struct {
			ResourceType string `json:"resourceType"`
			Issue        []struct {
				Severity, Code string
				Details        struct{ Coding []struct{ Code string } }
				Diagnostics    string
			}
		}
		if err := json.Unmarshal(got.body, &o); err != nil || o.ResourceType != "OperationOutcome" || len(o.Issue) != 1 {
			t.Errorf("%s: %s", name, got.body)
			continue
		}
		if got.status != row.status || o.Issue[0].Code != row.issue || o.Issue[0].Details.Coding[0].Code != row.reason || o.Issue[0].Diagnostics == "" {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	got := s.do(call{method: "GET", path: "/fhir/R4/metadata"})
	if got.status != 200 || got.header.Get("Content-Type") != "application/fhir+json" || !json.Valid(got.body) {
		t.Errorf("metadata: %d %s", got.status, got.body)
	}
}
