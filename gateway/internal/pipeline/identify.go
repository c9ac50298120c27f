package pipeline

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"

	"github.com/dorsetcarerecord/dcr/gateway/internal/authn"
	"github.com/dorsetcarerecord/dcr/internal/fault"
	"github.com/dorsetcarerecord/dcr/internal/rpc"
)

// Response metadata that the pipeline sets.
const (
	HeaderRequestID = "dcr-request-id"
	HeaderEventID   = "dcr-event-id"
)

var errNoRule = errors.New("the method has no rule")

// identify gives the attempt its ids and its rule. The request id is the one
// that our own edge made, or a new one: never the caller's.
func (p *Pipeline) identify(ctx context.Context, a *attempt, next following) (any, error) {
	a.began = p.cfg.Now()
	if rpc.RequestID(ctx) == "" {
		id, err := uuid.NewV7()
		if err != nil {
			return nil, fault.Status(fmt.Errorf("make request id: %w", err)).Err()
		}
		ctx = rpc.WithRequestID(ctx, id)
	}
	eventID, err := newEventID()
	if err != nil {
		return nil, fault.Status(err).Err()
	}
	a.call = &Call{
		EventID:       eventID,
		OccurredAt:    a.began,
		Method:        a.method,
		Caller:        authn.Anyone(),
		RequestID:     rpc.RequestID(ctx),
		Origin:        originOf(ctx),
		PolicyVersion: p.cfg.Policy.Version(),
	}
	a.call.Decision.PolicyVersion = a.call.PolicyVersion
	if span := trace.SpanContextFromContext(ctx); span.HasTraceID() {
		a.call.traceID = span.TraceID().String()
	}
	setHeader(ctx, HeaderRequestID, a.call.RequestID)
	if a.entry = p.cfg.Rules.Lookup(a.method); a.entry == nil {
		return nil, fault.Status(errNoRule).Err()
	}
	a.call.Rule, a.call.Action, a.call.ruleVersion = a.entry.Rule, a.entry.Rule.GetAction(), a.entry.Version
	a.call.asked = a.asked()
	return next(ctx)
}

// newEventID is a UUIDv7: its time names the partition in which audit-svc
// keeps the event.
func newEventID() (string, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("make event id: %w", err)
	}
	return id.String(), nil
}

// originOf is what the edge said, or the peer of a gRPC connection.
func originOf(ctx context.Context) Origin {
	if o, ok := ctx.Value(originKey{}).(Origin); ok {
		return o
	}
	o := Origin{Surface: SurfaceGRPC}
	if p, ok := peer.FromContext(ctx); ok && p.Addr != nil {
		if host, _, err := net.SplitHostPort(p.Addr.String()); err == nil {
			o.ClientAddress = host
		}
	}
	return o
}

// setHeader sets response metadata. It can fail only where there is no
// transport, or the answer has left: then there is nobody to tell.
func setHeader(ctx context.Context, key, value string) {
	_ = grpc.SetHeader(ctx, metadata.Pairs(key, value))
}
