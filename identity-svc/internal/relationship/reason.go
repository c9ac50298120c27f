package relationship

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// The bounds of a reason's text, in characters. Less than ten explain nothing.
const (
	minReasonText = 10
	maxReasonText = 1000
)

// ValidReasonCode tells whether code is one of the national reason codes (DOMAIN.md section 5): 01 public
// interest, 02 statute, 03 court order, 04 best interests of the patient, 05 Health and Social Care Act
// regulations, 06 other.
func ValidReasonCode(code string) bool {
	switch code {
	case "01", "02", "03", "04", "05", "06":
		return true
	}
	return false
}

// ReasonText is text without the spaces around it; ok tells whether it has 10 to 1000 characters, at
// least three different letters or digits among them, and no control characters but line ends.
func ReasonText(text string) (trimmed string, ok bool) {
	trimmed = strings.TrimSpace(text)
	if n := utf8.RuneCountInString(trimmed); !utf8.ValidString(trimmed) || n < minReasonText || n > maxReasonText {
		return "", false
	}
	different := map[rune]bool{}
	for _, r := range trimmed {
		if unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t' {
			return "", false
		}
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			different[unicode.ToLower(r)] = true
		}
	}
	return trimmed, len(different) >= 3
}
