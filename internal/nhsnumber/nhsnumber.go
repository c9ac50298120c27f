// Package nhsnumber reads and checks NHS numbers: ten digits of which the last
// is a modulus 11 check digit (DOMAIN.md section 9). A number that is checked
// is not thereby known to belong to anybody.
package nhsnumber

import (
	"log/slog"
	"strings"
)

// Number is a checked NHS number: ten ASCII digits, no separators. Make one
// with Parse; the empty Number is no number.
type Number string

// Error says why text is no NHS number. It never quotes the text.
type Error string

// The ways in which text is no NHS number.
const (
	ErrForm     Error = "an NHS number is ten digits"
	ErrRepeated Error = "an NHS number is not one digit ten times"
	ErrCheck    Error = "the check digit of the NHS number is wrong"
)

// Error is the fixed text.
func (e Error) Error() string { return string(e) }

const (
	length  = 10
	modulus = 11
	// maxInput bounds what is looked at: ten digits, each with a separator
	// before and after it, is more than anybody writes.
	maxInput = 32
)

// Parse checks s. Spaces and hyphens between, before and after the digits are
// accepted, since people write 999 000 2673 and 999-000-2673. Ten equal digits
// pass the check digit but were never issued, so they are refused. The error
// is one of ErrForm, ErrRepeated, ErrCheck.
func Parse(s string) (Number, error) {
	digits, ok := strip(s)
	if !ok {
		return "", ErrForm
	}
	if strings.Count(digits, digits[:1]) == length {
		return "", ErrRepeated
	}
	if !checked(digits) {
		return "", ErrCheck
	}
	return Number(digits), nil
}

// Grouped is the form to show: 3-3-4 with spaces, "999 000 2673". It is empty
// for the empty Number.
func (n Number) Grouped() string {
	if len(n) != length {
		return ""
	}
	return string(n[:3] + " " + n[3:6] + " " + n[6:])
}

// LogValue keeps numbers out of structured logs, wherever they are passed.
func (n Number) LogValue() slog.Value { return slog.StringValue("[NHS number]") }

// strip removes separators and tells whether exactly ten digits were left.
func strip(s string) (string, bool) {
	if len(s) > maxInput {
		return "", false
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case r >= '0' && r <= '9':
			b.WriteRune(r)
		case r == ' ' || r == '-':
		default:
			return "", false
		}
	}
	return b.String(), b.Len() == length
}

// checked applies weights 10 to 2 to the first nine digits; eleven minus the
// remainder is the tenth, where 11 counts as 0 and 10 is never issued.
func checked(digits string) bool {
	sum := 0
	for i := range length - 1 {
		sum += int(digits[i]-'0') * (length - i)
	}
	want := (modulus - sum%modulus) % modulus
	return want == int(digits[length-1]-'0')
}
