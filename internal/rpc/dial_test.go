package rpc_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/dorsetcarerecord/dcr/internal/fault"
	"github.com/dorsetcarerecord/dcr/internal/rpc"
)

func answers(name string) echo {
	return func(context.Context, string) (string, error) { return name, nil }
}

// tally makes calls until want is satisfied, and counts who answered.
func tally(t *testing.T, conn grpc.ClientConnInterface, want func(map[string]int) bool) map[string]int {
	t.Helper()
	got := map[string]int{}
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		name, err := call(t.Context(), conn, "who")
		if err != nil {
			t.Fatal(err)
		}
		if got[name]++; want(got) {
			return got
		}
	}
	t.Fatalf("calls went to %v", got)
	return nil
}

func TestDrainFailsNoCall(t *testing.T) {
	county := newCounty(t)
	first, addr1 := serve(t, county.config(t), answers("one"))
	_, addr2 := serve(t, county.config(t), answers("two"))
	conn := county.dial(t, "gateway", addr1, addr2)
	tally(t, conn, func(n map[string]int) bool { return n["one"] > 2 && n["two"] > 2 })
	first.Drain()
	// The drained replica still answers until its clients have noticed.
	run := 0
	tally(t, conn, func(n map[string]int) bool {
		if n["one"] == run {
			return n["two"] > 50+run
		}
		run, n["two"] = n["one"], 0
		return false
	})
	if err := first.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	tally(t, conn, func(n map[string]int) bool { return n["two"] > 20 && n["one"] == 0 })
}

func TestStop(t *testing.T) {
	county := newCounty(t)
	began, release := make(chan struct{}, 2), make(chan struct{})
	slow := func(ctx context.Context, text string) (string, error) {
		began <- struct{}{}
		select {
		case <-release:
			return text, nil
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
	t.Run("waits for calls", func(t *testing.T) {
		s, addr := serve(t, county.config(t), slow)
		result := inBackground(t, county.dial(t, "gateway", addr))
		<-began
		stopped := make(chan error, 1)
		go func() { stopped <- s.Stop(t.Context()) }()
		release <- struct{}{}
		if err := errors.Join(<-result, <-stopped); err != nil {
			t.Error(err)
		}
	})
	t.Run("cuts off at the limit", func(t *testing.T) {
		s, addr := serve(t, county.config(t), slow)
		result := inBackground(t, county.dial(t, "gateway", addr))
		<-began
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		if err := s.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if err := <-result; err == nil {
			t.Error("the call was answered")
		}
	})
	t.Run("ends health watchers", func(t *testing.T) {
		s, addr := serve(t, county.config(t), repeat)
		watch, err := healthv1.NewHealthClient(county.bare(t, addr)).Watch(t.Context(), &healthv1.HealthCheckRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if m, err := watch.Recv(); err != nil || m.GetStatus() != healthv1.HealthCheckResponse_SERVING {
			t.Fatalf("got %v %v", m, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if err := s.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
}

func inBackground(t *testing.T, conn grpc.ClientConnInterface) <-chan error {
	t.Helper()
	result := make(chan error, 1)
	go func() {
		_, err := call(t.Context(), conn, "hello")
		result <- err
	}()
	return result
}

func TestOnlyIdempotentCallsAreSentAgain(t *testing.T) {
	county := newCounty(t)
	var calls atomic.Int32
	_, addr := serve(t, county.config(t), func(context.Context, string) (string, error) {
		calls.Add(1)
		return "", fault.Unavailable("DATABASE_UNAVAILABLE", "later")
	})
	for _, c := range []struct {
		idempotent []string
		want       int32
	}{
		{nil, 1},
		{[]string{"dcr.test.v1.Other"}, 1},
		{[]string{echoService + "/Other"}, 1},
		{[]string{echoService + "/Say"}, 3},
		{[]string{echoMethod}, 3},
		{[]string{echoService}, 3},
	} {
		calls.Store(0)
		conn := county.dialConfig(t, rpc.DialConfig{
			Target: "static:///" + addr, Peer: "echo-svc", TLS: county.identity(t, "gateway"), Idempotent: c.idempotent})
		if _, err := call(t.Context(), conn, "hello"); fault.ReasonOf(err) != "DATABASE_UNAVAILABLE" {
			t.Errorf("%v: got %v", c.idempotent, err)
		}
		if got := calls.Load(); got != c.want {
			t.Errorf("%v: sent %d times, want %d", c.idempotent, got, c.want)
		}
	}
}

// An answer that says when to come back is an answer: waiting three times as long helps nobody.
func TestAnAnswerThatSaysWhenIsNotSentAgain(t *testing.T) {
	county := newCounty(t)
	var calls atomic.Int32
	_, addr := serve(t, county.config(t), func(context.Context, string) (string, error) {
		calls.Add(1)
		return "", fault.Unavailable("AUDIT_UNAVAILABLE", "too many wait").After(time.Second)
	})
	conn := county.dialConfig(t, rpc.DialConfig{
		Target: "static:///" + addr, Peer: "echo-svc", TLS: county.identity(t, "gateway"), Idempotent: []string{echoService}})
	_, err := call(t.Context(), conn, "hello")
	if got := fault.FromStatus(err); got.Reason != "AUDIT_UNAVAILABLE" || got.Text != "too many wait" || got.RetryAfter != time.Second {
		t.Errorf("got %v", err)
	}
	if got := calls.Load(); got != 1 {
		t.Errorf("sent %d times", got)
	}
}

// TestOnlyTheRequestIDTravels has the middle of three processes call on.
func TestOnlyTheRequestIDTravels(t *testing.T) {
	county := newCounty(t)
	arrived := make(chan metadata.MD, 1)
	ids := make(chan string, 2)
	last := county.config(t)
	last.Callers = map[string][]string{echoService: {"echo-svc"}}
	_, lastAddr := serve(t, last, func(ctx context.Context, text string) (string, error) {
		md, _ := metadata.FromIncomingContext(ctx)
		arrived <- md
		ids <- rpc.RequestID(ctx)
		if rpc.Caller(ctx) != "echo-svc" {
			t.Errorf("the caller is %q", rpc.Caller(ctx))
		}
		return text, nil
	})
	onward := county.dial(t, "echo-svc", lastAddr)
	_, addr := serve(t, county.config(t), func(ctx context.Context, text string) (string, error) {
		ids <- rpc.RequestID(ctx)
		md, _ := metadata.FromIncomingContext(ctx)
		return call(metadata.NewOutgoingContext(ctx, md), onward, text)
	})
	for _, sent := range []string{uuid.Must(uuid.NewV7()).String(), "Mary Anning", ""} {
		ctx := metadata.AppendToOutgoingContext(t.Context(), "x-user", "spoofed", "authorization", "Bearer x")
		if sent != "" {
			ctx = metadata.AppendToOutgoingContext(ctx, "x-request-id", sent)
		}
		if _, err := call(ctx, county.bare(t, addr), "hello"); err != nil {
			t.Fatal(err)
		}
		first, second := <-ids, <-ids
		if first != second || uuid.Validate(first) != nil || (uuid.Validate(sent) == nil && first != sent) {
			t.Errorf("sent %q, got %q and %q", sent, first, second)
		}
		for key := range <-arrived {
			switch key {
			case "x-request-id", "traceparent", ":authority", "content-type", "user-agent", "grpc-accept-encoding":
			default:
				t.Errorf("%s travelled", key)
			}
		}
	}
}

func TestRequestIDBeginsOutside(t *testing.T) {
	county := newCounty(t)
	_, addr := serve(t, county.config(t), func(ctx context.Context, _ string) (string, error) { return rpc.RequestID(ctx), nil })
	id := uuid.Must(uuid.NewV7())
	if got, err := call(rpc.WithRequestID(t.Context(), id), county.dial(t, "gateway", addr), "hello"); err != nil || got != id.String() {
		t.Errorf("got %q %v, want %q", got, err, id)
	}
}

func TestOneTraceThroughAllProcesses(t *testing.T) {
	county := newCounty(t)
	_, addr := serve(t, county.config(t), repeat)
	ctx, span := county.tel.Tracer.Tracer("test").Start(t.Context(), "outer")
	defer span.End()
	if _, err := call(ctx, county.dial(t, "gateway", addr), "hello"); err != nil {
		t.Fatal(err)
	}
	if got := county.log.lines(t, "rpc")[0]["trace_id"]; got != span.SpanContext().TraceID().String() {
		t.Errorf("the log has trace %v", got)
	}
}

func TestDialRefusesHalfConfigurations(t *testing.T) {
	county := newCounty(t)
	id := county.identity(t, "gateway")
	for _, cfg := range []rpc.DialConfig{
		{Peer: "echo-svc", TLS: id},
		{Target: "static:///h:1", TLS: id},
		{Target: "static:///h:1", Peer: "echo-svc"},
		{Target: "static:///h:1", Peer: "echo-svc", TLS: id, Idempotent: []string{"/"}},
	} {
		if _, err := rpc.Dial(cfg); err == nil {
			t.Errorf("%+v was accepted", cfg)
		}
	}
}

// TestAReplicaThatComesBackIsAwaited: the only replica is gone, and another is
// there a little later at its address. Calls that came in between are answered.
func TestAReplicaThatComesBackIsAwaited(t *testing.T) {
	county := newCounty(t)
	first, addr := serve(t, county.config(t), answers("one"))
	conn := county.dial(t, "gateway", addr)
	if _, err := call(t.Context(), conn, "who"); err != nil {
		t.Fatal(err)
	}
	first.Drain()
	if err := first.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	for conn.GetState() != connectivity.TransientFailure {
		if !conn.WaitForStateChange(t.Context(), conn.GetState()) {
			t.Fatal(t.Context().Err())
		}
	}
	result := inBackground(t, conn)
	serveAt(t, addr, county.config(t), answers("two"))
	if err := <-result; err != nil {
		t.Error(err)
	}
}

func TestNobodyThereIsUnavailableSoon(t *testing.T) {
	county := newCounty(t)
	began := time.Now()
	_, err := call(t.Context(), county.dial(t, "gateway", "127.0.0.1:1", "127.0.0.1:2"), "hello")
	if status.Code(err) != codes.Unavailable || fault.ReasonOf(err) != fault.ReasonUnavailable {
		t.Errorf("got %v", err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
	if text := fault.FromStatus(err).Text; strings.Contains(text, "127.0.0.1") {
		t.Errorf("the text tells addresses: %s", text)
	}
}
