// Package personname is how names and postcodes of people are made comparable: what people and systems write
// differently and mean alike becomes the same text. It holds no rule about who is whom; that is decided where
// names are compared.
package personname

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Fold is a name without what two writings of it may differ in: case, accents, apostrophes, hyphens, spaces
// and invisible marks. O'Brien, OBRIEN and Ó Brien are one; so are Smith-Jones and Smith Jones. Letters and
// digits remain, of every script. Two names of different letters never fold to the same text, but for letters
// that stand for several (ß for ss).
func Fold(name string) string {
	var b strings.Builder
	// Taken apart before it is lowered: some letters come apart into capitals.
	for _, r := range norm.NFKD.String(name) {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			b.WriteString(plain(unicode.ToLower(r)))
		}
	}
	return b.String()
}

// Parts are the folded parts of a name of several: of a double-barrelled one both, of "van der Berg" three. An
// apostrophe and an accent do not part a name.
func Parts(name string) []string {
	var folded []string
	for _, part := range strings.FieldsFunc(name, separates) {
		if f := Fold(part); f != "" {
			folded = append(folded, f)
		}
	}
	return folded
}

// separates tells whether what stands on both sides are names of their own: spaces and dashes of all kinds.
func separates(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Pd, r) }

// Postcode is a postcode in capitals, without spaces and whatever else is no letter or digit.
func Postcode(text string) string {
	return strings.ToUpper(Fold(text))
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
