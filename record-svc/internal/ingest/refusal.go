package ingest

import (
	"fmt"
	"net/http"

	"github.com/dorsetcarerecord/dcr/record-svc/internal/bundle"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/person"
)

// Refusals of the order of changes, and of the number itself.
const (
	// ReasonStale is an old copy that came without an order.
	ReasonStale bundle.Reason = "STALE_CONTENT"
	// ReasonOrderTaken is different content under an order that another version has.
	ReasonOrderTaken bundle.Reason = "ORDER_TAKEN"
	// ReasonSuperseded is a number that was merged into another one.
	ReasonSuperseded bundle.Reason = "NHS_NUMBER_SUPERSEDED"
)

func refusal(reason bundle.Reason, index int, text string) *bundle.Refusal {
	return &bundle.Refusal{Reason: reason, Expression: fmt.Sprintf("Bundle.entry[%d]", index), Text: text}
}

// Status is the HTTP status of a refusal, those of this package's reasons and of person's too.
func Status(r *bundle.Refusal) int {
	switch r.Reason {
	case ReasonStale, ReasonOrderTaken:
		return http.StatusConflict
	case bundle.Reason(person.BirthDateDiffers), bundle.Reason(person.NameDiffers), bundle.Reason(person.FitsAnother), ReasonSuperseded:
		return http.StatusUnprocessableEntity
	}
	return r.Status()
}

// IssueCode is the code of a refusal's issue in an OperationOutcome, likewise.
func IssueCode(r *bundle.Refusal) string {
	switch r.Reason {
	case ReasonStale, ReasonOrderTaken:
		return "conflict"
	case ReasonSuperseded:
		return "business-rule"
	}
	return r.IssueCode()
}
