// Package kin tells whether a person may be family of a member of staff: the same surname at the same address
// (DOMAIN.md section 5, family records are misuse; section 8, what a privacy officer looks for). It refuses
// nobody; such a look is reviewed. Pure functions: no SQL, no gRPC.
package kin

import (
	"maps"
	"strings"
	"unicode"

	"github.com/dorsetcarerecord/dcr/identity-svc/internal/search"
)

// Home is a surname and an address as feeds gave them. Surname and postcode are folded as package search folds
// them; any part may be empty.
type Home struct {
	Surname  string
	Postcode string
	Lines    []string
}

// Of compares a member with a person. The member's home is that of the member as a patient; name is the name on
// the staff record, whose last word is taken for the surname where no feed gave one.
//
// SameHome says that both live at one address. sameName says that the surname is the same and the member's
// address is not known, since then no more can be told.
func Of(member Home, name string, person Home) (sameHome, sameName bool) {
	surname := member.Surname
	if surname == "" {
		surname = lastWord(name)
	}
	if surname == "" || surname != person.Surname {
		return false, false
	}
	if member.Postcode == "" {
		return false, true
	}
	return member.Postcode == person.Postcode && sameHouse(member, person), false
}

func lastWord(name string) string {
	words := strings.Fields(search.Fold(name))
	if len(words) == 0 {
		return ""
	}
	return words[len(words)-1]
}

// sameHouse compares houses of one postcode, which is some fifteen of them. Feeds write one address in many
// ways, so the numbers in it count and not the words: "Flat 3, 12 High Street" is "3/12 High St". A house with
// a name is compared by its first line. Where only one of the two has a number, nothing can be told, and the
// postcode decides: a look that is reviewed in vain costs less than one that is missed.
func sameHouse(a, b Home) bool {
	x, y := numbers(a), numbers(b)
	switch {
	case len(x) > 0 && len(y) > 0:
		return maps.Equal(x, y)
	case len(x) == 0 && len(y) == 0 && len(a.Lines) > 0 && len(b.Lines) > 0:
		return search.Fold(a.Lines[0]) == search.Fold(b.Lines[0])
	default:
		return true
	}
}

// numbers are the words of an address that have a digit, without its postcode.
func numbers(h Home) map[string]bool {
	found := map[string]bool{}
	for _, line := range h.Lines {
		if search.FoldPostcode(line) == h.Postcode {
			continue
		}
		for _, word := range strings.FieldsFunc(search.Fold(line), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
			if strings.ContainsFunc(word, unicode.IsDigit) {
				found[word] = true
			}
		}
	}
	return found
}
