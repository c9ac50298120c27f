// Package waiting decides whether a request to opt out that waits could mean a person who is new to the record
// (DOMAIN section 7). It is asked before anyone can view the person, so it errs on the side of yes: what is
// possible keeps the record closed until a privacy officer has looked. Pure; no SQL, no RPC.
package waiting

import (
	"strings"

	"github.com/dorsetcarerecord/dcr/internal/personname"
)

// Request is a request to opt out that has not taken effect.
type Request struct {
	// NHSNumber to which it was matched; empty while it is not.
	NHSNumber string
	// Claimed are the particulars that it gives; empty ones were not given, or are forgotten.
	ClaimedNumber, FamilyName, BirthDate, Postcode string
}

// Person is somebody new to the record, as feeds describe them; what is empty is not known.
type Person struct {
	NHSNumber  string
	FamilyName string
	// BirthDate as YYYY-MM-DD, or as much of it as is known.
	BirthDate string
	Postcode  string
}

// May tells whether the request could mean the person.
//
// One that was matched means whom it was matched to. Any other could mean whoever has the number it gives; whoever
// shares birth date and postcode, or birth date and, but for a slip, family name; and whoever shares family name
// and postcode and has a birth date that a slip could have turned into the one given.
func May(r Request, p Person) bool {
	if r.NHSNumber != "" {
		return r.NHSNumber == p.NHSNumber
	}
	if r.ClaimedNumber != "" && r.ClaimedNumber == p.NHSNumber {
		return true
	}
	samePlace := same(personname.Postcode(r.Postcode), personname.Postcode(p.Postcode))
	switch {
	case r.BirthDate == "" || p.BirthDate == "":
		return false
	case strings.HasPrefix(r.BirthDate, p.BirthDate):
		return samePlace || likeName(r.FamilyName, p.FamilyName)
	default:
		return samePlace && same(personname.Fold(r.FamilyName), personname.Fold(p.FamilyName)) && slipped(r.BirthDate, p.BirthDate)
	}
}

func same(a, b string) bool { return a != "" && a == b }

// likeName tells whether two family names are one but for a slip, or share a part of a double-barrelled one.
func likeName(a, b string) bool {
	x, y := []rune(personname.Fold(a)), []rune(personname.Fold(b))
	if len(x) == 0 || len(y) == 0 {
		return false
	}
	if slip(x, y) {
		return true
	}
	for _, part := range personname.Parts(a) {
		for _, other := range personname.Parts(b) {
			if part == other && len(part) > 2 { // not the "de" or "al" of many
				return true
			}
		}
	}
	return false
}

// slip tells whether two texts are the same but for one letter that is wrong, missing or too many, or two that
// changed places.
func slip(a, b []rune) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	at := 0
	for at < len(a) && a[at] == b[at] {
		at++
	}
	switch len(b) - len(a) {
	case 0:
		return at == len(a) || string(a[at+1:]) == string(b[at+1:]) ||
			at+1 < len(a) && a[at] == b[at+1] && a[at+1] == b[at] && string(a[at+2:]) == string(b[at+2:])
	case 1:
		return string(a[at:]) == string(b[at+1:])
	}
	return false
}
