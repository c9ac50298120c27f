package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	accessv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/access/v1"
	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"

	"github.com/dorsetcarerecord/dcr/internal/fault"
)

// maxFrames of a panic's stack that are logged.
const maxFrames = 32

var errPanic = errors.New("panic")

// edge is where errors turn into what the caller is told, and where the call
// is logged, once. Causes end here.
func (p *Pipeline) edge(ctx context.Context, a *attempt, next following) (any, error) {
	answer, err := next(ctx)
	st := fault.Status(err)
	took := p.cfg.Now().Sub(a.began)
	p.metrics.record(ctx, a, st, took)
	p.logCall(ctx, a, st, err, took)
	if err == nil {
		return answer, nil
	}
	if full, detailErr := st.WithDetails(&errdetails.RequestInfo{RequestId: a.call.RequestID}); detailErr == nil {
		st = full
	}
	return nil, st.Err()
}

// logCall writes the one line of a call: nobody's name and no NHS number.
func (p *Pipeline) logCall(ctx context.Context, a *attempt, st *status.Status, err error, took time.Duration) {
	attrs := []slog.Attr{
		slog.String("method", a.method),
		slog.String("code", st.Code().String()),
		slog.String("reason", fault.ReasonOf(st.Err())),
		slog.String("audience", audienceName(a.call.Caller.Audience)),
		slog.String("surface", a.call.Origin.Surface),
		slog.Float64("duration_ms", float64(took.Microseconds())/1000),
		slog.String("request_id", a.call.RequestID),
	}
	if a.failedCheck != "" {
		attrs = append(attrs, slog.String("token_check", a.failedCheck))
	}
	level := levelOf(st.Code())
	if level > slog.LevelInfo {
		attrs = append(attrs, slog.String("cause", fault.Trail(err)))
	}
	p.cfg.Log.LogAttrs(ctx, level, "call", attrs...)
}

func levelOf(code codes.Code) slog.Level {
	switch code {
	case codes.Internal:
		return slog.LevelError
	case codes.Unavailable, codes.DeadlineExceeded:
		return slog.LevelWarn
	default:
		return slog.LevelInfo
	}
}

func audienceName(a accessv1.Audience) string {
	return strings.ToLower(strings.TrimPrefix(a.String(), "AUDIENCE_"))
}

// recover turns a panic into Internal. The value of the panic is not logged,
// since it may hold the request; the places where it happened are.
func (p *Pipeline) recover(ctx context.Context, a *attempt, next following) (answer any, err error) {
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		p.cfg.Log.ErrorContext(ctx, "panic", "method", a.method, "request_id", a.call.RequestID,
			"type", fmt.Sprintf("%T", v), "stack", stack())
		answer, err = nil, fault.Internal(errPanic)
	}()
	return next(ctx)
}

func stack() []string {
	counters := make([]uintptr, maxFrames)
	frames := runtime.CallersFrames(counters[:runtime.Callers(3, counters)])
	var lines []string
	for {
		f, more := frames.Next()
		lines = append(lines, fmt.Sprintf("%s:%d", f.Function, f.Line))
		if !more {
			return lines
		}
	}
}

// deadline gives each call an end, and cuts longer ones. A bundle may take
// longer than a view.
func (p *Pipeline) deadline(ctx context.Context, a *attempt, next following) (any, error) {
	limit := p.cfg.Deadline
	if a.method == gatewayv1.FhirService_SubmitBundle_FullMethodName {
		limit = p.cfg.Longest
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return next(ctx)
}
