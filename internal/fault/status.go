package fault

import (
	"context"
	"errors"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"
)

// The words of errors that carry no text of their own.
const (
	textInternal    = "something went wrong on our side"
	textUnavailable = "a service that this needs cannot be reached now"
	textTimeout     = "this took too long and was given up"
	textCanceled    = "the caller went away"
	textOther       = "the request was refused"
)

// GRPCStatus is what gRPC sends when an Error is returned outside the chain of
// package rpc: the same as Status, so that a cause cannot leak that way either.
func (e *Error) GRPCStatus() *status.Status { return toStatus(e) }

// Status is what the caller is told about err: code, fixed text, ErrorInfo,
// BadRequest for wrong fields and RetryInfo where asking again makes sense. A
// nil err gives nil, which is OK. An error without an Error in its chain becomes
// Internal with fixed text; so does the status of another service that was
// passed on raw, since what that service said was said to us and not to our
// caller (see FromStatus).
func Status(err error) *status.Status {
	if err == nil {
		return nil
	}
	return toStatus(classify(err))
}

// ReasonOf is the reason that Status gives for err, "" for nil. On the client's
// side it reads the reason from the status that came back.
func ReasonOf(err error) string {
	if err == nil {
		return ""
	}
	return FromStatus(err).Reason
}

// FromStatus reads the error that an RPC returned back into an Error; err is
// kept as its cause. Only a status of our own domain is believed in its reason
// and text; any other (a proxy's, gRPC's own) gives fixed text by its code.
// It returns nil for nil: return it as an error only after checking err.
func FromStatus(err error) *Error {
	if err == nil {
		return nil
	}
	var own *Error
	if errors.As(err, &own) {
		return own
	}
	st, ok := said(err)
	if !ok {
		return classify(err)
	}
	e := plain(kindOf(st.Code()))
	for _, d := range st.Details() {
		switch d := d.(type) {
		case *errdetails.ErrorInfo:
			if d.GetDomain() == Domain {
				e.Reason, e.Text, e.Metadata = d.GetReason(), st.Message(), d.GetMetadata()
			}
		case *errdetails.BadRequest:
			for _, v := range d.GetFieldViolations() {
				e.Fields = append(e.Fields, Field{Name: v.GetField(), Text: v.GetDescription(), Reason: v.GetReason()})
			}
		case *errdetails.RetryInfo:
			e.RetryAfter = d.GetRetryDelay().AsDuration()
		}
	}
	e.cause = err
	return e
}

// said is the status as its sender wrote it. status.FromError would put the words of what wraps it before the
// sender's: gRPC's client wraps the last of several attempts ("max retries exhausted …").
func said(err error) (*status.Status, bool) {
	var sent interface{ GRPCStatus() *status.Status }
	if errors.As(err, &sent) {
		return sent.GRPCStatus(), true
	}
	return status.FromError(err)
}

// classify finds what may be told about any error.
func classify(err error) *Error {
	var own *Error
	if errors.As(err, &own) {
		return own
	}
	var kind Kind
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		kind = KindTimeout
	case errors.Is(err, context.Canceled):
		kind = KindCanceled
	default:
		kind = rawKind(err)
	}
	return plain(kind).Because(err)
}

// rawKind lets through only what the state of the network says of a raw
// status; a refusal by another service is no refusal by us.
func rawKind(err error) Kind {
	st, ok := status.FromError(err)
	if !ok {
		return KindInternal
	}
	switch k := kindOf(st.Code()); k {
	case KindUnavailable, KindTimeout, KindCanceled:
		return k
	default:
		return KindInternal
	}
}

// plain is the Error of a kind that brought neither reason nor text.
func plain(kind Kind) *Error {
	switch kind {
	case KindInternal:
		return &Error{Kind: kind, Reason: ReasonInternal, Text: textInternal}
	case KindUnavailable:
		return &Error{Kind: kind, Reason: ReasonUnavailable, Text: textUnavailable}
	case KindTimeout:
		return &Error{Kind: kind, Reason: ReasonTimeout, Text: textTimeout}
	case KindCanceled:
		return &Error{Kind: kind, Reason: ReasonCanceled, Text: textCanceled}
	default:
		return &Error{Kind: kind, Reason: codeReason(kind.Code()), Text: textOther}
	}
}

func codeReason(c codes.Code) string {
	switch c {
	case codes.InvalidArgument:
		return "INVALID_ARGUMENT"
	case codes.Unauthenticated:
		return "UNAUTHENTICATED"
	case codes.PermissionDenied:
		return "PERMISSION_DENIED"
	case codes.NotFound:
		return "NOT_FOUND"
	case codes.AlreadyExists:
		return "ALREADY_EXISTS"
	case codes.Aborted:
		return "ABORTED"
	case codes.FailedPrecondition:
		return "FAILED_PRECONDITION"
	case codes.ResourceExhausted:
		return "RESOURCE_EXHAUSTED"
	default:
		return ReasonInternal
	}
}

// toStatus writes an Error in the form of AIP-193. An Internal error is told in
// fixed words whatever its text says.
func toStatus(e *Error) *status.Status {
	text, reason := e.Text, e.Reason
	if e.Kind.Code() == codes.Internal {
		text = textInternal
	}
	if reason == "" {
		reason = plain(e.Kind).Reason
	}
	details := []protoadapt.MessageV1{&errdetails.ErrorInfo{Reason: reason, Domain: Domain, Metadata: e.Metadata}}
	if len(e.Fields) > 0 {
		bad := &errdetails.BadRequest{}
		for _, f := range e.Fields {
			bad.FieldViolations = append(bad.FieldViolations,
				&errdetails.BadRequest_FieldViolation{Field: f.Name, Description: f.Text, Reason: f.Reason})
		}
		details = append(details, bad)
	}
	if e.RetryAfter > 0 {
		details = append(details, &errdetails.RetryInfo{RetryDelay: durationpb.New(e.RetryAfter)})
	}
	st := status.New(e.Kind.Code(), text)
	if full, err := st.WithDetails(details...); err == nil {
		return full
	}
	// Details fail to marshal only on text that is not UTF-8: then say less.
	return status.New(codes.Internal, textInternal)
}
