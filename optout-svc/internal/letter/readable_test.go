package letter

import (
	"regexp"
	"strings"
	"testing"
	"unicode"
)

// highestGrade is the American school grade of eleven-year-olds, by the formula of Flesch and Kincaid.
const highestGrade = 6.0

var (
	sentenceEnd = regexp.MustCompile(`[.!?]+(\s|$)`)
	vowels      = regexp.MustCompile(`[aeiouyäöüéłễ]+`)
)

// grade is the Flesch-Kincaid grade of a text of one sentence or more: 0.39 words per sentence + 11.8
// syllables per word - 15.59.
func grade(text string) float64 {
	sentences := len(sentenceEnd.FindAllString(text, -1))
	words, syllables := 0, 0
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || r == '-' || r == '/' }) {
		if n := syllablesOf(word); n > 0 {
			words++
			syllables += n
		}
	}
	return 0.39*float64(words)/float64(max(sentences, 1)) + 11.8*float64(syllables)/float64(max(words, 1)) - 15.59
}

// syllablesOf counts groups of vowels, less a silent e at the end; a number counts as two.
func syllablesOf(word string) int {
	word = strings.ToLower(strings.TrimFunc(word, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }))
	if word == "" {
		return 0
	}
	if strings.ContainsFunc(word, unicode.IsDigit) {
		return 2
	}
	n := len(vowels.FindAllString(word, -1))
	silent := strings.HasSuffix(word, "e") && !strings.HasSuffix(word, "le") ||
		strings.HasSuffix(word, "ed") && !strings.HasSuffix(word, "ted") && !strings.HasSuffix(word, "ded")
	if n > 1 && silent {
		n--
	}
	return max(n, 1)
}

// prose is what is read as sentences: paragraphs and lists.
func prose(c Content) string {
	var b strings.Builder
	for _, part := range c.Parts {
		for _, text := range append([]string{part.Text}, part.List...) {
			if text != "" && text != string(codeMark) {
				b.WriteString(strings.TrimRight(text, ",") + " ")
				if !strings.ContainsAny(text[len(text)-1:], ".!?") {
					b.WriteString(". ")
				}
			}
		}
	}
	return b.String()
}

func TestGradeIsThatOfTheFormula(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][2]float64{
		"The cat sat on the mat. The dog ran to the cat.": {-2, 0},
		"We check what you asked. We write to you.":       {-3, 1},
		"Notwithstanding the aforementioned considerations, the organisation's responsibilities necessitate appropriate authorisation.": {20, 40},
	} {
		if got := grade(text); got < want[0] || got > want[1] {
			t.Errorf("%q has grade %.1f, want between %v", text, got, want)
		}
	}
}

func TestLettersAreReadAtEleven(t *testing.T) {
	t.Parallel()
	worst := 0.0
	for name, f := range everyCase() {
		text := prose(compose(t, f))
		got := grade(text)
		worst = max(worst, got)
		limit := highestGrade
		if f.Format == EasyRead {
			limit = highestGrade - 2
		}
		if got > limit {
			t.Errorf("%s has grade %.1f, above %.1f:\n%s", name, got, limit, text)
		}
	}
	t.Logf("the hardest letter has grade %.1f", worst)
}

func TestWordsAreReadAtEleven(t *testing.T) {
	t.Parallel()
	words := load(t).words
	for _, table := range []map[string]string{words.Evidence, words.Reasons} {
		var all strings.Builder
		for key, text := range table {
			// One line alone is too short for the formula to be fair.
			if got := grade(text); got > highestGrade+4 {
				t.Errorf("%s has grade %.1f: %s", key, got, text)
			}
			all.WriteString(text + " ")
		}
		if got := grade(all.String()); got > highestGrade {
			t.Errorf("a list of words has grade %.1f", got)
		}
	}
}
