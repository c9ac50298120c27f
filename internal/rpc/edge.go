package rpc

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/dorsetcarerecord/dcr/internal/fault"
)

// edge is where errors turn into what the caller is told, and where the call
// is logged, once. Causes end here.
func (s *Server) edge(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	began := s.cfg.Now()
	resp, err := next(ctx, req)
	st := fault.Status(err)
	if isHealth(info.FullMethod) {
		return resp, st.Err()
	}
	took := s.cfg.Now().Sub(began)
	s.metrics.record(ctx, info.FullMethod, st.Code(), took)
	s.logCall(ctx, info.FullMethod, st, err, took)
	if err != nil {
		holdRetries(ctx, st)
		return nil, withRequestID(st, RequestID(ctx)).Err()
	}
	return resp, nil
}

// noRetry is how a gRPC server tells its client not to send a call again by itself (gRFC A6).
const noRetry = "grpc-retry-pushback-ms"

// holdRetries keeps a client from sending a call again by itself when we said when to come back: the log is full,
// an event is not delivered yet. We waited as long as was good, and another replica would only wait as long
// again. What says no time (a connection that was lost, here or to the database) may go to another replica.
func holdRetries(ctx context.Context, st *status.Status) {
	if st.Code() == codes.Unavailable && fault.FromStatus(st.Err()).RetryAfter > 0 {
		// It fails only outside a call, where nobody sends again.
		_ = grpc.SetTrailer(ctx, metadata.Pairs(noRetry, "-1"))
	}
}

// logCall writes the one line: method, code, reason, caller, duration and ids.
// For failures of our own it adds the trail of the cause, which quotes no data
// (see fault.Trail).
func (s *Server) logCall(ctx context.Context, method string, st *status.Status, err error, took time.Duration) {
	attrs := []slog.Attr{
		slog.String("method", method),
		slog.String("code", st.Code().String()),
		slog.String("reason", fault.ReasonOf(st.Err())),
		slog.String("caller", Caller(ctx)),
		slog.Float64("duration_ms", float64(took.Microseconds())/1000),
		slog.String("request_id", RequestID(ctx)),
	}
	level := levelOf(st.Code())
	if level > slog.LevelInfo {
		attrs = append(attrs, slog.String("cause", fault.Trail(err)))
	}
	s.cfg.Log.LogAttrs(ctx, level, "rpc", attrs...)
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

// withRequestID lets the caller quote the request to the operators.
func withRequestID(st *status.Status, id string) *status.Status {
	full, err := st.WithDetails(&errdetails.RequestInfo{RequestId: id})
	if err != nil {
		return st
	}
	return full
}

// deadline gives each call an end. Without one, a frozen database would hold
// the calls of a forgetful client for ever.
func (s *Server) deadline(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	limit := s.cfg.MaxDeadline
	if _, ok := ctx.Deadline(); !ok {
		limit = s.cfg.DefaultDeadline
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	resp, err := next(ctx, req)
	if err != nil && ctx.Err() != nil && fault.ReasonOf(err) == fault.ReasonInternal {
		// A driver that was interrupted says so in words of its own.
		return nil, fmt.Errorf("%w: %w", ctx.Err(), err)
	}
	return resp, err
}
