package pipeline

import (
	"context"
	"time"

	"google.golang.org/grpc"

	"github.com/dorsetcarerecord/dcr/gateway/internal/access"
	"github.com/dorsetcarerecord/dcr/gateway/internal/rules"
)

// attempt is one call on its way through the chain.
type attempt struct {
	method  string
	request any
	handler grpc.UnaryHandler

	began time.Time
	entry *rules.Entry
	facts access.Facts
	// call is filled on the way; the handler gets it only once permitted.
	call *Call
	// permitted is true from the moment the decision permitted.
	permitted bool
	// failedCheck of a refused token, for the log.
	failedCheck string
}

// following is the rest of the chain.
type following func(context.Context) (any, error)

// step is one named part of the chain.
type step struct {
	name string
	run  func(ctx context.Context, a *attempt, next following) (any, error)
}

// chain is everything that stands before a handler, outermost first. This is
// the one place for the order:
//
//	identify      request id, origin, event id, the method's rule.
//	edge          errors become what the caller is told; one log line; metrics.
//	recover       a panic below becomes Internal.
//	deadline      every call has an end.
//	account       what comes back from below, answer or refusal, leaves only
//	              when its event is durable.
//	recover       once more, so that a handler that panics is accounted for.
//	authenticate  the bearer token.
//	admit         the rule's audience.
//	throttle      the public's allowance.
//	validate      the NHS number is one, and the request obeys its proto.
//	facts         identity-svc and optout-svc, side by side.
//	decide        the pure decision; the handler is reached through it alone.
//
// Account lies around authenticate: a refusal is an event too.
func (p *Pipeline) chain() []step {
	return []step{
		{"identify", p.identify},
		{"edge", p.edge},
		{"recover", p.recover},
		{"deadline", p.deadline},
		{"account", p.account},
		{"recover", p.recover},
		{"authenticate", p.authenticate},
		{"admit", p.admit},
		{"throttle", p.throttle},
		{"validate", p.validate},
		{"facts", p.gather},
		{"decide", p.decide},
	}
}

// compose nests the steps around the last part.
func compose(steps []step, last func(context.Context, *attempt) (any, error)) func(context.Context, *attempt) (any, error) {
	run := last
	for i := len(steps) - 1; i >= 0; i-- {
		inner, s := run, steps[i]
		run = func(ctx context.Context, a *attempt) (any, error) {
			return s.run(ctx, a, func(ctx context.Context) (any, error) { return inner(ctx, a) })
		}
	}
	return run
}
