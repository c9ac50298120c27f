package pdf

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/image/font/sfnt"
	"golang.org/x/text/unicode/bidi"
	"golang.org/x/text/unicode/norm"
)

// mark stands for a character that cannot be printed.
const mark = '□'

// cleaner makes text printable and remembers what it could not print. It belongs to one rendering.
type cleaner struct {
	press   *Press
	buffer  sfnt.Buffer
	known   map[rune]bool
	missing []rune
}

func (p *Press) newCleaner() *cleaner {
	return &cleaner{press: p, known: map[rune]bool{}}
}

// lines cuts text at its line breaks and makes each printable. Letters and their accents are composed
// first, since the font places accents only on letters that it has whole.
func (c *cleaner) lines(text string) []string {
	text = strings.ReplaceAll(norm.NFC.String(strings.ToValidUTF8(text, "\uFFFD")), "\r\n", "\n")
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.Map(c.printable, line)
	}
	return lines
}

// line makes text printable on one line.
func (c *cleaner) line(text string) string { return strings.Join(c.lines(text), " ") }

// printable is the character as it is printed.
func (c *cleaner) printable(r rune) rune {
	if r == '\t' {
		return ' '
	}
	can, seen := c.known[r]
	if !seen {
		can = c.covers(r)
		c.known[r] = can
	}
	if can {
		return r
	}
	if !slices.Contains(c.missing, r) {
		c.missing = append(c.missing, r)
	}
	return mark
}

// covers tells whether a character can be printed as it is meant: both fonts have it, it stands for
// itself, and it runs from left to right. The library knows no characters above U+FFFF.
func (c *cleaner) covers(r rune) bool {
	if r > 0xFFFF || !unicode.IsPrint(r) && !unicode.Is(unicode.Zs, r) {
		return false
	}
	props, _ := bidi.LookupRune(r)
	if class := props.Class(); class == bidi.R || class == bidi.AL || class == bidi.AN {
		return false
	}
	for _, font := range []*sfnt.Font{c.press.regular, c.press.bold} {
		if glyph, err := font.GlyphIndex(&c.buffer, r); err != nil || glyph == 0 {
			return false
		}
	}
	return true
}

// note says which characters could not be printed; empty when all could.
func (c *cleaner) note() string {
	if len(c.missing) == 0 {
		return ""
	}
	codes := make([]string, len(c.missing))
	for i, r := range c.missing {
		codes[i] = fmt.Sprintf("U+%04X", r)
	}
	return fmt.Sprintf("Some characters cannot be printed here and show as %c. Their Unicode numbers are: %s.", mark, strings.Join(codes, ", "))
}

// wrap breaks a line where it is wider than width: between words, and inside a word only when the word
// alone is wider. measure gives a text's width in the same unit.
func wrap(line string, width float64, measure func(string) float64) []string {
	var out []string
	current := ""
	for _, word := range strings.Split(line, " ") {
		joined := word
		if current != "" {
			joined = current + " " + word
		}
		if measure(joined) <= width {
			current = joined
			continue
		}
		if current != "" {
			out = append(out, current)
		}
		broken := breakWord(word, width, measure)
		out = append(out, broken[:len(broken)-1]...)
		current = broken[len(broken)-1]
	}
	return append(out, current)
}

// breakWord cuts a word into pieces that fit, at least one character each; the last may be empty.
func breakWord(word string, width float64, measure func(string) float64) []string {
	var out []string
	current := ""
	for _, r := range word {
		if next := current + string(r); current == "" || measure(next) <= width {
			current = next
			continue
		}
		out = append(out, current)
		current = string(r)
	}
	return append(out, current)
}
