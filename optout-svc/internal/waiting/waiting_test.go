package waiting_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/waiting"
)

// Numbers of the test range.
const (
	annsNumber  = "9990000018"
	otherNumber = "9990000026"
)

func ann() waiting.Person {
	return waiting.Person{NHSNumber: annsNumber, FamilyName: "O'Brien-Smith", BirthDate: "1957-03-09", Postcode: "DT1 1XJ"}
}

func form() waiting.Request {
	return waiting.Request{ClaimedNumber: annsNumber, FamilyName: "O'Brien-Smith", BirthDate: "1957-03-09", Postcode: "dt11xj"}
}

// TestMay is the table of who could be meant.
func TestMay(t *testing.T) {
	t.Parallel()
	request := func(change func(*waiting.Request)) waiting.Request {
		r := form()
		r.ClaimedNumber = ""
		change(&r)
		return r
	}
	person := func(change func(*waiting.Person)) waiting.Person {
		p := ann()
		change(&p)
		return p
	}
	as := func(*waiting.Request) {}
	for name, c := range map[string]struct {
		r    waiting.Request
		p    waiting.Person
		want bool
	}{
		"matched to the person":       {waiting.Request{NHSNumber: annsNumber}, ann(), true},
		"matched to somebody else":    {request(func(r *waiting.Request) { r.NHSNumber = otherNumber }), ann(), false},
		"the number alone":            {waiting.Request{ClaimedNumber: annsNumber, FamilyName: "Carter", BirthDate: "2001-01-01"}, ann(), true},
		"the number of a nobody":      {waiting.Request{ClaimedNumber: annsNumber}, waiting.Person{NHSNumber: annsNumber}, true},
		"name and birth date":         {request(func(r *waiting.Request) { r.Postcode = "SN1 1AA" }), ann(), true},
		"birth date and postcode":     {request(func(r *waiting.Request) { r.FamilyName = "Maiden" }), ann(), true},
		"a slip in the name":          {request(func(r *waiting.Request) { r.FamilyName, r.Postcode = "Obrein-Smith", "" }), ann(), true},
		"half of the name":            {request(func(r *waiting.Request) { r.FamilyName, r.Postcode = "Smith", "" }), ann(), true},
		"a slip in the birth date":    {request(func(r *waiting.Request) { r.BirthDate = "1957-03-08" }), ann(), true},
		"day and month changed":       {request(func(r *waiting.Request) { r.BirthDate = "1957-09-03" }), ann(), true},
		"another number, all else":    {request(func(r *waiting.Request) { r.ClaimedNumber = otherNumber }), ann(), true},
		"the year is known":           {request(func(r *waiting.Request) { r.Postcode = "" }), person(func(p *waiting.Person) { p.BirthDate = "1957" }), true},
		"the month is known":          {request(as), person(func(p *waiting.Person) { p.BirthDate = "1957-03" }), true},
		"another year is known":       {request(as), person(func(p *waiting.Person) { p.BirthDate = "1958" }), false},
		"the birth date alone":        {request(func(r *waiting.Request) { r.FamilyName, r.Postcode = "Carter", "SN1 1AA" }), ann(), false},
		"the birth date, no names":    {request(func(r *waiting.Request) { r.FamilyName, r.Postcode = "", "" }), ann(), false},
		"name and place":              {request(func(r *waiting.Request) { r.BirthDate = "1988-11-30" }), ann(), false},
		"a slip in both":              {request(func(r *waiting.Request) { r.BirthDate, r.FamilyName = "1957-03-08", "O'Brain-Smith" }), ann(), false},
		"a slip, and elsewhere":       {request(func(r *waiting.Request) { r.BirthDate, r.Postcode = "1957-03-08", "SN1 1AA" }), ann(), false},
		"no birth date is known":      {request(as), person(func(p *waiting.Person) { p.BirthDate = "" }), false},
		"what it said is forgotten":   {waiting.Request{}, ann(), false},
		"nobody, and nothing is said": {waiting.Request{}, waiting.Person{NHSNumber: annsNumber}, false},
		"a common part of a name":     {request(func(r *waiting.Request) { r.FamilyName, r.Postcode = "de Silva", "" }), person(func(p *waiting.Person) { p.FamilyName = "de Souza" }), false},
	} {
		if got := waiting.May(c.r, c.p); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestOneSlipHolds: whoever fills in the form right but for one character is found among those who wait.
func TestOneSlipHolds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := waiting.Person{
			NHSNumber: annsNumber, FamilyName: rapid.StringMatching(`[A-Z][a-z]{2,8}(['-][A-Z][a-z]{2,8})?`).Draw(t, "family"),
			BirthDate: rapid.SampledFrom([]string{"1957-03-09", "2001-12-31", "1999-02-28", "2004-02-29"}).Draw(t, "birth"), Postcode: "DT1 1XJ",
		}
		r := waiting.Request{FamilyName: p.FamilyName, BirthDate: p.BirthDate, Postcode: p.Postcode}
		detail := rapid.SampledFrom([]*string{&r.FamilyName, &r.BirthDate, &r.Postcode}).Draw(t, "detail")
		if detail == &r.BirthDate {
			spans := waiting.Births(p)
			r.BirthDate = spans[rapid.IntRange(0, len(spans)-1).Draw(t, "span")].From
		} else {
			text := []rune(*detail)
			at := rapid.IntRange(0, len(text)-1).Draw(t, "at")
			switch rapid.IntRange(0, 2).Draw(t, "slip") {
			case 0:
				text[at] = 'q'
			case 1:
				text = slices.Insert(text, at, 'q')
			case 2:
				text = slices.Delete(text, at, at+1)
			}
			*detail = string(text)
		}
		if !waiting.May(r, p) {
			t.Fatalf("%+v does not hold %+v", r, p)
		}
	})
}

// TestBirthsFindThem: whoever a request could mean without giving their number is looked for by birth date.
func TestBirthsFindThem(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		day := rapid.SampledFrom([]string{"1957-03-09", "1957-09-03", "1957-03-19", "1957-12-31", "1958-03-09", "1967-03-09", "2001-12-31", "2000-02-29"})
		p := waiting.Person{NHSNumber: annsNumber, FamilyName: "Smith", Postcode: "DT1 1XJ", BirthDate: day.Draw(t, "birth")}
		p.BirthDate = p.BirthDate[:rapid.SampledFrom([]int{4, 7, 10}).Draw(t, "known")]
		r := waiting.Request{FamilyName: "Smith", Postcode: "DT1 1XJ", BirthDate: day.Draw(t, "asked")}
		found := slices.ContainsFunc(waiting.Births(p), func(s waiting.Span) bool {
			return strings.Compare(s.From, r.BirthDate) <= 0 && strings.Compare(r.BirthDate, s.To) <= 0
		})
		if may := waiting.May(r, p); may != found {
			t.Fatalf("%+v could mean %+v: %v, and is looked for: %v", r, p, may, found)
		}
	})
}
