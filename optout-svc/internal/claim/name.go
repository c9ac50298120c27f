package claim

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

const (
	// maxName is the longest name, in characters.
	maxName = 100
	// maxMarks on one letter: no script stacks more, and towers of them hide what is beneath.
	maxMarks = 4
)

// The ways in which text is refused. They never quote it.
var (
	errEmpty  = errors.New("must not be empty")
	errLetter = errors.New("must have a letter")
	errHidden = errors.New("must be plain text: type it rather than paste it, there are characters in it that cannot be seen or that turn the direction of writing")
)

// Name checks a name of a person and gives it composed and with single spaces. HTML is text like any other:
// O'Brien-<b> is kept as written, and escaped wherever it is shown.
//
// Characters that cannot be seen are refused, not stripped: control characters, marks that turn the
// direction of writing, zero-width and soft characters, private and unassigned ones. Two names that look
// alike must be alike, and a name must not change what stands after it in a letter or on a screen; but a
// claim that was stripped is no longer what the person sent, so the person is told and types it anew.
func Name(raw string) (string, error) {
	name, err := Line(raw, maxName)
	if err != nil {
		return "", err
	}
	if !strings.ContainsFunc(name, unicode.IsLetter) {
		return "", errLetter
	}
	return name, nil
}

// Line checks text of one line by the same rule, such as where a form was handed in: at most so many
// characters, not empty.
func Line(raw string, most int) (string, error) {
	// Bytes are bounded before anything is done with them: a character has at most four, and composing
	// joins few of them.
	if len(raw) > most*utf8.UTFMax*(maxMarks+1) {
		return "", tooLong(most)
	}
	if !utf8.ValidString(raw) || strings.ContainsFunc(raw, hidden) {
		return "", errHidden
	}
	line := strings.Join(strings.FieldsFunc(norm.NFC.String(raw), unicode.IsSpace), " ")
	if line == "" {
		return "", errEmpty
	}
	if utf8.RuneCountInString(line) > most {
		return "", tooLong(most)
	}
	if stacked(line) {
		return "", errHidden
	}
	return line, nil
}

func tooLong(most int) error { return fmt.Errorf("must be at most %d characters", most) }

// hidden tells whether a character cannot be seen, or is nothing that a keyboard makes. Spaces of any width
// can be; line and paragraph separators cannot.
func hidden(r rune) bool {
	// C: control, format (directions, zero width, soft hyphen, tags), surrogate, private, not assigned.
	return unicode.In(r, unicode.C, unicode.Zl, unicode.Zp, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// stacked tells whether a character carries more marks than any script puts on one.
func stacked(line string) bool {
	marks := 0
	for _, r := range norm.NFD.String(line) {
		if !unicode.Is(unicode.M, r) {
			marks = 0
			continue
		}
		if marks++; marks > maxMarks {
			return true
		}
	}
	return false
}
