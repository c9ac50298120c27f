package search

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Fold is text without case, accents and runs of spaces, as names are searched (DOMAIN.md section 9).
// Letters that Unicode does not take apart are written as those who have no such key write them.
func Fold(text string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(strings.ToLower(text)) {
		switch {
		case unicode.Is(unicode.Mn, r):
		case r == 'ß':
			b.WriteString("ss")
		case r == 'æ':
			b.WriteString("ae")
		case r == 'œ':
			b.WriteString("oe")
		case r == 'ø':
			b.WriteRune('o')
		case r == 'ł':
			b.WriteRune('l')
		case r == 'đ' || r == 'ð':
			b.WriteRune('d')
		case r == 'þ':
			b.WriteString("th")
		case r == 'ı':
			b.WriteRune('i')
		case r == '\u2019' || r == '\u02bc' || r == '`':
			b.WriteRune('\'')
		case unicode.IsControl(r) && !unicode.IsSpace(r):
		default:
			b.WriteRune(r)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// FoldPostcode is a postcode in capitals without its space.
func FoldPostcode(text string) string {
	return strings.ToUpper(strings.Join(strings.Fields(text), ""))
}

// FoldAll folds each name, and each word of a name of several, since people are asked for "the first name".
func FoldAll(names []string) []string {
	folded := make([]string, 0, len(names))
	for _, n := range names {
		f := Fold(n)
		if f == "" {
			continue
		}
		folded = append(folded, f)
		if words := strings.Fields(f); len(words) > 1 {
			folded = append(folded, words...)
		}
	}
	return folded
}
