package service

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/dorsetcarerecord/dcr/record-svc/internal/bundle"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/ingest"
)

// reasonSystem is the code system of our stable reasons in an OperationOutcome.
const reasonSystem = "https://dorsetcarerecord/CodeSystem/reason"

// The FHIR that is answered: a transaction-response, or an OperationOutcome.
type (
	coding struct {
		System  string `json:"system"`
		Code    string `json:"code"`
		Display string `json:"display,omitempty"`
	}
	concept struct {
		Coding []coding `json:"coding"`
		Text   string   `json:"text,omitempty"`
	}
	issue struct {
		Severity    string   `json:"severity"`
		Code        string   `json:"code"`
		Details     concept  `json:"details"`
		Diagnostics string   `json:"diagnostics,omitempty"`
		Expression  []string `json:"expression,omitempty"`
	}
	outcome struct {
		ResourceType string  `json:"resourceType"`
		Issue        []issue `json:"issue"`
	}
	response struct {
		Status       string   `json:"status"`
		Location     string   `json:"location,omitempty"`
		Etag         string   `json:"etag,omitempty"`
		LastModified string   `json:"lastModified,omitempty"`
		Outcome      *outcome `json:"outcome,omitempty"`
	}
	responseEntry struct {
		Response response `json:"response"`
	}
	responseBundle struct {
		ResourceType string          `json:"resourceType"`
		Type         string          `json:"type"`
		Timestamp    string          `json:"timestamp"`
		Entry        []responseEntry `json:"entry"`
	}
)

// operationOutcome is the answer to a refused bundle.
func operationOutcome(r *bundle.Refusal) ([]byte, error) {
	one := issue{
		Severity: "error", Code: ingest.IssueCode(r),
		Details: concept{Coding: []coding{{System: reasonSystem, Code: string(r.Reason)}}, Text: r.Text},
	}
	if r.Expression != "" {
		one.Expression = []string{r.Expression}
	}
	return fhirJSON(outcome{ResourceType: "OperationOutcome", Issue: []issue{one}})
}

// transactionResponse is the answer to an accepted bundle: one entry for each of the bundle's, in order.
func transactionResponse(r *ingest.Result, now time.Time) ([]byte, error) {
	out := responseBundle{ResourceType: "Bundle", Type: "transaction-response", Timestamp: now.UTC().Format(time.RFC3339), Entry: make([]responseEntry, len(r.Changes)+len(r.Ignored))}
	for _, c := range r.Changes {
		out.Entry[c.Index].Response = applied(c)
	}
	for _, i := range r.Ignored {
		out.Entry[i.Index].Response = response{Status: "200 OK", Outcome: note("not-supported", "IGNORED_RESOURCE_TYPE",
			"The record does not keep resources of type "+i.Type+"; this one was ignored, as agreed with this partner.")}
	}
	for _, u := range r.Unmatched {
		at := &out.Entry[u.Index].Response
		if at.Outcome == nil {
			at.Outcome = &outcome{ResourceType: "OperationOutcome"}
		}
		n := note("not-found", "UNMATCHED_REFERENCE", "This reference points to nothing that is known here. The resource was kept.")
		n.Issue[0].Expression = []string{u.Expression}
		at.Outcome.Issue = append(at.Outcome.Issue, n.Issue...)
	}
	return fhirJSON(out)
}

func applied(c ingest.Applied) response {
	r := response{Status: "200 OK", Etag: `W/"` + strconv.Itoa(c.Version) + `"`}
	switch {
	case c.Verb == bundle.Delete:
		return response{Status: "204 No Content", Etag: r.Etag}
	case c.Created:
		r.Status = "201 Created"
	}
	id := c.EntryID // a POST gets an id of ours, a PUT keeps the sender's
	if c.Verb == bundle.Put {
		id = c.Key.ID
	}
	r.Location = c.Key.Type + "/" + id + "/_history/" + strconv.Itoa(c.Version)
	return r
}

func note(code, reason, text string) *outcome {
	return &outcome{ResourceType: "OperationOutcome", Issue: []issue{{
		Severity: "information", Code: code, Details: concept{Coding: []coding{{System: reasonSystem, Code: reason}}, Text: text},
	}}}
}

func fhirJSON(v any) ([]byte, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("print answer: %w", err)
	}
	return text, nil
}
