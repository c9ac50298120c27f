package claim_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/claim"
)

func TestName(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"Anning":                       "Anning",
		"  van  der   Berg ":           "van der Berg",
		"O'Brien":                      "O'Brien",
		"O’Brien-Smith":                "O’Brien-Smith",
		"<b>Bold</b>":                  "<b>Bold</b>",
		`"><script>alert(1)</`:         `"><script>alert(1)</`,
		"e\u0301lan":                   "élan", // composed
		"Smith\u00a0Jones":             "Smith Jones",
		"Nguyễn":                       "Nguyễn",
		"李":                            "李",
		"محمد":                         "محمد", // letters that run from the right need no mark
		strings.Repeat("é", 100):       strings.Repeat("é", 100),
		strings.Repeat("e\u0301", 100): strings.Repeat("é", 100), // characters are counted, not bytes
	} {
		got, err := claim.Name(raw)
		if err != nil || got != want {
			t.Errorf("%q: %q, %v; want %q", raw, got, err, want)
		}
	}
}

// TestHiddenCharacters: each is refused wherever it stands, and so is a name that is none.
func TestHiddenCharacters(t *testing.T) {
	t.Parallel()
	for name, hidden := range map[string]string{
		"NUL": "\x00", "bell": "\a", "tab": "\t", "line feed": "\n", "carriage return": "\r", "escape": "\x1b", "delete": "\x7f",
		"next line": "\u0085", "right-to-left override": "\u202e", "left-to-right override": "\u202d", "right-to-left embedding": "\u202b",
		"pop": "\u202c", "isolate": "\u2067", "pop isolate": "\u2069", "right-to-left mark": "\u200f", "left-to-right mark": "\u200e",
		"Arabic letter mark": "\u061c", "zero-width space": "\u200b", "zero-width joiner": "\u200d", "word joiner": "\u2060",
		"byte order mark": "\ufeff", "soft hyphen": "\u00ad", "line separator": "\u2028", "paragraph separator": "\u2029",
		"grapheme joiner": "\u034f", "Hangul filler": "\u3164", "variation selector": "\ufe0f", "tag": "\U000e0041",
		"private": "\ue000", "not a character": "\uffff", "not assigned": "\u0378", "not UTF-8": "\xff", "surrogate": "\xed\xa0\x80",
	} {
		for _, raw := range []string{hidden, hidden + "Anning", "Ann" + hidden + "ing", "Anning" + hidden} {
			if got, err := claim.Name(raw); err == nil {
				t.Errorf("%s: %q is accepted as %q", name, raw, got)
			}
		}
	}
	for _, raw := range []string{
		"", "   ", "123", "--", "🙂", strings.Repeat("a", 101), strings.Repeat("é", 101), strings.Repeat("a", 1<<20), "a" + strings.Repeat("\u0301", 5) + "b",
	} {
		if got, err := claim.Name(raw); err == nil {
			t.Errorf("%.20q is accepted as %.20q", raw, got)
		}
	}
}

// TestNamesStayAsTheyAre: what was accepted is accepted again as it is, is short and visible, and its error
// never quotes it.
func TestNamesStayAsTheyAre(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		raw := rapid.String().Draw(r, "name")
		name, err := claim.Name(raw)
		if err != nil {
			if name != "" || (len(raw) > 3 && strings.Contains(err.Error(), raw)) {
				r.Fatalf("%q refused with %q, %v", raw, name, err)
			}
			return
		}
		again, err := claim.Name(name)
		if err != nil || again != name {
			r.Fatalf("%q became %q, %v", name, again, err)
		}
		if utf8.RuneCountInString(name) > 100 || strings.ContainsFunc(name, func(c rune) bool { return c != ' ' && !unicode.IsPrint(c) }) {
			r.Fatalf("%q is accepted", name)
		}
	})
}
