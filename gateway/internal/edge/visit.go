package edge

import (
	"context"

	"github.com/google/uuid"

	"github.com/dorsetcarerecord/dcr/gateway/internal/pipeline"
	"github.com/dorsetcarerecord/dcr/gateway/internal/service"
)

// visit is what the edge knows of one HTTP request while it passes through:
// what came in and is handed to the chain, and what became of it, for the one
// log line.
type visit struct {
	requestID     uuid.UUID
	authorization string
	origin        pipeline.Origin

	// template and rpc of the route; empty until one matched.
	template, rpc string
	// reason of a refusal.
	reason string
	// answer is the OperationOutcome of a refused bundle, which record-svc made.
	answer *service.Answer
}

type visitKey struct{}

// visitOf is never nil: outside a request it is an empty visit that nobody reads.
func visitOf(ctx context.Context) *visit {
	if v, ok := ctx.Value(visitKey{}).(*visit); ok {
		return v
	}
	return &visit{}
}

func withVisit(ctx context.Context, v *visit) context.Context {
	return context.WithValue(ctx, visitKey{}, v)
}

// enter notes the route.
func (v *visit) enter(r *route) {
	v.template, v.rpc = r.template, r.rpc
	if r.fhir() {
		v.origin.Surface = pipeline.SurfaceFHIR
		v.answer = &service.Answer{}
	}
}
