package access

import (
	"strings"
	"time"

	"github.com/dorsetcarerecord/dcr/internal/fault"
)

// Every reason that the gateway itself refuses with (vocabulary of GP Connect
// and Spine, DOMAIN.md section 9).
const (
	ReasonUnauthenticated       = "UNAUTHENTICATED"
	ReasonIssuerUnavailable     = "ISSUER_UNAVAILABLE"
	ReasonAccessDenied          = "ACCESS_DENIED"
	ReasonNoRelationship        = "NO_RELATIONSHIP"
	ReasonNoPatientConsent      = "NO_PATIENT_CONSENT"
	ReasonNoOrganisationConsent = "NO_ORGANISATION_CONSENT"
	ReasonInvalidNHSNumber      = "INVALID_NHS_NUMBER"
	ReasonPatientNotFound       = "PATIENT_NOT_FOUND"
	ReasonFactsUnavailable      = "FACTS_UNAVAILABLE"
	ReasonAuditUnavailable      = "AUDIT_UNAVAILABLE"
	ReasonRateLimited           = "RATE_LIMITED"
)

// The words of every refusal are here and nowhere else. They are fixed: two
// people of whom a caller may not learn a difference get the same words.

// Unauthenticated is for a token that is missing or not accepted. It does not
// say which check failed, since that would help only a forger.
func Unauthenticated() *fault.Error {
	return fault.Unauthenticated(ReasonUnauthenticated,
		"Sign in: this needs a bearer token of a trusted issuer that is valid now.")
}

// IssuerUnavailable is for a token that cannot be checked now.
func IssuerUnavailable() *fault.Error {
	return fault.Unavailable(ReasonIssuerUnavailable,
		"The sign-in cannot be checked now, so nothing is shown. Try again shortly.")
}

// AccessDenied is for an audience, role or organisation that may not do this.
func AccessDenied() *fault.Error {
	return fault.Denied(ReasonAccessDenied, "Your role does not allow this.")
}

// OwnRecord is for a member of staff who asks for themselves (DOMAIN.md section 5).
func OwnRecord() *fault.Error {
	return fault.Denied(ReasonAccessDenied,
		"You may not use the Dorset Care Record to look at yourself. "+
			"To see what it holds about you, ask the privacy officer.")
}

// NoRelationship is for anybody without a care relationship, whether the person
// is known, unknown, opted out or not.
func NoRelationship() *fault.Error {
	return fault.Denied(ReasonNoRelationship,
		"You have no care relationship with this person. "+
			"If you are directly dealing with their care, declare one and give the reason.")
}

// NoPatientConsent is for somebody with a relationship, of a person who has
// opted out. It names the county's partners, the same for everybody.
func (p *Policy) NoPatientConsent() *fault.Error {
	partners := strings.Join(p.partners, "; ")
	return fault.Denied(ReasonNoPatientConsent,
		"This person has opted out of the Dorset Care Record, so nothing of it is shown, in an emergency either. "+
			"Their treatment is not affected. Partners may hold records of their own; contact: "+partners+".").
		With("partners_to_contact", partners)
}

// NoOrganisationConsent is for a system whose organisation does not take part.
func NoOrganisationConsent() *fault.Error {
	return fault.Denied(ReasonNoOrganisationConsent,
		"No organisation that takes part in the Dorset Care Record is registered for this system.")
}

// InvalidNHSNumber is for a field that holds no NHS number.
func InvalidNHSNumber(field string) *fault.Error {
	return fault.Invalid(ReasonInvalidNHSNumber, field, "An NHS number is ten digits with a valid check digit.")
}

// PatientNotFound is for a number under which nobody is known, where the
// caller may learn that.
func PatientNotFound() *fault.Error {
	return fault.NotFound(ReasonPatientNotFound, "Nobody is known under this NHS number.")
}

// RateLimited is for the public, of whom too many call, or one too often. It is the same whoever is meant.
func RateLimited(wait time.Duration) *fault.Error {
	return fault.Exhausted(ReasonRateLimited,
		"Too many requests were made. Wait a little and try again, or telephone the privacy officer.").After(wait)
}

// FactsUnavailable is for a decision that cannot be made now.
func FactsUnavailable() *fault.Error {
	return fault.Unavailable(ReasonFactsUnavailable,
		"What this decision rests on cannot be read now, so nothing is shown. Try again shortly.")
}

// AuditUnavailable is for an answer that cannot be accounted for now.
func AuditUnavailable() *fault.Error {
	return fault.Unavailable(ReasonAuditUnavailable,
		"The audit log cannot be written now, so nothing is shown. Try again shortly.")
}
