// Package person decides whether a feed's demographics fit the person known
// under an NHS number (issue 2 section 3). A number that was mistyped is often
// somebody else's valid one, and a record under the wrong number is a harm that
// nobody sees; so a contradiction refuses the feed.
package person

import (
	"strings"
	"unicode"

	"github.com/dorsetcarerecord/dcr/record-svc/internal/fhir"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/section"
	"golang.org/x/text/unicode/norm"
)

// Demographics are the particulars by which a person is told apart.
type Demographics struct {
	// Family name and given names as written.
	Family string
	Given  []string
	// BirthDate as written: YYYY, YYYY-MM or YYYY-MM-DD; empty when not known.
	BirthDate string
}

// Identified tells whether name and birth date are known, so that the person can be told from others.
func (d Demographics) Identified() bool {
	return Fold(d.Family) != "" && len(d.BirthDate) == len("2006-01-02")
}

// Of reads the demographics of a Patient.
func Of(patient *fhir.Resource) Demographics {
	name := section.Official(patient.Name)
	d := Demographics{Family: string(name.Family), BirthDate: patient.BirthDate.Day()}
	for _, given := range name.Given {
		d.Given = append(d.Given, string(given))
	}
	return d
}

// Reason is why demographics do not fit; empty when they do.
type Reason string

// The reasons, as the sender sees them.
const (
	// Fits: nothing contradicts.
	Fits Reason = ""
	// BirthDateDiffers: another day of birth.
	BirthDateDiffers Reason = "BIRTH_DATE_DIFFERS"
	// NameDiffers: family and first given name both differ.
	NameDiffers Reason = "NAME_DIFFERS"
	// FitsAnother: the given name differs and is that of a person of the same
	// family name and birth date under another number, a twin.
	FitsAnother Reason = "FITS_ANOTHER_PERSON"
)

// Text says the reason in words that hold nothing of either person.
func (r Reason) Text() string {
	switch r {
	case BirthDateDiffers:
		return "Another date of birth is known for this NHS number."
	case NameDiffers:
		return "Another family name and another given name are known for this NHS number."
	case FitsAnother:
		return "The name and date of birth are those of a person with another NHS number."
	}
	return ""
}

// Match compares what a feed says with what is known under its NHS number.
// known is nil when nobody is. others are persons under other numbers with the
// incoming family name and birth date. Case, accents and punctuation do not
// count, and one name alone may differ: people marry, and are called by another
// given name. What either side does not say contradicts nothing.
func Match(incoming Demographics, known *Demographics, others []Demographics) Reason {
	if known == nil {
		return Fits
	}
	if !sameDay(incoming.BirthDate, known.BirthDate) {
		return BirthDateDiffers
	}
	if same(first(incoming.Given), first(known.Given)) {
		return Fits
	}
	if !same(incoming.Family, known.Family) {
		return NameDiffers
	}
	for _, other := range others {
		if twin(incoming, other) {
			return FitsAnother
		}
	}
	return Fits
}

// twin tells whether all that tells people apart is said by both and agrees.
func twin(a, b Demographics) bool {
	return Fold(a.Family) != "" && Fold(a.Family) == Fold(b.Family) &&
		len(a.BirthDate) == len(b.BirthDate) && a.BirthDate != "" && sameDay(a.BirthDate, b.BirthDate) &&
		Fold(first(a.Given)) != "" && Fold(first(a.Given)) == Fold(first(b.Given))
}

// sameDay compares as much of both dates as both have.
func sameDay(a, b string) bool {
	return strings.HasPrefix(a, b) || strings.HasPrefix(b, a)
}

func same(a, b string) bool {
	a, b = Fold(a), Fold(b)
	return a == "" || b == "" || a == b
}

func first(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return names[0]
}

// Fold is a name for comparison: lower case letters and digits alone, without
// accents. O'Brien, OBRIEN and Ó Brien are one.
func Fold(name string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(name) {
		switch {
		case unicode.IsLetter(r):
			b.WriteString(plain(unicode.ToLower(r)))
		case unicode.IsDigit(r):
			b.WriteRune(r)
		}
	}
	return b.String()
}

// plain spells out letters that Unicode does not take apart.
func plain(r rune) string {
	switch r {
	case 'ß':
		return "ss"
	case 'æ':
		return "ae"
	case 'œ':
		return "oe"
	case 'ø':
		return "o"
	case 'ł':
		return "l"
	case 'đ', 'ð':
		return "d"
	case 'þ':
		return "th"
	case 'ı':
		return "i"
	}
	return string(r)
}
