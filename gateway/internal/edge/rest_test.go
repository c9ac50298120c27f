package edge

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"

	"github.com/dorsetcarerecord/dcr/gateway/internal/rules"
	"github.com/dorsetcarerecord/dcr/internal/rpc"
)

// TestEveryBindingReachesItsRPC: each REST path of the contract leads to its own method, through the chain; so a
// service that register forgets, or a route that the gate does not know, fails here.
func TestEveryBindingReachesItsRPC(t *testing.T) {
	p := &probe{}
	rest, _ := newREST(t, p.chain)
	services, err := exposed()
	if err != nil {
		t.Fatal(err)
	}
	all, err := routes(services)
	if err != nil {
		t.Fatal(err)
	}
	reached := map[string]bool{}
	for _, r := range all {
		path := regexp.MustCompile(`\{\w+(=\*\*)?\}`).ReplaceAllString(r.template, "x1")
		body := ""
		if r.body != "" {
			body = "{}"
		}
		w := httptest.NewRecorder()
		asked := request(r.method, path, body)
		asked.Header.Set("Content-Type", r.types()[0])
		rest.ServeHTTP(w, asked)
		if len(p.methods) == 0 || p.methods[len(p.methods)-1] != r.rpc {
			t.Errorf("%s %s: %d, chain saw %v, want %s", r.method, path, w.Code, p.methods, r.rpc)
		}
		reached[r.rpc] = true
	}
	for _, name := range rules.Exposed() {
		if !slices.ContainsFunc(p.methods, func(m string) bool { return strings.HasPrefix(m, "/"+name+"/") }) {
			t.Errorf("no path reaches %s", name)
		}
	}
	if len(all) < len(reached) || len(reached) < 30 {
		t.Errorf("%d bindings reach %d methods", len(all), len(reached))
	}
}

// TestRecordIsNotCopied: 100 KB of record reach the writer in the very bytes that the handler gave.
func TestRecordIsNotCopied(t *testing.T) {
	given := []byte(strings.Repeat("x", 100<<10))
	answer := &gatewayv1.GetRecordResponse{Body: &httpbody.HttpBody{ContentType: typeJSON, Data: given}}
	_, local := newREST(t, func(context.Context, any, *grpc.UnaryServerInfo, grpc.UnaryHandler) (any, error) { return answer, nil })
	got, err := gatewayv1.NewRecordServiceClient(local).GetRecord(t.Context(), &gatewayv1.GetRecordRequest{})
	if err != nil {
		t.Fatal(err)
	}
	out, err := codec{}.Marshal(got.GetBody())
	if err != nil || &out[0] != &given[0] {
		t.Errorf("the body was copied: %v", err)
	}
}

// TestBundleIsNotCopied: what was read from the connection is what the chain gets.
func TestBundleIsNotCopied(t *testing.T) {
	p := &probe{}
	_, local := newREST(t, p.chain)
	body := &buffered{data: []byte(`{"resourceType":"Bundle"}`)}
	req := &gatewayv1.SubmitBundleRequest{}
	if err := (codec{}).NewDecoder(body).Decode(&req.Bundle); err != nil {
		t.Fatal(err)
	}
	_, _ = gatewayv1.NewFhirServiceClient(local).SubmitBundle(t.Context(), req)
	got, ok := p.last.(*gatewayv1.SubmitBundleRequest)
	if !ok || &got.GetBundle().GetData()[0] != &body.data[0] {
		t.Errorf("the bundle was copied: %v", p.last)
	}
}

// TestLocalGivesTheChainWhatAServerWould: metadata, request id, and a place for response headers.
func TestLocalGivesTheChainWhatAServerWould(t *testing.T) {
	var seen metadata.MD
	var id string
	rest, _ := newREST(t, func(ctx context.Context, _ any, info *grpc.UnaryServerInfo, _ grpc.UnaryHandler) (any, error) {
		seen, _ = metadata.FromIncomingContext(ctx)
		id = rpc.RequestID(ctx)
		if method, ok := grpc.Method(ctx); !ok || method != info.FullMethod || method != meMethod {
			t.Errorf("method %q", method)
		}
		if err := grpc.SetHeader(ctx, metadata.Pairs("dcr-event-id", "e1", "x-secret", "s")); err != nil {
			t.Error(err)
		}
		return &gatewayv1.GetMeResponse{Name: "Mary"}, nil
	})
	r := request(http.MethodGet, "/v1/me", "")
	r.Header.Set("Grpc-Metadata-X-User", "admin")
	r.Header.Set("Cookie", "a=b")
	w := httptest.NewRecorder()
	rest.ServeHTTP(w, r)
	if w.Code != 200 || strings.TrimSpace(w.Body.String()) != `{"name":"Mary"}` {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if len(seen) != 2 || seen.Get("authorization")[0] != "Bearer x" || seen.Get("x-request-id")[0] != id || id == "" {
		t.Errorf("the chain saw metadata %v", seen)
	}
	if w.Header().Get(eventHeader) != "e1" {
		t.Errorf("headers %v", w.Header())
	}
	for name := range w.Header() {
		if strings.Contains(strings.ToLower(name), "secret") || strings.HasPrefix(name, "Grpc-") {
			t.Errorf("response metadata leaves as %s", name)
		}
	}
}

func TestStreamsAndUnknownMethodsFail(t *testing.T) {
	_, local := newREST(t, (&probe{}).chain)
	if _, err := local.NewStream(t.Context(), nil, meMethod); err == nil {
		t.Error("a stream was opened")
	}
	if err := local.Invoke(t.Context(), "/dcr.gateway.v1.MeService/Other", nil, nil); err == nil {
		t.Error("a method that nobody registered answered")
	}
}

// meter counts what is read of a body without end.
type meter struct{ read int64 }

func (m *meter) Read(p []byte) (int, error) {
	m.read += int64(len(p))
	return len(p), nil
}

// TestABodyIsCutAtItsLimit: not a byte more is read than shows that it is too large.
func TestABodyIsCutAtItsLimit(t *testing.T) {
	p := &probe{}
	rest, _ := newREST(t, p.chain)
	for path, limit := range map[string]int64{"/v1/patients:search": maxBody, "/fhir/R4": maxBundle} {
		for _, length := range []int64{-1, limit + 1} {
			body := &meter{}
			r := request(http.MethodPost, path, "")
			r.Body, r.ContentLength = io.NopCloser(body), length
			r.Header.Set("Content-Type", typeJSON)
			w := httptest.NewRecorder()
			rest.ServeHTTP(w, r)
			if w.Code != http.StatusRequestEntityTooLarge || body.read > limit+1 || (length > 0 && body.read > 0) {
				t.Errorf("%s of length %d: %d after %d bytes", path, length, w.Code, body.read)
			}
		}
	}
	if len(p.methods) != 0 {
		t.Errorf("the chain saw %v", p.methods)
	}
}

// TestNobodyUnknownMakesUsReadABody: without a token the chain refuses before a byte was read.
func TestNobodyUnknownMakesUsReadABody(t *testing.T) {
	p := &probe{}
	rest, _ := newREST(t, p.chain)
	body := &meter{}
	r := request(http.MethodPost, "/fhir/R4", "")
	r.Header.Del("Authorization")
	r.Body, r.ContentLength = io.NopCloser(body), 8<<20
	rest.ServeHTTP(httptest.NewRecorder(), r)
	if body.read != 0 || len(p.methods) != 1 {
		t.Errorf("%d bytes were read, the chain saw %v", body.read, p.methods)
	}
}
