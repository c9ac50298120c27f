// Package edge is the gateway's door: the REST and FHIR listener, and the gRPC
// listener. It decides nothing about access. It closes what grpc-gateway leaves
// open (docs/design; the table is in edge_test.go), turns HTTP into calls of the
// contract, and passes each through the one chain that gRPC calls pass too.
//
// A REST call goes through, outermost first:
//
//	observe   span, metrics, one log line, all by route template (observe.go)
//	harden    security headers; headers that must not come in (header.go)
//	admit     the bound on calls under way (limit.go)
//	open      /openapi.json, /livez, /readyz (open.go)
//	gate      per route: query, content type, size and form of the body (gate.go)
//	local     the chain, in this process (inproc.go)
//
// Errors leave in one form whatever found them (problem.go).
package edge
