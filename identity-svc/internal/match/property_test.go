package match_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/dorsetcarerecord/dcr/identity-svc/internal/match"
	"github.com/dorsetcarerecord/dcr/internal/personname"
)

// numbers of the test range, all valid.
func numbers() []string { return []string{annsNumber, otherNumber, thirdNumber, "9990000042"} }

func drawName(t *rapid.T, label string) string {
	return rapid.StringMatching(`[A-Z][a-zé]{2,8}(['-][A-Z][a-zö]{2,8})?`).Draw(t, label)
}

func drawPerson(t *rapid.T, number string) match.Person {
	return match.Person{
		NHSNumber: number, FamilyName: drawName(t, "family"), GivenNames: []string{drawName(t, "given")},
		BirthDate: rapid.SampledFrom([]string{"1957-03-09", "1957-03-08", "2001-12-31"}).Draw(t, "birth"),
		Postcode:  rapid.StringMatching(`(DT|BH)[1-9] [1-9][A-Z]{2}`).Draw(t, "postcode"),
		// A restricted person's postcode does not count, so a slip in it does not either.
		Restricted: rapid.Bool().Draw(t, "restricted"),
	}
}

// written is what somebody who knows a person well writes, in one of the ways that mean the same.
func written(t *rapid.T, p match.Person) match.Asked {
	a := match.Asked{FamilyName: p.FamilyName, GivenName: p.GivenNames[0], BirthDate: p.BirthDate, Postcode: p.Postcode}
	if rapid.Bool().Draw(t, "with number") {
		a.NHSNumber = p.NHSNumber
	}
	for _, style := range []struct {
		label string
		do    func()
	}{
		{"capitals", func() { a.FamilyName = strings.ToUpper(a.FamilyName) }},
		{"no accents", func() { a.FamilyName = strings.NewReplacer("é", "e", "ö", "o").Replace(a.FamilyName) }},
		{"typographic apostrophe", func() { a.FamilyName = strings.ReplaceAll(a.FamilyName, "'", "’") }},
		{"no apostrophe", func() { a.FamilyName = strings.ReplaceAll(a.FamilyName, "'", "") }},
		{"space for hyphen", func() { a.FamilyName = strings.ReplaceAll(a.FamilyName, "-", " ") }},
		{"postcode without space", func() { a.Postcode = strings.ToLower(strings.ReplaceAll(a.Postcode, " ", "")) }},
	} {
		if rapid.Bool().Draw(t, style.label) {
			style.do()
		}
	}
	return a
}

// decide marks who has the number, as the statement does.
func decide(asked match.Asked, people ...match.Person) (match.Outcome, match.Person) {
	for i := range people {
		people[i].ByNumber = people[i].NHSNumber == asked.NHSNumber
	}
	return match.Decide(asked, people)
}

// TestHowItIsWrittenDoesNotCount: whoever is sure when written as known is sure however it is written.
func TestHowItIsWrittenDoesNotCount(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := drawPerson(t, annsNumber)
		asked := written(t, p)
		want := match.Sure
		if p.Restricted && asked.NHSNumber == "" {
			want = match.Possible
		}
		if got, _ := decide(asked, p); got != want {
			t.Fatalf("%+v written as %+v: %v, want %v", p, asked, got, want)
		}
	})
}

// TestOneWrongCharacterIsNeverSure: a letter or digit that is wrong, too many or missing, in any detail that
// counts, keeps a request from going on by itself.
func TestOneWrongCharacterIsNeverSure(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := drawPerson(t, annsNumber)
		asked := written(t, p)
		right := asked
		details := []*string{&asked.FamilyName, &asked.GivenName, &asked.BirthDate}
		if !p.Restricted {
			details = append(details, &asked.Postcode)
		}
		detail := rapid.SampledFrom(details).Draw(t, "detail")
		text := []rune(*detail)
		at := rapid.IntRange(0, len(text)-1).Draw(t, "at")
		other := rapid.RuneFrom([]rune("abcxyz0123456789")).Draw(t, "other")
		switch rapid.IntRange(0, 2).Draw(t, "slip") {
		case 0:
			text[at] = other
		case 1:
			text = slices.Insert(text, at, other)
		case 2:
			text = slices.Delete(text, at, at+1)
		}
		*detail = string(text)
		if same(asked, right) {
			return // it reads the same
		}
		if got, who := decide(asked, p); got == match.Sure {
			t.Fatalf("%+v is sure to be %+v", asked, who)
		}
	})
}

// same tells whether two requests read the same.
func same(a, b match.Asked) bool {
	return personname.Fold(a.FamilyName) == personname.Fold(b.FamilyName) && personname.Fold(a.GivenName) == personname.Fold(b.GivenName) &&
		a.BirthDate == b.BirthDate && personname.Postcode(a.Postcode) == personname.Postcode(b.Postcode)
}

// TestSureIsSure: whoever is around, a sure match is one person, agrees in family name and birth date, and in the
// number or, when none was given, in the postcode; and somebody more can only make it less sure.
func TestSureIsSure(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var people []match.Person
		for i, number := range numbers() {
			p := drawPerson(t, number)
			if i > 0 && rapid.Bool().Draw(t, "like the first") {
				p.FamilyName, p.BirthDate, p.Postcode = people[0].FamilyName, people[0].BirthDate, people[0].Postcode
			}
			people = append(people, p)
		}
		asked := written(t, people[rapid.IntRange(0, len(people)-1).Draw(t, "who")])
		if rapid.Bool().Draw(t, "some number") {
			asked.NHSNumber = rapid.SampledFrom(numbers()).Draw(t, "number")
		}
		got, who := decide(asked, people...)
		if got != match.Sure {
			return
		}
		agreed := personname.Fold(asked.FamilyName) == personname.Fold(who.FamilyName) && asked.BirthDate == who.BirthDate
		byPlace := !who.Restricted && personname.Postcode(asked.Postcode) == personname.Postcode(who.Postcode)
		if !agreed || asked.NHSNumber != "" && asked.NHSNumber != who.NHSNumber || asked.NHSNumber == "" && !byPlace {
			t.Fatalf("%+v is sure to be %+v", asked, who)
		}
		if fewer, same := decide(asked, who); fewer != match.Sure || same.NHSNumber != who.NHSNumber {
			t.Fatalf("sure among all, %v alone", fewer)
		}
		// The answer does not tell where a restricted person lives.
		for i := range people {
			if people[i].Restricted {
				people[i].Postcode = "SN1 1AA"
			}
		}
		if again, _ := decide(asked, people...); again != got {
			t.Fatalf("a restricted person's postcode made it %v", again)
		}
	})
}
