package service

import "context"

// Answer is what a FHIR client is answered when its bundle is refused: record-svc's
// OperationOutcome and its HTTP status. An error cannot carry it to REST, since
// the chain makes every error say only its reason; so REST puts an empty Answer
// into the call, and SubmitBundle fills it.
type Answer struct {
	// Status is the HTTP status; 0 while there is no answer.
	Status int
	// Body is an OperationOutcome; nil while there is no answer.
	Body []byte
}

type answerKey struct{}

// WithAnswer gives the call a place for an answer; none when a is nil.
func WithAnswer(ctx context.Context, a *Answer) context.Context {
	if a == nil {
		return ctx
	}
	return context.WithValue(ctx, answerKey{}, a)
}

func answerOf(ctx context.Context) *Answer {
	a, _ := ctx.Value(answerKey{}).(*Answer)
	return a
}
