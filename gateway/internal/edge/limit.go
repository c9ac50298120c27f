package edge

import (
	"context"
	"net/http"

	"google.golang.org/grpc"

	"github.com/dorsetcarerecord/dcr/internal/fault"
)

// Limit bounds the calls under way in this process, on all surfaces together. A
// call above it is refused at once: a queue would only make every caller wait
// for answers that come too late.
type Limit struct{ places chan struct{} }

// NewLimit makes a Limit of n calls.
func NewLimit(n int) *Limit { return &Limit{make(chan struct{}, n)} }

type admittedKey struct{}

func (l *Limit) enter() bool {
	select {
	case l.places <- struct{}{}:
		return true
	default:
		return false
	}
}

func (l *Limit) leave() { <-l.places }

// UnderWay is how many calls are in now.
func (l *Limit) UnderWay() int { return len(l.places) }

func overloaded() *fault.Error {
	return fault.Unavailable(reasonOverloaded, "more calls are under way than can be answered; try again shortly")
}

// handler admits HTTP requests before their bodies are read, since bodies are
// what fills the memory.
func (l *Limit) handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !l.enter() {
			writeProblem(w, r, problemOf(overloaded()))
			return
		}
		defer l.leave()
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), admittedKey{}, true)))
	})
}

// unary admits gRPC calls; one that came in over HTTP has its place already.
func (l *Limit) unary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	if ctx.Value(admittedKey{}) != nil {
		return next(ctx, req)
	}
	if !l.enter() {
		return nil, fault.Status(overloaded()).Err()
	}
	defer l.leave()
	return next(ctx, req)
}
