package section

import (
	"fmt"
	"time"

	"github.com/dorsetcarerecord/dcr/record-svc/internal/fhir"
)

// Code is one concept.
type Code struct {
	System  string `json:"system,omitempty"`
	Code    string `json:"code"`
	Display string `json:"display,omitempty"`
}

// Entry is what the record shows of one kept resource. It is computed once, at
// ingest, and survives a round trip through JSON, so that a section can be
// rendered again without its FHIR.
type Entry struct {
	Section Name   `json:"section"`
	Type    string `json:"type"`
	// Code is the best of Codes; empty when the resource has none.
	Code Code `json:"code"`
	// Codes are all codings of what it is, for the filter by code.
	Codes []Code `json:"codes,omitempty"`
	// Display is what it is called; never empty.
	Display      string `json:"display"`
	Status       string `json:"status,omitempty"`
	Verification string `json:"verification,omitempty"`
	// Active is true for what stands now, as far as the resource says. What
	// says nothing counts as active: missing never looks like none.
	Active bool `json:"active"`
	// Start and End of what it describes, Recorded when it was written down.
	Start    fhir.Date `json:"start"`
	End      fhir.Date `json:"end"`
	Recorded fhir.Date `json:"recorded"`
	// Author and Contact as the feed has them.
	Author  string `json:"author,omitempty"`
	Contact string `json:"contact,omitempty"`
	// Value is the value, dose or detail, as text.
	Value       string   `json:"value,omitempty"`
	Criticality string   `json:"criticality,omitempty"`
	Reactions   []string `json:"reactions,omitempty"`
	// NoneKnown is true when it asserts that there is none known.
	NoneKnown bool `json:"none_known,omitempty"`
	// EnteredInError is true when its sender took it back: it is not shown.
	EnteredInError bool `json:"entered_in_error,omitempty"`
	// Fingerprint is equal for entries that say the same (DOMAIN.md section 9);
	// empty when the entry equals no other.
	Fingerprint string `json:"fingerprint,omitempty"`
	// GP of a Patient; empty when it names none by ODS code.
	GP GP `json:"gp,omitzero"`
	// Bare is what is shown of a restricted person instead of Value.
	Bare string `json:"bare,omitempty"`
	// Withhold are words that an unbroken view of a restricted person must not
	// show in any entry: address, contacts and GP (DOMAIN.md section 6).
	Withhold []string `json:"withhold,omitempty"`
}

// GP is the practice with which a person is registered.
type GP struct {
	ODS string `json:"ods"`
	// Name as the feed has it; may be empty.
	Name string `json:"name,omitempty"`
}

// Instant orders entries: the start, else when it was recorded. Zero when
// neither is known.
func (e *Entry) Instant() time.Time {
	if !e.Start.IsZero() {
		return e.Start.Instant
	}
	return e.Recorded.Instant
}

// Lookup finds the resource that a reference of this resource points to, among
// those of the same sender; nil when there is none.
type Lookup func(reference string) *fhir.Resource

// Limit on the length of a code in bytes, since codes are indexed. No code
// system in use comes near it.
const maxCode = 256

// Compute makes the entry of a kept resource. raw are its bytes. The error is
// an *fhir.Error that names an element.
func Compute(r *fhir.Resource, raw []byte, sender Kind, find Lookup) (Entry, error) {
	name, ok := Of(r, sender)
	if !ok {
		return Entry{}, &fhir.Error{Element: "resourceType", Shape: "a type that is not kept"}
	}
	look := within(r, find)
	concept := subject(r, look)
	e := Entry{Section: name, Type: r.Kind(), Code: best(concept), Codes: codes(concept)}
	for _, code := range e.Codes {
		if len(code.Code) > maxCode || len(code.System) > maxCode {
			return Entry{}, &fhir.Error{Element: "code", Shape: fmt.Sprintf("a code of more than %d bytes", maxCode)}
		}
	}
	e.Display = title(r, concept)
	e.Status, e.Verification = status(r), r.VerificationStatus.Code()
	e.EnteredInError = e.Status == enteredInError || e.Verification == enteredInError
	e.Active = !e.EnteredInError && active(r, e.Status, e.Verification)
	e.Start, e.End, e.Recorded = when(r)
	e.Author, e.Contact = author(r, look)
	e.Value = value(r, e.Display)
	e.Criticality, e.Reactions = string(r.Criticality), reactions(r)
	e.NoneKnown = !e.EnteredInError && e.Active && noneKnown(concept)
	if e.Section == Demographics {
		e.GP = practice(r, look)
		e.Bare, e.Withhold = bare(r), withhold(r, e.GP)
	}
	var err error
	e.Fingerprint, err = fingerprint(&e, raw)
	return e, err
}

// within adds the resources that r contains to what can be found.
func within(r *fhir.Resource, find Lookup) Lookup {
	return func(reference string) *fhir.Resource {
		if local := r.Local(reference); local != nil {
			return local
		}
		if find == nil || reference == "" {
			return nil
		}
		return find(reference)
	}
}
