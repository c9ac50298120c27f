package app

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
)

// call is one HTTP request.
type call struct {
	method, path, token, body string
	header                    http.Header
	client                    *http.Client
}

// reply is its answer.
type reply struct {
	status int
	header http.Header
	body   []byte
	proto  string
	close  bool
}

func (s *stack) do(c call) reply {
	s.t.Helper()
	got, err := s.try(c)
	if err != nil {
		s.t.Fatalf("%s %s: %v", c.method, c.path, err)
	}
	return got
}

func (s *stack) try(c call) (reply, error) {
	var body io.Reader
	if c.body != "" {
		body = strings.NewReader(c.body)
	}
	req, err := http.NewRequestWithContext(s.t.Context(), c.method, "https://"+s.doors.rest.Addr()+c.path, body)
	if err != nil {
		return reply{}, err
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	if c.body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for name, values := range c.header {
		req.Header[name] = values
	}
	client := s.client
	if c.client != nil {
		client = c.client
	}
	resp, err := client.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Header, text, resp.Proto, resp.Close}, err
}

// conn is a gRPC connection to the public listener.
func (s *stack) conn() *grpc.ClientConn {
	s.t.Helper()
	conn, err := grpc.NewClient(s.doors.grpc.Addr(), grpc.WithTransportCredentials(
		credentials.NewTLS(&tls.Config{RootCAs: s.ca, ServerName: "localhost"})))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func as(ctx context.Context, token string) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
}

// refusal is an error body of AIP-193.
type refusal struct {
	Error struct {
		Code    int    `json:"code"`
		Status  string `json:"status"`
		Message string `json:"message"`
		Details []struct {
			Type       string            `json:"@type"`
			Reason     string            `json:"reason"`
			Domain     string            `json:"domain"`
			RequestID  string            `json:"request_id"`
			Metadata   map[string]string `json:"metadata"`
			Violations []struct {
				Field string `json:"field"`
			} `json:"field_violations"`
		} `json:"details"`
	} `json:"error"`
}

// wantRefused checks status, reason, field, and that the form is whole.
func wantRefused(t *testing.T, got reply, status int, reason, field string) {
	t.Helper()
	var r refusal
	if err := json.Unmarshal(got.body, &r); err != nil {
		t.Fatalf("status %d, not an error body: %q", got.status, got.body)
	}
	var gotReason, gotField, gotID string
	for _, d := range r.Error.Details {
		switch strings.TrimPrefix(d.Type, "type.googleapis.com/google.rpc.") {
		case "ErrorInfo":
			gotReason = d.Reason
		case "BadRequest":
			gotField = d.Violations[0].Field
		case "RequestInfo":
			gotID = d.RequestID
		}
	}
	if got.status != status || r.Error.Code != status || gotReason != reason || gotField != field {
		t.Errorf("got %d %s field %q, want %d %s field %q\n%s", got.status, gotReason, gotField, status, reason, field, got.body)
	}
	if gotID == "" || gotID != got.header.Get("X-Request-Id") || r.Error.Message == "" || r.Error.Status == "" {
		t.Errorf("the error is not whole: %s", got.body)
	}
	if ct := got.header.Get("Content-Type"); ct != "application/json" {
		t.Errorf("content type %q", ct)
	}
}

// book is a log that may be read while it is written.
type book struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *book) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *book) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
