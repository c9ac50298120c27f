package letter

import (
	"strings"
	"unicode"
)

const (
	// damaged stands for what cannot be part of a name or a line. It shows; nothing is dropped silently.
	damaged = '\uFFFD'
	// codeMark stands for the one-time code in words that are kept. Nothing from outside can hold it.
	codeMark = '\uE000'
	// longest is how many characters of a value are shown.
	longest = 200
)

// cleanName is a person's name as a letter may show it: letters, marks and what joins them. Anything else,
// be it a bracket of HTML, a slash of a link or a character that turns the line round, shows as damaged. A
// form is typed by anybody, and its letter must not carry their words to somebody else.
func cleanName(s string) string {
	return clean(s, func(r rune) bool {
		return unicode.IsLetter(r) || unicode.IsMark(r) || strings.ContainsRune("-'’‘.,()·", r)
	})
}

// cleanLine is text from settings, policy or our own service on one line.
func cleanLine(s string) string { return clean(s, printable) }

// printable tells whether a character stands on paper as itself and leaves its neighbours alone: no control,
// no mark that turns the writing round, no character for private use.
func printable(r rune) bool { return unicode.IsPrint(r) }

// clean puts s on one line, with single spaces.
func clean(s string, allowed func(rune) bool) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case allowed(r):
			return r
		}
		return damaged
	}, strings.ToValidUTF8(s, string(damaged)))
	s = strings.Join(strings.Fields(s), " ")
	if runes := []rune(s); len(runes) > longest {
		s = string(runes[:longest]) + "…"
	}
	return s
}

// cleanSender is a Sender that can be printed.
func cleanSender(s Sender) Sender {
	s.Name, s.Phone, s.Email = cleanLine(s.Name), cleanLine(s.Phone), cleanLine(s.Email)
	lines := make([]string, 0, len(s.Address))
	for _, line := range s.Address {
		if line = cleanLine(line); line != "" {
			lines = append(lines, line)
		}
	}
	s.Address = lines
	return s
}
