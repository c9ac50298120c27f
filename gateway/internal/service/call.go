package service

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dorsetcarerecord/dcr/gateway/internal/access"
	"github.com/dorsetcarerecord/dcr/gateway/internal/pagetoken"
	"github.com/dorsetcarerecord/dcr/gateway/internal/pipeline"
	"github.com/dorsetcarerecord/dcr/internal/fault"
	"github.com/dorsetcarerecord/dcr/internal/nhsnumber"
)

// Reasons that the handlers give themselves.
const (
	ReasonRequestID        = "REQUEST_ID_REQUIRED"
	ReasonFieldMismatch    = "FIELD_MISMATCH"
	ReasonInvalidSection   = "INVALID_SECTION"
	ReasonInvalidArgument  = "INVALID_ARGUMENT"
	ReasonIdentityMismatch = "IDENTITY_MISMATCH"
)

// errOutside is a handler that was reached past the pipeline: it answers nothing.
var errOutside = errors.New("a handler was called outside the pipeline")

// callOf is the call that the pipeline permitted.
func callOf(ctx context.Context) (*pipeline.Call, error) {
	if c := pipeline.From(ctx); c != nil {
		return c, nil
	}
	return nil, fault.Internal(errOutside)
}

// staffCall is a call of a member of staff whose facts are known.
func staffCall(ctx context.Context) (*pipeline.Call, error) {
	c, err := callOf(ctx)
	if err != nil {
		return nil, err
	}
	if c.Staff.GetStaffId() == "" || c.Organisation.GetOdsCode() == "" {
		return nil, fault.Internal(errors.New("a staff call without staff facts"))
	}
	return c, nil
}

// requestID is the caller's own id of a change (AIP-155), in its canonical form.
func requestID(given string) (string, error) {
	id, err := uuid.Parse(given)
	if err != nil || len(given) != len(uuid.Nil.String()) || id == uuid.Nil {
		return "", fault.Invalid(ReasonRequestID, "request_id",
			"must be a UUID of the caller's choice; the same one again is the same change")
	}
	return id.String(), nil
}

// change is what every mutation starts with.
func change(ctx context.Context, givenID string) (*pipeline.Call, string, error) {
	c, err := staffCall(ctx)
	if err != nil {
		return nil, "", err
	}
	id, err := requestID(givenID)
	return c, id, err
}

// same refuses a request whose path and body name different things.
func same(field, inPath, inBody string) error {
	if inBody != "" && inBody != inPath {
		return fault.Invalid(ReasonFieldMismatch, field, "must be the same in the path and in the body")
	}
	return nil
}

// number reads an optional NHS number that is a filter or a detail; the one that
// a call is about was read by the pipeline.
func number(field, given string) (nhsnumber.Number, error) {
	if given == "" {
		return "", nil
	}
	n, err := nhsnumber.Parse(given)
	if err != nil {
		return "", fault.Invalid(access.ReasonInvalidNHSNumber, field, err.Error())
	}
	return n, nil
}

// binding ties a page token to this call and the filters of its request. Fields
// in omit are left out because the binding has them in another form.
func binding(c *pipeline.Call, req proto.Message, omit ...protoreflect.Name) pagetoken.Binding {
	return pagetoken.Binding{
		Method:    c.Method,
		Issuer:    c.Caller.Issuer,
		Subject:   c.Caller.Subject,
		ClientID:  c.Caller.ClientID,
		RoleCode:  c.Caller.RoleCode,
		ODSCode:   c.Organisation.GetOdsCode(),
		NHSNumber: string(c.NHSNumber),
		Filter:    pagetoken.Filter(req, omit...),
	}
}

// sizeOr is the page size asked for, or the usual one.
func sizeOr(asked, usual int32) int32 {
	if asked == 0 {
		return usual
	}
	return asked
}
