package rpc

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"

	"github.com/dorsetcarerecord/dcr/internal/fault"
)

// requestIDKey is the metadata key by which a request id travels.
const requestIDKey = "x-request-id"

type callerKey struct{}
type requestIDCtxKey struct{}

// Caller is the certificate name of the process that makes this call, ""
// outside a call and for a peer without a name.
func Caller(ctx context.Context) string {
	name, _ := ctx.Value(callerKey{}).(string)
	return name
}

// RequestID is the id of the request that this call belongs to, "" outside a
// call. It is the same in every service that the request passes.
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDCtxKey{}).(string)
	return id
}

// WithRequestID is for where requests begin: the gateway's HTTP side, workers
// and command lines. Calls made under the context carry the id. Only a UUID is
// an id, since anything else might be somebody's data.
func WithRequestID(ctx context.Context, id uuid.UUID) context.Context {
	return context.WithValue(ctx, requestIDCtxKey{}, id.String())
}

func (s *Server) identify(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	id, err := incomingRequestID(ctx)
	if err != nil {
		return nil, fault.Internal(err)
	}
	ctx = WithRequestID(ctx, id)
	return next(context.WithValue(ctx, callerKey{}, s.peerName(ctx)), req)
}

// peerName is "" when the peer has no name; the caller list then refuses it.
func (s *Server) peerName(ctx context.Context) string {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return ""
	}
	info, ok := p.AuthInfo.(credentials.TLSInfo)
	if !ok {
		return ""
	}
	name, err := s.cfg.TLS.PeerName(info.State)
	if err != nil {
		return ""
	}
	return name
}

// incomingRequestID takes the id of the request that the caller works on, or
// makes one.
func incomingRequestID(ctx context.Context) (uuid.UUID, error) {
	if sent := metadata.ValueFromIncomingContext(ctx, requestIDKey); len(sent) == 1 {
		if id, err := uuid.Parse(sent[0]); err == nil {
			return id, nil
		}
	}
	id, err := uuid.NewV7()
	if err != nil {
		return id, fmt.Errorf("make request id: %w", err)
	}
	return id, nil
}
