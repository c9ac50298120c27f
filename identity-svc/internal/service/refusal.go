package service

import "github.com/dorsetcarerecord/dcr/internal/fault"

// The refusals of this service: stable reasons, fixed words.

func invalid(field, text string) error { return fault.Invalid("INVALID_ARGUMENT", field, text) }

func invalidNumber(field string, cause error) error {
	return fault.Invalid("INVALID_NHS_NUMBER", field, "This is not a valid NHS number.").Because(cause)
}

func patientNotFound() error {
	return fault.NotFound("PATIENT_NOT_FOUND", "No person is known under this NHS number.")
}

func staffNotFound() error {
	return fault.NotFound("STAFF_NOT_FOUND", "No such member of staff is active here.")
}

func organisationNotFound() error {
	return fault.NotFound("ORGANISATION_NOT_FOUND", "No organisation is registered under this code.")
}

func relationshipNotFound() error {
	return fault.NotFound("RELATIONSHIP_NOT_FOUND", "You hold no such care relationship.")
}

func versionChanged() error {
	return fault.Conflict("VERSION_CHANGED", "Somebody changed this since you read it. Read it again.")
}
