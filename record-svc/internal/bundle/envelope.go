package bundle

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/dorsetcarerecord/dcr/record-svc/internal/fhir"
)

// envelope is the bundle around its entries.
type envelope struct {
	timestamp time.Time
	entries   [][]byte
}

// open checks the body before any of it is decoded, then takes the envelope off.
func open(body []byte, limits Limits) (envelope, *Refusal) {
	switch {
	case len(body) > limits.Bytes:
		return envelope{}, refuse(ReasonTooLarge, "", fmt.Sprintf("The bundle is larger than %d bytes.", limits.Bytes))
	case fhir.TooDeep(body, limits.Depth):
		return envelope{}, refuse(ReasonTooDeep, "", fmt.Sprintf("The JSON is nested more than %d deep.", limits.Depth))
	case !utf8.Valid(body):
		return envelope{}, refuse(ReasonUnreadableEncoding, "", "The bundle is not UTF-8.")
	}
	var outer struct {
		ResourceType fhir.Text
		Type         fhir.Text
		Timestamp    fhir.Date
		Entry        json.RawMessage
	}
	if err := json.Unmarshal(body, &outer); err != nil {
		return envelope{}, notABundle(err)
	}
	switch {
	case outer.ResourceType != "Bundle":
		return envelope{}, refuse(ReasonNotBundle, "", "The resource is not a Bundle.")
	case outer.Type != "transaction":
		return envelope{}, refuse(ReasonNotTransaction, "Bundle.type", "Only bundles of type transaction are taken.")
	}
	if len(outer.Entry) > 0 && outer.Entry[0] != '[' && string(outer.Entry) != "null" {
		return envelope{}, refuse(ReasonStructure, "Bundle.entry", "Bundle.entry is a list.")
	}
	sent := envelope{timestamp: outer.Timestamp.Instant}
	for entry := range fhir.Elements(outer.Entry) {
		if len(sent.entries) == limits.Entries {
			text := fmt.Sprintf("The bundle has more than %d entries.", limits.Entries)
			return envelope{}, refuse(ReasonTooManyEntries, "Bundle.entry", text)
		}
		sent.entries = append(sent.entries, entry)
	}
	if len(sent.entries) == 0 {
		return envelope{}, refuse(ReasonEmpty, "Bundle.entry", "The bundle has no entries.")
	}
	return sent, nil
}

// notABundle tells JSON that ends too soon from what is no JSON, and both from
// an element of the wrong shape.
func notABundle(err error) *Refusal {
	var syntax *json.SyntaxError
	if !errors.As(err, &syntax) {
		return unreadable(fhir.AsError(err), "Bundle")
	}
	if syntax.Error() == "unexpected end of JSON input" {
		return refuse(ReasonTruncated, "", "The JSON ends before it is complete.")
	}
	return refuse(ReasonNotJSON, "", "The body is not JSON.")
}
