package ingest

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/dorsetcarerecord/dcr/record-svc/internal/fhir"
)

// Limits of identity-svc: a feed that sends more, or longer ones, must not keep its person from being known.
const (
	mostContacts  = 10
	longestMobile = 100
	longestEmail  = 320
)

// contacts are the mobile numbers and mail addresses in use, in the feed's order. A one-time code is sent to
// them, so what a feed marks as old or ended is left out.
func contacts(all fhir.List[fhir.ContactPoint]) (mobiles, emails []string) {
	for _, c := range all {
		value := strings.TrimSpace(string(c.Value))
		if value == "" || c.Use == "old" || !c.Period.End.IsZero() {
			continue
		}
		switch {
		case c.System == "email" && utf8.RuneCountInString(value) <= longestEmail && len(emails) < mostContacts:
			emails = append(emails, value)
		case isMobile(c, value) && utf8.RuneCountInString(value) <= longestMobile && len(mobiles) < mostContacts:
			mobiles = append(mobiles, value)
		}
	}
	return mobiles, emails
}

// isMobile tells whether a telephone can take a text message: the feed says so, or its number is one of those
// that the United Kingdom gives to mobile telephones (07, but for the personal numbers 070 and the pagers 076).
func isMobile(c fhir.ContactPoint, value string) bool {
	if c.System == "sms" || c.System == "phone" && c.Use == "mobile" {
		return true
	}
	digits := strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) || r == '+' {
			return r
		}
		return -1
	}, value)
	for _, prefix := range []string{"+44", "0044"} {
		if rest, ok := strings.CutPrefix(digits, prefix); ok {
			digits = "0" + strings.TrimPrefix(rest, "0")
		}
	}
	return c.System == "phone" && len(digits) == len("07700900123") && strings.HasPrefix(digits, "07") &&
		!strings.HasPrefix(digits, "070") && !strings.HasPrefix(digits, "076")
}
