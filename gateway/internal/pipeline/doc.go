// Package pipeline is what stands before every RPC of the gateway, on every
// surface: REST and FHIR calls are dispatched in-process through the same chain
// as gRPC calls, so that there is one rule on all of them (DESIGN.md section 4).
//
// Unary is the whole chain. The steps, outermost first, are in chain.go:
//
//	identify      request id; origin. Response metadata dcr-request-id.
//	edge          errors become what the caller is told; one log line; metrics.
//	recover       a panic becomes Internal.
//	deadline      every call has an end.
//	authenticate  the bearer token in the incoming metadata "authorization".
//	rule          the method's rule; audience.
//	validate      the request obeys its proto; the NHS number is one.
//	facts         identity-svc and optout-svc, side by side.
//	decide        the pure decision.
//	account       runs the handler; its answer leaves only when its event is
//	              durable in audit-svc. Response metadata dcr-event-id.
//
// For an in-process dispatch the context carries what a gRPC server would put
// there: incoming metadata, a grpc.ServerTransportStream (for response
// metadata), a deadline, the request id (rpc.WithRequestID) and the origin
// (WithOrigin).
package pipeline
