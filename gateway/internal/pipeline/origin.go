package pipeline

import "context"

// The surfaces on which a call can arrive; they stand in its audit event.
const (
	SurfaceGRPC = "grpc"
	SurfaceREST = "rest"
	SurfaceFHIR = "fhir"
)

// Origin is where a call came from, as the edge that took it knows.
type Origin struct {
	// Surface is one of the Surface constants.
	Surface string
	// ClientAddress is the address of the peer, without its port.
	ClientAddress string
}

type originKey struct{}

// WithOrigin says where a call came from. The REST edge sets it; without it a
// call is one over gRPC, from the peer of its connection.
func WithOrigin(ctx context.Context, o Origin) context.Context {
	return context.WithValue(ctx, originKey{}, o)
}
