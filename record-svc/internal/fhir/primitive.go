package fhir

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
)

// Text is a FHIR string, code, uri or id. Feeds also write numbers and
// booleans where FHIR wants a string; they are kept as written.
type Text string

// UnmarshalJSON accepts any JSON scalar. An object or a list is an error that
// names the element, since reading it as empty would lose what it says.
func (t *Text) UnmarshalJSON(data []byte) error {
	s, ok := scalar(data)
	if !ok {
		return mismatch[Text](data)
	}
	*t = Text(s)
	return nil
}

// Decimal is a number as it was written: "1.50" and 1.50 keep their zero, since
// the digits of a result carry its precision.
type Decimal string

// UnmarshalJSON accepts a number or a string.
func (d *Decimal) UnmarshalJSON(data []byte) error {
	s, ok := scalar(data)
	if !ok {
		return mismatch[Decimal](data)
	}
	*d = Decimal(s)
	return nil
}

// Truth is a FHIR boolean that may be absent; feeds also quote it.
type Truth string

// UnmarshalJSON accepts true, false and both in quotes.
func (t *Truth) UnmarshalJSON(data []byte) error {
	s, ok := scalar(data)
	s = strings.ToLower(s)
	if !ok || (s != "" && s != "true" && s != "false") {
		return mismatch[Truth](data)
	}
	*t = Truth(s)
	return nil
}

// True tells whether the element is there and true.
func (t Truth) True() bool { return t == "true" }

// False tells whether the element is there and false.
func (t Truth) False() bool { return t == "false" }

// List is an element that repeats. A feed that sends a lone value where FHIR
// wants a list is read as a list of one. Nulls, which FHIR uses to line lists
// up with their extensions, are dropped.
type List[T any] []T

// UnmarshalJSON reads a list, or one value.
func (l *List[T]) UnmarshalJSON(data []byte) error {
	*l = nil
	if len(data) == 0 || isNull(data) {
		return nil
	}
	if data[0] != '[' {
		var one T
		if err := json.Unmarshal(data, &one); err != nil {
			return err
		}
		*l = List[T]{one}
		return nil
	}
	for element := range Elements(data) {
		if isNull(element) {
			continue
		}
		var one T
		if err := json.Unmarshal(element, &one); err != nil {
			return err
		}
		*l = append(*l, one)
	}
	return nil
}

// First is the first value, or the zero value.
func (l List[T]) First() T {
	if len(l) == 0 {
		var zero T
		return zero
	}
	return l[0]
}

func isNull(data []byte) bool { return string(data) == "null" }

// scalar is the text of a JSON scalar; false for an object or a list. NUL is
// replaced: PostgreSQL cannot keep it in text, and it says nothing.
func scalar(data []byte) (string, bool) {
	if len(data) == 0 || data[0] == '{' || data[0] == '[' {
		return "", false
	}
	if data[0] != '"' {
		if isNull(data) {
			return "", true
		}
		return string(data), true
	}
	return unquote(data), true
}

// unquote reads a valid JSON string. Most have no escape and need no decoder.
func unquote(data []byte) string {
	if len(data) < len(`""`) {
		return ""
	}
	inner := data[1 : len(data)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return string(inner)
	}
	var s string
	if err := json.Unmarshal(data, &s); err != nil {
		return ""
	}
	return strings.ReplaceAll(s, "\x00", "\uFFFD")
}

// mismatch is the error for an element of the wrong shape. The JSON package
// adds the path of the element on its way out.
func mismatch[T any](data []byte) error {
	shape := "value"
	switch {
	case len(data) > 0 && data[0] == '{':
		shape = "object"
	case len(data) > 0 && data[0] == '[':
		shape = "array"
	}
	return &json.UnmarshalTypeError{Value: shape, Type: reflect.TypeFor[T]()}
}
