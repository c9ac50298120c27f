// Package pipeline is what stands before every RPC of the gateway, on every
// surface: REST and FHIR calls are dispatched in-process through the same chain
// as gRPC calls, so that there is one rule on all of them (DESIGN.md section 4).
// The steps and their order are in chain.go; Unary is the whole chain.
//
// For an in-process dispatch the context carries what a gRPC server would put
// there: incoming metadata, a grpc.ServerTransportStream (for response
// metadata), the request id (rpc.WithRequestID) and the origin (WithOrigin).
package pipeline
