package bundle

import (
	"bytes"
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
	if err := json.Unmarshal(body, new(anything)); err != nil {
		return envelope{}, notABundle(err)
	}
	if first := bytes.TrimLeft(body, " \t\r\n"); first[0] != '{' {
		return envelope{}, refuse(ReasonNotBundle, "", "The body is not a resource.")
	}
	var outer outer
	for name, value := range fhir.Members(body) {
		if err := outer.read(name, value); err != nil {
			return envelope{}, unreadable(fhir.AsError(err), "Bundle."+name)
		}
	}
	switch {
	case outer.resourceType != "Bundle":
		return envelope{}, refuse(ReasonNotBundle, "", "The resource is not a Bundle.")
	case outer.bundleType != "transaction":
		return envelope{}, refuse(ReasonNotTransaction, "Bundle.type", "Only bundles of type transaction are taken.")
	}
	if len(outer.entry) > 0 && outer.entry[0] != '[' && string(outer.entry) != "null" {
		return envelope{}, refuse(ReasonStructure, "Bundle.entry", "Bundle.entry is a list.")
	}
	sent := envelope{timestamp: outer.timestamp.Instant}
	for entry := range fhir.Elements(outer.entry) {
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

// anything is any valid JSON: to read it is to check it.
type anything struct{}

// UnmarshalJSON takes whatever is valid.
func (*anything) UnmarshalJSON([]byte) error { return nil }

// outer are the members of the bundle that are read.
type outer struct {
	resourceType fhir.Text
	bundleType   fhir.Text
	timestamp    fhir.Date
	entry        []byte
}

func (o *outer) read(name string, value []byte) error {
	switch name {
	case "resourceType":
		return json.Unmarshal(value, &o.resourceType)
	case "type":
		return json.Unmarshal(value, &o.bundleType)
	case "timestamp":
		return json.Unmarshal(value, &o.timestamp)
	case "entry":
		o.entry = value
	}
	return nil
}

// notABundle tells JSON that ends too soon from what is no JSON.
func notABundle(err error) *Refusal {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) && syntax.Error() == "unexpected end of JSON input" {
		return refuse(ReasonTruncated, "", "The JSON ends before it is complete.")
	}
	return refuse(ReasonNotJSON, "", "The body is not JSON.")
}
