package fhir

import (
	"encoding/json"
	"reflect"
	"strings"
	"time"
)

// Precision is how much of a date was given.
type Precision string

// The precisions of FHIR's date, dateTime and instant.
const (
	PrecisionNone  Precision = ""
	PrecisionYear  Precision = "year"
	PrecisionMonth Precision = "month"
	PrecisionDay   Precision = "day"
	PrecisionTime  Precision = "time"
)

// Date is a FHIR date, dateTime or instant, as precise as it was given.
type Date struct {
	// Written is the text as it came; it is what readers are shown.
	Written string
	// Instant is its first instant in UTC, for ordering. A time without a zone,
	// which FHIR forbids and feeds send, is ordered as UTC.
	Instant time.Time
	// Precision of Written.
	Precision Precision
}

// IsZero tells whether there is no date.
func (d Date) IsZero() bool { return d.Precision == PrecisionNone }

// Day is the calendar day as written, YYYY-MM-DD, or as much of it as there is.
func (d Date) Day() string {
	if len(d.Written) > len(time.DateOnly) {
		return d.Written[:len(time.DateOnly)]
	}
	return d.Written
}

// UnmarshalJSON reads a date; a date that is no date is an error which names
// the element. Numbers are read as text: a year may come bare.
func (d *Date) UnmarshalJSON(data []byte) error {
	text, ok := scalar(data)
	if !ok {
		return mismatch[Date](data)
	}
	if text == "" && data[0] != '"' { // null
		*d = Date{}
		return nil
	}
	parsed, ok := ParseDate(text)
	if !ok {
		return &json.UnmarshalTypeError{Value: wrongDate, Type: reflect.TypeFor[Date]()}
	}
	*d = parsed
	return nil
}

// wrongDate marks the one mismatch that has a reason of its own.
const wrongDate = "date"

// ParseDate reads YYYY, YYYY-MM, YYYY-MM-DD or a time of a day, which may lack
// seconds and zone. False for anything else, 30 February included.
func ParseDate(text string) (Date, bool) {
	layout, precision := layoutOf(text)
	if precision == PrecisionNone {
		return Date{}, false
	}
	// Go's time knows no leap second; FHIR allows one.
	readable := strings.Replace(text, ":60", ":59", 1)
	instant, err := time.Parse(layout, readable)
	instant = instant.UTC()
	if err != nil || instant.Year() < 1 || instant.Year() > 9999 {
		return Date{}, false
	}
	return Date{Written: text, Instant: instant, Precision: precision}, true
}

// Lengths that tell the forms apart.
const (
	yearLength   = len("2006")
	monthLength  = len("2006-01")
	dayLength    = len("2006-01-02")
	minuteLength = len("2006-01-02T15:04")
)

func layoutOf(text string) (string, Precision) {
	switch len(text) {
	case yearLength:
		return "2006", PrecisionYear
	case monthLength:
		return "2006-01", PrecisionMonth
	case dayLength:
		return time.DateOnly, PrecisionDay
	}
	// Go reads an hour of one digit and a comma before the fraction; FHIR has neither.
	if len(text) < minuteLength || text[minuteLength-3] != ':' || strings.Contains(text, ",") {
		return "", PrecisionNone
	}
	layout := "2006-01-02T15:04"
	rest := text[minuteLength:]
	if strings.HasPrefix(rest, ":") {
		layout += ":05"
	}
	if strings.HasSuffix(rest, "Z") || strings.ContainsAny(rest, "+-") {
		layout += "Z07:00"
	}
	return layout, PrecisionTime
}

// MarshalJSON prints the date as it was written; null when there is none.
func (d Date) MarshalJSON() ([]byte, error) {
	if d.IsZero() {
		return []byte("null"), nil
	}
	return json.Marshal(d.Written)
}
