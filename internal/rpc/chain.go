package rpc

import "google.golang.org/grpc"

// step is one named part of the chain.
type step struct {
	name string
	run  grpc.UnaryServerInterceptor
}

// chain is everything that stands before a unary method, outermost first. This
// is the one place for the order:
//
//	identify   who calls, by certificate; request id. Decides nothing.
//	edge       translates errors (package fault), writes the one log line of
//	           the call and its metrics. Everything below is seen by it.
//	recover    a panic below becomes Internal. Inside the edge, so that a
//	           panic gets its line like every failure.
//	callers    only the listed certificates may call this gRPC service.
//	deadline   gives every call a deadline, not longer than the longest.
//	validate   the request obeys the rules of its proto.
//
// Callers stands before validate: who may not call learns nothing about what a
// good request looks like. The span of the call lies around all of it, and
// comes from the stats handler.
func (s *Server) chain() []step {
	return []step{
		{"identify", s.identify},
		{"edge", s.edge},
		{"recover", s.recover},
		{"callers", s.callers},
		{"deadline", s.deadline},
		{"validate", s.validate},
	}
}

func (s *Server) unaryChain() []grpc.UnaryServerInterceptor {
	var all []grpc.UnaryServerInterceptor
	for _, st := range s.chain() {
		all = append(all, st.run)
	}
	return all
}
