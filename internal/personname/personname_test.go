package personname_test

import (
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/dorsetcarerecord/dcr/internal/personname"
)

func TestFold(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"": "", "Smith": "smith", "  SMITH ": "smith", "O'Brien": "obrien", "O’Brien": "obrien", "Ó Brien": "obrien", "OBRIEN": "obrien",
		"Smith-Jones": "smithjones", "Smith Jones": "smithjones", "Smith‑Jones": "smithjones", "Brontë": "bronte", "Bronte\u0308": "bronte",
		"Łukasz": "lukasz", "Weiß": "weiss", "Sørensen": "sorensen", "Ægir Þór": "aegirthor", "İpek": "ipek", "ıpek": "ipek", "李": "李",
		"\u202eSmith\u202c": "smith", "Sm\u00adith": "smith", "ﬁnn": "finn", "ꟲ": "c", "ẞ": "ss",
	} {
		if got := personname.Fold(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestParts(t *testing.T) {
	t.Parallel()
	for in, want := range map[string][]string{
		"Smith": {"smith"}, "Smith-Jones": {"smith", "jones"}, "van der Berg": {"van", "der", "berg"}, "O'Brien": {"obrien"},
		"Nuñez–Ibáñez": {"nunez", "ibanez"}, " - ": nil,
	} {
		if got := personname.Parts(in); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestPostcode(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"dt1 1xj": "DT11XJ", "DT11XJ": "DT11XJ", " BH15  2AA ": "BH152AA", "": ""} {
		if got := personname.Postcode(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// TestFoldIsStable: what was folded folds to itself, and how a name is written does not count.
func TestFoldIsStable(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.String().Draw(t, "name")
		folded := personname.Fold(name)
		if again := personname.Fold(folded); again != folded {
			t.Fatalf("%q folds to %q and then to %q", name, folded, again)
		}
		if strings.ContainsFunc(folded, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
			t.Fatalf("%q folds to %q", name, folded)
		}
		if joined := strings.Join(personname.Parts(name), ""); joined != folded {
			t.Fatalf("%q: the parts come to %q, the whole to %q", name, joined, folded)
		}
	})
}

// TestEveryLetterIsStable likewise, for each character that there is.
func TestEveryLetterIsStable(t *testing.T) {
	t.Parallel()
	for r := rune(0); r <= utf8.MaxRune; r++ {
		folded := personname.Fold(string(r))
		if again := personname.Fold(folded); again != folded {
			t.Errorf("%U folds to %q and then to %q", r, folded, again)
		}
	}
}

// TestOneLetterCounts: another letter, one too many or one missing is another name.
func TestOneLetterCounts(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[A-Z][a-z]{1,12}(['-][A-Z][a-z]{1,12})?`).Draw(t, "name")
		at := rapid.IntRange(0, len(name)-1).Draw(t, "at")
		letter := rapid.StringMatching(`[a-z]`).Draw(t, "letter")
		for how, other := range map[string]string{"replaced": name[:at] + letter + name[at+1:], "added": name[:at] + letter + name[at:], "left out": name[:at] + name[at+1:]} {
			same := len(name) == len(other) && strings.EqualFold(name, other) || strings.ContainsAny(name[at:at+1], "'-") && how == "left out"
			if !same && personname.Fold(other) == personname.Fold(name) {
				t.Fatalf("%s: %q and %q fold alike", how, name, other)
			}
		}
	})
}
