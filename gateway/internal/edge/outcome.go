package edge

import "github.com/dorsetcarerecord/dcr/internal/fault"

// reasonSystem names our reasons as a FHIR code system, as in record-svc's own outcomes.
const reasonSystem = "https://dorsetcarerecord/CodeSystem/reason"

// The parts of FHIR's OperationOutcome that are used.
type (
	outcome struct {
		ResourceType string         `json:"resourceType"`
		Issue        []outcomeIssue `json:"issue"`
	}
	outcomeIssue struct {
		Severity    string         `json:"severity"`
		Code        string         `json:"code"`
		Details     outcomeDetails `json:"details"`
		Diagnostics string         `json:"diagnostics"`
		Expression  []string       `json:"expression,omitempty"`
	}
	outcomeDetails struct {
		Coding []outcomeCoding `json:"coding"`
		Text   string          `json:"text"`
	}
	outcomeCoding struct {
		System string `json:"system"`
		Code   string `json:"code"`
	}
)

// outcomeOf is p for a FHIR client: the reason as a coding, the request id in
// the diagnostics.
func outcomeOf(p *problem, requestID string) []byte {
	issue := outcomeIssue{
		Severity:    "error",
		Code:        issueType(p),
		Details:     outcomeDetails{[]outcomeCoding{{reasonSystem, p.fault.Reason}}, p.fault.Text},
		Diagnostics: "request " + requestID,
	}
	for _, f := range p.violations() {
		issue.Expression = append(issue.Expression, f.Field)
	}
	return mustJSON(outcome{"OperationOutcome", []outcomeIssue{issue}})
}

// issueType is the code of FHIR's IssueType value set.
func issueType(p *problem) string {
	switch p.fault.Reason {
	case reasonTooLarge:
		return "too-long"
	case reasonContentType, reasonMethod:
		return "not-supported"
	}
	switch p.fault.Kind {
	case fault.KindInvalid:
		return "invalid"
	case fault.KindUnauthenticated:
		return "login"
	case fault.KindDenied:
		return "forbidden"
	case fault.KindNotFound:
		return "not-found"
	case fault.KindDuplicate:
		return "duplicate"
	case fault.KindConflict:
		return "conflict"
	case fault.KindPrecondition:
		return "business-rule"
	case fault.KindExhausted:
		return "throttled"
	case fault.KindUnavailable:
		return "transient"
	case fault.KindTimeout:
		return "timeout"
	default:
		return "exception"
	}
}
