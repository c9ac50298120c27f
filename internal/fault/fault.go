// Package fault is every error that leaves a service: a kind, a stable reason
// and fixed text. What went wrong inside (the cause) stays inside; it is for
// the one log line at the edge of the RPC and never for the caller.
package fault

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"google.golang.org/grpc/codes"
)

// Domain is the ErrorInfo domain of every reason of the suite.
const Domain = "dorsetcarerecord"

// Reasons that this package itself gives. All others belong to the service
// that states them.
const (
	ReasonInternal    = "INTERNAL"
	ReasonUnavailable = "UNAVAILABLE"
	ReasonTimeout     = "DEADLINE_EXCEEDED"
	ReasonCanceled    = "CANCELLED"
)

// Kind is the class of an error; it alone decides the gRPC code.
type Kind uint8

// The kinds. The zero Kind is Internal: an error that nobody classified tells
// its caller nothing.
const (
	KindInternal Kind = iota
	KindInvalid
	KindUnauthenticated
	KindDenied
	KindNotFound
	KindDuplicate
	KindConflict
	KindPrecondition
	KindExhausted
	KindUnavailable
	KindTimeout
	KindCanceled
)

// Code is the gRPC code of the kind.
func (k Kind) Code() codes.Code {
	switch k {
	case KindInvalid:
		return codes.InvalidArgument
	case KindUnauthenticated:
		return codes.Unauthenticated
	case KindDenied:
		return codes.PermissionDenied
	case KindNotFound:
		return codes.NotFound
	case KindDuplicate:
		return codes.AlreadyExists
	case KindConflict:
		return codes.Aborted
	case KindPrecondition:
		return codes.FailedPrecondition
	case KindExhausted:
		return codes.ResourceExhausted
	case KindUnavailable:
		return codes.Unavailable
	case KindTimeout:
		return codes.DeadlineExceeded
	case KindCanceled:
		return codes.Canceled
	case KindInternal:
		return codes.Internal
	}
	return codes.Internal
}

// String is the name of the kind's code, such as "PermissionDenied".
func (k Kind) String() string { return k.Code().String() }

// kindOf is the kind of a code that a peer answered with. A code outside our
// vocabulary means that the two sides do not understand each other: Internal.
func kindOf(code codes.Code) Kind {
	for k := KindInvalid; k <= KindCanceled; k++ {
		if k.Code() == code {
			return k
		}
	}
	return KindInternal
}

// Field is one field of a request that is wrong.
type Field struct {
	// Name is the path in the request message, such as "patient.nhs_number".
	Name string
	// Text is fixed text: what the field must be, never what it was.
	Text string
	// Reason is the rule that the field breaks, UPPER_SNAKE; may be empty.
	Reason string
}

// Error is an error that a caller may be told about. Make one with the
// constructors; it is never changed afterwards, so it may be kept and shared.
type Error struct {
	Kind Kind
	// Reason is stable, UPPER_SNAKE, and what clients branch on.
	Reason string
	// Text is fixed text for people. It never quotes the request or a record.
	Text string
	// Fields are the wrong fields of the request (KindInvalid only).
	Fields []Field
	// Metadata are machine-readable facts about the reason, without personal
	// data, such as the limit that was passed.
	Metadata map[string]string
	// RetryAfter is when asking again makes sense, from now; not told when 0.
	RetryAfter time.Duration

	cause error
}

// Error is for logs and tests; it includes the cause and so is never sent.
func (e *Error) Error() string {
	if e.cause == nil {
		return fmt.Sprintf("%s: %s", e.Reason, e.Text)
	}
	return fmt.Sprintf("%s: %s: %v", e.Reason, e.Text, e.cause)
}

// Unwrap gives the cause, nil when there is none.
func (e *Error) Unwrap() error { return e.cause }

// Is tells whether target is a fault of the same kind and reason, so that
// errors.Is(err, fault.NotFound("NO_PATIENT", "")) asks about the reason alone.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Kind == e.Kind && t.Reason == e.Reason
}

// With returns a copy that carries one more metadata entry.
func (e *Error) With(key, value string) *Error {
	c := e.clone()
	if c.Metadata == nil {
		c.Metadata = map[string]string{}
	}
	c.Metadata[key] = value
	return c
}

// WithField returns a copy that names one more wrong field.
func (e *Error) WithField(name, text string) *Error {
	c := e.clone()
	c.Fields = append(c.Fields, Field{Name: name, Text: text})
	return c
}

// After returns a copy that tells the caller when to ask again (RetryInfo).
func (e *Error) After(d time.Duration) *Error {
	c := e.clone()
	c.RetryAfter = d
	return c
}

// Because returns a copy that remembers its cause, for the log only.
func (e *Error) Because(cause error) *Error {
	c := e.clone()
	c.cause = cause
	return c
}

func (e *Error) clone() *Error {
	c := *e
	c.Fields = slices.Clone(e.Fields)
	c.Metadata = maps.Clone(e.Metadata)
	return &c
}
