package bundle

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/dorsetcarerecord/dcr/record-svc/internal/fhir"
)

// Reason is why a bundle is refused; stable, for senders to branch on.
type Reason string

// The reasons. What each means for the sender is in Refusal.Text.
const (
	ReasonTooLarge           Reason = "BUNDLE_TOO_LARGE"
	ReasonTooManyEntries     Reason = "TOO_MANY_ENTRIES"
	ReasonTooDeep            Reason = "JSON_TOO_DEEP"
	ReasonNotJSON            Reason = "NOT_JSON"
	ReasonTruncated          Reason = "JSON_TRUNCATED"
	ReasonNotBundle          Reason = "NOT_A_BUNDLE"
	ReasonNotTransaction     Reason = "NOT_A_TRANSACTION"
	ReasonEmpty              Reason = "BUNDLE_EMPTY"
	ReasonStructure          Reason = "INVALID_STRUCTURE"
	ReasonDate               Reason = "INVALID_DATE"
	ReasonNoRequest          Reason = "REQUEST_MISSING"
	ReasonMethod             Reason = "METHOD_NOT_SUPPORTED"
	ReasonURL                Reason = "INVALID_REQUEST_URL"
	ReasonConditionalUpdate  Reason = "CONDITIONAL_UPDATE_NOT_SUPPORTED"
	ReasonConditionalDelete  Reason = "CONDITIONAL_DELETE_NOT_SUPPORTED"
	ReasonConditionalCreate  Reason = "CONDITIONAL_CREATE_NOT_SUPPORTED"
	ReasonNoResource         Reason = "RESOURCE_MISSING"
	ReasonWrongType          Reason = "WRONG_RESOURCE_TYPE"
	ReasonUnsupportedType    Reason = "UNSUPPORTED_RESOURCE_TYPE"
	ReasonID                 Reason = "INVALID_RESOURCE_ID"
	ReasonDuplicateFullURL   Reason = "DUPLICATE_FULL_URL"
	ReasonDuplicateResource  Reason = "DUPLICATE_RESOURCE"
	ReasonReference          Reason = "UNRESOLVED_REFERENCE"
	ReasonTwoPatients        Reason = "TWO_PATIENTS"
	ReasonNoPatient          Reason = "NO_PATIENT"
	ReasonNoNHSNumber        Reason = "NO_NHS_NUMBER"
	ReasonInvalidNHSNumber   Reason = "INVALID_NHS_NUMBER"
	ReasonSeveralNHSNumbers  Reason = "SEVERAL_NHS_NUMBERS"
	ReasonNoSubject          Reason = "SUBJECT_MISSING"
	ReasonSubjectNotPatient  Reason = "SUBJECT_NOT_A_PATIENT"
	ReasonSubjectUnknown     Reason = "SUBJECT_UNKNOWN"
	ReasonSubjectOther       Reason = "SUBJECT_OF_ANOTHER_PATIENT"
	ReasonResourceOfAnother  Reason = "RESOURCE_OF_ANOTHER_PATIENT"
	ReasonNothingToKeep      Reason = "NOTHING_TO_KEEP"
	ReasonUnreadableEncoding Reason = "NOT_UTF8"
)

// Refusal is why a bundle is refused as a whole. It holds nothing that the
// bundle says about a person, so that it can be kept, shown and logged.
type Refusal struct { //nolint:errname // it is an answer to a sender, and named as the domain names it
	Reason Reason
	// Expression says where, as a FHIRPath: "Bundle.entry[3].resource.birthDate".
	Expression string
	// Text says in words what is wrong.
	Text string
}

// Error is the reason and where.
func (r *Refusal) Error() string {
	if r.Expression == "" {
		return fmt.Sprintf("bundle refused: %s", r.Reason)
	}
	return fmt.Sprintf("bundle refused: %s at %s", r.Reason, r.Expression)
}

// The HTTP statuses of refusals (RFC 9110).
const (
	badRequest    = 400
	conflict      = 409
	tooLarge      = 413
	unprocessable = 422
)

// Status is the HTTP status of the refusal: 413 above a limit, 409 where what
// is stored is in the way, 422 where the FHIR is sound and a rule of the record
// is not kept, 400 for all that is not a sound transaction.
func (r *Refusal) Status() int {
	switch r.Reason {
	case ReasonTooLarge, ReasonTooManyEntries:
		return tooLarge
	case ReasonResourceOfAnother:
		return conflict
	case ReasonUnsupportedType, ReasonTwoPatients, ReasonNoPatient, ReasonNoNHSNumber, ReasonInvalidNHSNumber,
		ReasonSeveralNHSNumbers, ReasonNoSubject, ReasonSubjectNotPatient, ReasonSubjectUnknown, ReasonSubjectOther,
		ReasonNothingToKeep:
		return unprocessable
	}
	return badRequest
}

// IssueCode is the code of the OperationOutcome's issue (FHIR's issue-type).
func (r *Refusal) IssueCode() string {
	switch r.Reason {
	case ReasonTooLarge, ReasonTooManyEntries, ReasonTooDeep:
		return "too-long"
	case ReasonNotJSON, ReasonTruncated, ReasonNotBundle, ReasonStructure, ReasonUnreadableEncoding:
		return "structure"
	case ReasonDate, ReasonID, ReasonURL, ReasonInvalidNHSNumber:
		return "value"
	case ReasonNoRequest, ReasonNoResource, ReasonEmpty, ReasonNoNHSNumber, ReasonNoSubject, ReasonNoPatient:
		return "required"
	case ReasonNotTransaction, ReasonMethod, ReasonUnsupportedType, ReasonConditionalUpdate, ReasonConditionalDelete,
		ReasonConditionalCreate, ReasonNothingToKeep:
		return "not-supported"
	case ReasonDuplicateFullURL, ReasonDuplicateResource:
		return "duplicate"
	case ReasonReference, ReasonSubjectUnknown:
		return "not-found"
	case ReasonResourceOfAnother:
		return "conflict"
	}
	return "business-rule"
}

func refuse(reason Reason, expression, text string) *Refusal {
	return &Refusal{Reason: reason, Expression: expression, Text: text}
}

// at is the expression of an entry, or of something below it.
func at(index int, below string) string {
	expression := "Bundle.entry[" + strconv.Itoa(index) + "]"
	if below == "" {
		return expression
	}
	return expression + "." + below
}

// unreadable is the refusal for an element that could not be read.
func unreadable(err error, where string) *Refusal {
	var element *fhir.Error
	if !errors.As(err, &element) {
		return refuse(ReasonStructure, where, "The entry cannot be read.")
	}
	expression := where
	if element.Element != "" {
		expression += "." + element.Element
	}
	if element.Date {
		return refuse(ReasonDate, expression, "This is not a date: YYYY, YYYY-MM, YYYY-MM-DD or a date with time and zone.")
	}
	return refuse(ReasonStructure, expression, "This element does not have the shape that FHIR R4 gives it.")
}

// Unreadable is the refusal for an error of package fhir in the resource of an
// entry, for those who read it further.
func Unreadable(err error, index int) *Refusal { return unreadable(err, at(index, "resource")) }
