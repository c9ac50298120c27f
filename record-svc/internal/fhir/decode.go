package fhir

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Error is an element that could not be read. It never quotes its value.
type Error struct {
	// Element is the path below the resource, e.g. "onsetDateTime"; empty when
	// the whole could not be read.
	Element string
	// Date is true when it is a date that is no date.
	Date bool
	// Shape that came instead: "object", "array", "value".
	Shape string
}

// Error names the element.
func (e *Error) Error() string {
	if e.Date {
		return fmt.Sprintf("%s is not a date", e.Element)
	}
	return fmt.Sprintf("%s cannot be read from %s", e.Element, e.Shape)
}

// Decode reads the elements of one resource. raw is valid JSON within the depth
// limit. The error is an *Error.
func Decode(raw []byte) (*Resource, error) {
	var r Resource
	if err := json.Unmarshal(raw, &r); err != nil {
		return nil, AsError(err)
	}
	return &r, nil
}

// AsError is err of the JSON package as an *Error.
func AsError(err error) error {
	var mismatch *json.UnmarshalTypeError
	if !errors.As(err, &mismatch) {
		return &Error{Shape: "invalid JSON"}
	}
	return &Error{
		Element: elementName(mismatch.Field),
		Date:    mismatch.Value == wrongDate,
		Shape:   mismatch.Value,
	}
}

// elementName turns the path of Go's fields into FHIR's: the names differ in
// their first letter alone.
func elementName(fields string) string {
	parts := strings.Split(fields, ".")
	for i, part := range parts {
		if part != "" {
			parts[i] = strings.ToLower(part[:1]) + part[1:]
		}
	}
	return strings.Join(parts, ".")
}
