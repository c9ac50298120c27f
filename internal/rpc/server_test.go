package rpc_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/status"

	"github.com/dorsetcarerecord/dcr/internal/fault"
	"github.com/dorsetcarerecord/dcr/internal/rpc"
)

// secret stands for a person's data.
const secret = "Mary Anning 999 000 2673"

func repeat(_ context.Context, text string) (string, error) { return text, nil }

func TestEveryCallIsCheckedAndLoggedOnce(t *testing.T) {
	denied := fault.Denied("NO_RELATIONSHIP", "no relationship").Because(errors.New(secret))
	cases := []struct {
		name, caller, text string
		do                 echo
		code               codes.Code
		reason             string
	}{
		{"listed caller", "gateway", secret, repeat, codes.OK, ""},
		{"unlisted caller", "dcrctl", secret, repeat, codes.PermissionDenied, rpc.ReasonCaller},
		{"unlisted caller, bad request", "dcrctl", "", repeat, codes.PermissionDenied, rpc.ReasonCaller},
		{"rule of a field", "gateway", "", repeat, codes.InvalidArgument, rpc.ReasonInvalid},
		{"fault", "gateway", secret, fails(denied), codes.PermissionDenied, "NO_RELATIONSHIP"},
		{"wrapped fault", "gateway", secret, fails(fmt.Errorf("decide for %s: %w", secret, denied)), codes.PermissionDenied, "NO_RELATIONSHIP"},
		{"unknown error", "gateway", secret, fails(fmt.Errorf("load %s: %w", "choice", errors.New(secret))), codes.Internal, "INTERNAL"},
		{"raw status", "gateway", secret, fails(status.Error(codes.NotFound, secret)), codes.Internal, "INTERNAL"},
		{"panic", "gateway", secret, func(context.Context, string) (string, error) { panic(secret) }, codes.Internal, "INTERNAL"},
		{"runtime panic", "gateway", secret, func(_ context.Context, s string) (string, error) { return s[len(s)+1:], nil }, codes.Internal, "INTERNAL"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			county := newCounty(t)
			_, addr := serve(t, county.config(t), c.do)
			_, err := call(t.Context(), county.dial(t, c.caller, addr), c.text)
			if status.Code(err) != c.code || fault.ReasonOf(err) != c.reason {
				t.Errorf("got %v %q, want %v %q", status.Code(err), fault.ReasonOf(err), c.code, c.reason)
			}
			lines := county.log.lines(t, "rpc")
			if len(lines) != 1 {
				t.Fatalf("%d lines for the call", len(lines))
			}
			wantLine(t, lines[0], c.code, c.reason, c.caller)
			if err != nil && lines[0]["request_id"] != requestInfo(err) {
				t.Errorf("the caller was told request id %q, the log has %q", requestInfo(err), lines[0]["request_id"])
			}
			for where, text := range map[string]string{"log": county.log.String(), "status": status.Convert(err).Proto().String()} {
				if strings.Contains(text, "Anning") || strings.Contains(text, "2673") {
					t.Errorf("the %s holds personal data: %s", where, text)
				}
			}
		})
	}
}

// wantLine checks that the line has these attributes and no others.
func wantLine(t *testing.T, line map[string]any, code codes.Code, reason, caller string) {
	t.Helper()
	want := []string{"caller", "code", "duration_ms", "instance", "level", "method", "msg", "reason", "request_id", "service", "span_id", "time", "trace_id"}
	if code == codes.Internal {
		want = append([]string{"caller", "cause"}, want[1:]...)
	}
	if d := cmp.Diff(want, slices.Sorted(maps.Keys(line))); d != "" {
		t.Error(d)
	}
	if line["code"] != code.String() || line["reason"] != reason || line["caller"] != caller || line["method"] != echoMethod {
		t.Errorf("got %v", line)
	}
}

func fails(err error) echo { return func(context.Context, string) (string, error) { return "", err } }

func requestInfo(err error) string {
	for _, d := range status.Convert(err).Details() {
		if r, ok := d.(*errdetails.RequestInfo); ok {
			return r.GetRequestId()
		}
	}
	return ""
}

func TestPanicIsLoggedWithItsPlace(t *testing.T) {
	county := newCounty(t)
	_, addr := serve(t, county.config(t), func(context.Context, string) (string, error) { panic(secret) })
	conn := county.dial(t, "gateway", addr)
	for range 2 { // the server survives
		if _, err := call(t.Context(), conn, secret); status.Code(err) != codes.Internal {
			t.Errorf("got %v", err)
		}
	}
	lines := county.log.lines(t, "panic")
	if len(lines) != 2 || !strings.Contains(fmt.Sprint(lines[0]["stack"]), "server_test.go") || lines[0]["panic"] != "string" {
		t.Errorf("got %v", lines)
	}
}

func TestViolationsNameTheFields(t *testing.T) {
	county := newCounty(t)
	_, addr := serve(t, county.config(t), repeat)
	_, err := call(t.Context(), county.dial(t, "gateway", addr), strings.Repeat(secret, 10))
	want := []fault.Field{{Name: "text", Text: "must be at most 100 characters", Reason: "STRING_MAX_LEN"}}
	if d := cmp.Diff(want, fault.FromStatus(err).Fields); d != "" {
		t.Error(d)
	}
}

func TestDeadlines(t *testing.T) {
	county := newCounty(t)
	cfg := county.config(t)
	cfg.DefaultDeadline, cfg.MaxDeadline = time.Minute, time.Hour
	left := make(chan time.Duration, 1)
	_, addr := serve(t, cfg, func(ctx context.Context, text string) (string, error) {
		end, _ := ctx.Deadline()
		left <- time.Until(end)
		return text, nil
	})
	bare := county.bare(t, addr) // a client that sets no deadline by itself
	long, cancel := context.WithTimeout(t.Context(), 50*time.Hour)
	defer cancel()
	short, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for _, c := range []struct {
		name string
		ctx  context.Context
		want time.Duration
	}{{"none", t.Context(), time.Minute}, {"too long", long, time.Hour}, {"short", short, 20 * time.Second}} {
		if _, err := call(c.ctx, bare, "hello"); err != nil {
			t.Fatal(err)
		}
		if got := <-left; got > c.want || got < c.want-10*time.Second {
			t.Errorf("%s: %v left, want %v", c.name, got, c.want)
		}
	}
}

func TestInterruptedWorkIsATimeout(t *testing.T) {
	county := newCounty(t)
	cfg := county.config(t)
	cfg.MaxDeadline = 20 * time.Millisecond
	_, addr := serve(t, cfg, func(ctx context.Context, _ string) (string, error) {
		<-ctx.Done()
		return "", errors.New("driver: canceling statement")
	})
	_, err := call(t.Context(), county.dial(t, "gateway", addr), "hello")
	if status.Code(err) != codes.DeadlineExceeded || fault.ReasonOf(err) != fault.ReasonTimeout {
		t.Errorf("got %v", err)
	}
}

func TestMessageLimit(t *testing.T) {
	county := newCounty(t)
	cfg := county.config(t)
	cfg.MaxMessageBytes = 50
	_, addr := serve(t, cfg, repeat)
	if _, err := call(t.Context(), county.dial(t, "gateway", addr), strings.Repeat("x", 60)); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("got %v", err)
	}
}

func TestMetrics(t *testing.T) {
	county := newCounty(t)
	_, addr := serve(t, county.config(t), repeat)
	conn := county.dial(t, "gateway", addr)
	for _, text := range []string{"a", "b", ""} {
		_, _ = call(t.Context(), conn, text) // the third breaks a rule
	}
	w := httptest.NewRecorder()
	county.tel.OpsHandler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for _, want := range []string{
		`dcr_rpc_server_calls_total{code="OK",method="` + echoMethod + `"} 2`,
		`dcr_rpc_server_calls_total{code="InvalidArgument",method="` + echoMethod + `"} 1`,
		`dcr_rpc_server_duration_seconds_count{method="` + echoMethod + `"} 3`,
		`dcr_tls_certificate_not_after_seconds`,
	} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("no %s", want)
		}
	}
}

func TestServerIsRefused(t *testing.T) {
	county := newCounty(t)
	cases := []struct {
		name     string
		callers  map[string][]string
		register func(*rpc.Server)
		want     string
	}{
		{"listed, not registered", map[string][]string{echoService: {"gateway"}, "dcr.test.v1.Gone": {"gateway"}}, echoOnly, "Gone, which is not registered"},
		{"registered, not listed", nil, echoOnly, "has no caller list"},
		{"nobody may call", map[string][]string{echoService: nil}, echoOnly, "is empty"},
		{"nameless caller", map[string][]string{echoService: {"gateway", ""}}, echoOnly, "empty name"},
		{"stream", map[string][]string{"grpc.testing.TestService": {"gateway"}}, func(s *rpc.Server) {
			grpc_testing.RegisterTestServiceServer(s, grpc_testing.UnimplementedTestServiceServer{})
		}, "is a stream"},
		{"no descriptor", map[string][]string{"dcr.test.v1.Nowhere": {"gateway"}}, func(s *rpc.Server) {
			s.RegisterService(&grpc.ServiceDesc{ServiceName: "dcr.test.v1.Nowhere"}, nil)
		}, "find rules"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			cfg := county.config(t)
			cfg.Callers = c.callers
			s, err := rpc.NewServer(cfg)
			if err != nil {
				t.Fatal(err)
			}
			c.register(s)
			lis, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Serve(lis); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q in it", err, c.want)
			}
			if _, err := net.Dial("tcp", lis.Addr().String()); err == nil {
				t.Error("the listener is still open")
			}
		})
	}
	for _, cfg := range []rpc.ServerConfig{{}, {TLS: county.identity(t, "echo-svc")}, {Log: county.tel.Log}} {
		if _, err := rpc.NewServer(cfg); err == nil {
			t.Error("half a configuration was accepted")
		}
	}
}

func echoOnly(s *rpc.Server) { s.RegisterService(echo(repeat).desc(), nil) }

func TestStrangersDoNotGetAnAnswer(t *testing.T) {
	county, elsewhere := newCounty(t), newCounty(t)
	_, addr := serve(t, county.config(t), repeat)
	t.Run("client of another authority", func(t *testing.T) {
		if _, err := call(t.Context(), elsewhere.dial(t, "gateway", addr), "hello"); status.Code(err) != codes.Unavailable {
			t.Errorf("got %v", err)
		}
	})
	t.Run("server of another name", func(t *testing.T) {
		conn := county.dialConfig(t, rpc.DialConfig{Target: "static:///" + addr, Peer: "other-svc", TLS: county.identity(t, "gateway")})
		if _, err := call(t.Context(), conn, "hello"); status.Code(err) != codes.Unavailable {
			t.Errorf("got %v", err)
		}
	})
}

// bare is a client without the interceptors of Dial.
func (c *county) bare(t *testing.T, addr string) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(credentials.NewTLS(c.identity(t, "gateway").Client("echo-svc"))))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}
