package rpc

import (
	"context"
	"slices"
	"strings"

	"google.golang.org/grpc"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/dorsetcarerecord/dcr/internal/fault"
)

// ReasonCaller is the reason of a refusal by the caller list.
const ReasonCaller = "CALLER_NOT_ALLOWED"

// callers refuses who is not on the list of the gRPC service. A service
// without a list has no callers. Health answers every certificate of the trust
// domain.
func (s *Server) callers(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	if isHealth(info.FullMethod) {
		return next(ctx, req)
	}
	if caller := Caller(ctx); caller == "" || !slices.Contains(s.cfg.Callers[serviceOf(info.FullMethod)], caller) {
		return nil, fault.Denied(ReasonCaller, "this service does not answer this caller")
	}
	return next(ctx, req)
}

// stream refuses every stream but the watching of health: calls that disclose
// are unary, so that each is decided and accounted for as one.
func (s *Server) stream(impl any, ss grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) (err error) {
	if info.FullMethod != healthv1.Health_Watch_FullMethodName {
		return fault.Status(fault.Denied("STREAM_NOT_ALLOWED", "this service has no streams")).Err()
	}
	defer func() {
		if p := recover(); p != nil {
			err = fault.Status(s.panicked(ss.Context(), info.FullMethod, p)).Err()
		}
	}()
	ctx, cancel := context.WithCancel(ss.Context())
	defer cancel()
	defer context.AfterFunc(s.stopping, cancel)()
	return next(impl, watching{ss, ctx})
}

// watching is a health stream that ends when the server stops.
type watching struct {
	grpc.ServerStream
	ctx context.Context
}

// Context ends with the stream or with the server.
func (w watching) Context() context.Context { return w.ctx }

// serviceOf is the service in "/package.Service/Method".
func serviceOf(method string) string {
	service, _, _ := strings.Cut(strings.TrimPrefix(method, "/"), "/")
	return service
}

func isHealth(method string) bool {
	return serviceOf(method) == healthv1.Health_ServiceDesc.ServiceName
}
