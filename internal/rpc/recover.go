package rpc

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"google.golang.org/grpc"

	"github.com/dorsetcarerecord/dcr/internal/fault"
)

// errPanic is the cause of the Internal error that a panic becomes.
var errPanic = errors.New("panic")

const maxFrames = 64

func (s *Server) recover(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (resp any, err error) {
	defer func() {
		if p := recover(); p != nil {
			resp, err = nil, s.panicked(ctx, info.FullMethod, p)
		}
	}()
	return next(ctx, req)
}

// panicked logs where it happened. Neither the value nor the arguments of the
// frames are logged, since both may hold the request; the runtime's own errors
// (nil pointer, index) hold none of it.
func (s *Server) panicked(ctx context.Context, method string, p any) error {
	what := fmt.Sprintf("%T", p)
	if e, ok := p.(runtime.Error); ok {
		what = e.Error()
	}
	s.cfg.Log.ErrorContext(ctx, "panic", "method", method, "request_id", RequestID(ctx), "panic", what, "stack", stack())
	return fault.Internal(errPanic)
}

// stack is the functions and lines of the panicking goroutine.
func stack() []string {
	pcs := make([]uintptr, maxFrames)
	// Left out: Callers, stack, panicked, the deferred function.
	frames := runtime.CallersFrames(pcs[:runtime.Callers(4, pcs)])
	var lines []string
	for {
		f, more := frames.Next()
		lines = append(lines, fmt.Sprintf("%s %s:%d", f.Function, f.File, f.Line))
		if !more {
			return lines
		}
	}
}
