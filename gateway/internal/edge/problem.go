package edge

import (
	"errors"
	"net/http"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"

	"github.com/dorsetcarerecord/dcr/internal/fault"
)

// Reasons that the edge itself gives, before any rule was looked at.
const (
	reasonNotFound    = "NOT_FOUND"
	reasonMethod      = "METHOD_NOT_ALLOWED"
	reasonOverride    = "METHOD_OVERRIDE"
	reasonHeader      = "INVALID_HEADER"
	reasonPath        = "INVALID_PATH"
	reasonContentType = "UNSUPPORTED_CONTENT_TYPE"
	reasonTooLarge    = "BODY_TOO_LARGE"
	reasonBody        = "BODY_NOT_ALLOWED"
	reasonRead        = "BODY_NOT_READ"
	reasonJSON        = "INVALID_JSON"
	reasonDeep        = "JSON_TOO_DEEP"
	reasonUnknown     = "UNKNOWN_FIELD"
	reasonTwice       = "DUPLICATE_FIELD"
	reasonMismatch    = "FIELD_MISMATCH"
	reasonArgument    = "INVALID_ARGUMENT"
	reasonOverloaded  = "OVERLOADED"
)

// retryAfter is what a caller is told to wait, in seconds, when the same call
// may succeed later.
const retryAfter = "2"

// problem is an error with the HTTP status that it has. Most errors get theirs
// from their kind; HTTP knows a few that gRPC does not (405, 413, 415).
type problem struct {
	status int
	fault  *fault.Error
}

// Error is for logs and tests.
func (p *problem) Error() string { return p.fault.Error() }

// Unwrap gives the fault.
func (p *problem) Unwrap() error { return p.fault }

func refuse(status int, f *fault.Error) *problem { return &problem{status, f} }

func badField(reason, field, text string) *problem {
	return refuse(http.StatusBadRequest, fault.Invalid(reason, field, text))
}

// problemOf reads any error. A status of our own chain is believed in full; what
// grpc-gateway says in words of its own quotes the request, so of that only the
// code is kept.
func problemOf(err error) *problem {
	var own *problem
	if errors.As(err, &own) {
		return own
	}
	f := fault.FromStatus(err)
	return &problem{status: runtime.HTTPStatusFromCode(f.Kind.Code()), fault: f}
}

// statusName is the canonical code in the form of AIP-193. HTTP's own refusals
// get the nearest.
func (p *problem) statusName() string {
	switch p.status {
	case http.StatusMethodNotAllowed:
		return "UNIMPLEMENTED"
	default:
		return canonical(p.fault.Kind.String())
	}
}

// canonical turns "PermissionDenied" into PERMISSION_DENIED.
func canonical(name string) string {
	var b strings.Builder
	for i, r := range name {
		if i > 0 && r >= 'A' && r <= 'Z' {
			b.WriteByte('_')
		}
		b.WriteRune(r)
	}
	return strings.ToUpper(b.String())
}

// headers that belong to the status.
func (p *problem) headers(h http.Header) {
	switch p.status {
	case http.StatusServiceUnavailable, http.StatusGatewayTimeout, http.StatusTooManyRequests:
		h.Set("Retry-After", retryAfter)
	case http.StatusRequestEntityTooLarge:
		h.Set("Connection", "close") // nobody reads what the caller still sends
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", `Bearer realm="dorset-care-record"`)
	}
}
