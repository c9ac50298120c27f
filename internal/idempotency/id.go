package idempotency

import (
	"github.com/google/uuid"

	"github.com/dorsetcarerecord/dcr/internal/fault"
)

// Reasons of this package's faults.
const (
	ReasonMissing = "REQUEST_ID_REQUIRED" // Invalid: a mutation without a request id
	ReasonInvalid = "REQUEST_ID_INVALID"  // Invalid: not a UUID in its usual form
	ReasonReused  = "REQUEST_ID_REUSED"   // Conflict: the id was used for another request
)

// field is the name that all our requests give it.
const field = "request_id"

// ParseRequestID reads the request_id of a mutation, which must be a UUID in its usual form of 36
// characters and not the nil one. Errors are faults of kind Invalid that name the field.
func ParseRequestID(text string) (uuid.UUID, error) {
	if text == "" {
		return uuid.Nil, fault.Invalid(ReasonMissing, field, "must be a UUID that is new for each change")
	}
	const usual = 36 // the parser also takes braces, a urn: prefix and no hyphens: one id, several spellings
	id, err := uuid.Parse(text)
	if err != nil || len(text) != usual || id == uuid.Nil {
		return uuid.Nil, fault.Invalid(ReasonInvalid, field, "must be a UUID such as 0b6e3f9c-6a52-4a7e-9f0e-3f1f6f0f2d11")
	}
	return id, nil
}
