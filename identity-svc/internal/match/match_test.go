package match_test

import (
	"testing"

	"github.com/dorsetcarerecord/dcr/identity-svc/internal/match"
)

// Numbers of the test range.
const (
	annsNumber  = "9990000018"
	otherNumber = "9990000026"
	thirdNumber = "9990000034"
)

// ann is the person meant in most cases.
func ann() match.Person {
	return match.Person{
		NHSNumber: annsNumber, FamilyName: "O'Brien-Smith", GivenNames: []string{"Ann Mary", "Louise"}, BirthDate: "1957-03-09", Postcode: "DT1 1XJ",
	}
}

// whole is a request that gives all of ann.
func whole() match.Asked {
	return match.Asked{NHSNumber: annsNumber, FamilyName: "O'Brien-Smith", GivenName: "Ann", BirthDate: "1957-03-09", Postcode: "DT1 1XJ"}
}

func asked(change func(*match.Asked)) match.Asked {
	a := whole()
	change(&a)
	return a
}

func person(change func(*match.Person)) match.Person {
	p := ann()
	change(&p)
	return p
}

// twin of ann, at home with her.
func twin() match.Person {
	return person(func(p *match.Person) { p.NHSNumber, p.GivenNames = otherNumber, []string{"Jane"} })
}

// noNumber is a request without a number, changed.
func noNumber(change func(*match.Asked)) match.Asked {
	return asked(func(a *match.Asked) {
		a.NHSNumber = ""
		change(a)
	})
}

// TestDecide is the table of what is sure and what is not.
func TestDecide(t *testing.T) {
	t.Parallel()
	as := func(*match.Asked) {}
	for name, c := range map[string]struct {
		asked  match.Asked
		people []match.Person
		want   match.Outcome
	}{
		"all of it":                      {whole(), []match.Person{ann()}, match.Sure},
		"number, name, birth date":       {asked(func(a *match.Asked) { a.GivenName, a.Postcode = "", "" }), []match.Person{ann()}, match.Sure},
		"name, birth date, postcode":     {noNumber(func(a *match.Asked) { a.GivenName = "" }), []match.Person{ann()}, match.Sure},
		"typed another way":              {asked(func(a *match.Asked) { a.FamilyName, a.GivenName, a.Postcode = "OBRIEN smith", "LOUISE", "dt11xj" }), []match.Person{ann()}, match.Sure},
		"no feed names a postcode":       {whole(), []match.Person{person(func(p *match.Person) { p.Postcode = "" })}, match.Sure},
		"no feed names a given name":     {whole(), []match.Person{person(func(p *match.Person) { p.GivenNames = nil })}, match.Sure},
		"number of a restricted person":  {asked(func(a *match.Asked) { a.Postcode = "BH1 1AA" }), []match.Person{person(func(p *match.Person) { p.Restricted = true })}, match.Sure},
		"a namesake elsewhere":           {noNumber(as), []match.Person{ann(), person(func(p *match.Person) { p.NHSNumber, p.Postcode = otherNumber, "BH1 1AA" })}, match.Sure},
		"number and given name of twins": {whole(), []match.Person{ann(), twin()}, match.Sure},

		"name and birth date alone":       {noNumber(func(a *match.Asked) { a.Postcode = "" }), []match.Person{ann()}, match.Possible},
		"another postcode, no number":     {noNumber(func(a *match.Asked) { a.Postcode = "DT1 1XK" }), []match.Person{ann()}, match.Possible},
		"a restricted person's postcode":  {noNumber(as), []match.Person{person(func(p *match.Person) { p.Restricted = true })}, match.Possible},
		"half of the name":                {asked(func(a *match.Asked) { a.FamilyName = "Smith" }), []match.Person{ann()}, match.Possible},
		"half of the name, no number":     {noNumber(func(a *match.Asked) { a.FamilyName = "Smith" }), []match.Person{ann()}, match.Possible},
		"another given name":              {asked(func(a *match.Asked) { a.GivenName = "Joan" }), []match.Person{ann()}, match.Possible},
		"another given name, no number":   {noNumber(func(a *match.Asked) { a.GivenName = "Joan" }), []match.Person{ann()}, match.Possible},
		"number of one without a name":    {whole(), []match.Person{person(func(p *match.Person) { p.FamilyName = "" })}, match.Possible},
		"number of one born some year":    {whole(), []match.Person{person(func(p *match.Person) { p.BirthDate = "1957" })}, match.Possible},
		"number of one born some month":   {whole(), []match.Person{person(func(p *match.Person) { p.BirthDate = "1957-03" })}, match.Possible},
		"number of one without a birth":   {whole(), []match.Person{person(func(p *match.Person) { p.BirthDate = "" })}, match.Possible},
		"one born some year, no number":   {noNumber(as), []match.Person{person(func(p *match.Person) { p.BirthDate = "1957" })}, match.Possible},
		"no name is known, and no number": {noNumber(as), []match.Person{person(func(p *match.Person) { p.FamilyName = "" })}, match.None},

		"twins, no number":                 {noNumber(as), []match.Person{ann(), twin()}, match.Several},
		"twins, number, no given name":     {asked(func(a *match.Asked) { a.GivenName = "" }), []match.Person{ann(), twin()}, match.Several},
		"a restricted twin, no number":     {noNumber(as), []match.Person{ann(), person(func(p *match.Person) { p.NHSNumber, p.Postcode, p.Restricted = otherNumber, "BH1 1AA", true })}, match.Several},
		"two records of one, no number":    {noNumber(as), []match.Person{ann(), person(func(p *match.Person) { p.NHSNumber = otherNumber })}, match.Several},
		"two namesakes who moved":          {noNumber(func(a *match.Asked) { a.Postcode = "SN1 1AA" }), []match.Person{ann(), person(func(p *match.Person) { p.NHSNumber = otherNumber })}, match.Several},
		"number of a nobody and her other": {whole(), []match.Person{{NHSNumber: annsNumber}, person(func(p *match.Person) { p.NHSNumber = otherNumber })}, match.Several},

		"number of someone else":        {whole(), []match.Person{person(func(p *match.Person) { p.FamilyName, p.GivenNames = "Carter", []string{"Bob"} })}, match.Contradictory},
		"someone else's, and she known": {asked(func(a *match.Asked) { a.NHSNumber = otherNumber }), []match.Person{person(func(p *match.Person) { p.NHSNumber, p.FamilyName = otherNumber, "Carter" }), ann()}, match.Contradictory},
		"another birth date":            {asked(func(a *match.Asked) { a.BirthDate = "1957-03-08" }), []match.Person{ann()}, match.Contradictory},
		"another year":                  {whole(), []match.Person{person(func(p *match.Person) { p.BirthDate = "1958" })}, match.Contradictory},
		"another postcode":              {asked(func(a *match.Asked) { a.Postcode = "DT1 1XK" }), []match.Person{ann()}, match.Contradictory},
		"a number nobody has":           {asked(func(a *match.Asked) { a.NHSNumber = thirdNumber }), []match.Person{ann()}, match.Contradictory},
		"the other twin's number":       {asked(func(a *match.Asked) { a.NHSNumber = otherNumber }), []match.Person{ann(), twin()}, match.Several},

		"nobody at all":                      {whole(), nil, match.None},
		"a number nobody has, and no match":  {asked(func(a *match.Asked) { a.NHSNumber, a.Postcode = thirdNumber, "SN1 1AA" }), []match.Person{ann()}, match.None},
		"others of the birth date":           {noNumber(as), []match.Person{person(func(p *match.Person) { p.FamilyName = "Carter" })}, match.None},
		"the name alone":                     {match.Asked{FamilyName: "O'Brien-Smith"}, []match.Person{ann()}, match.Possible},
		"the number alone":                   {match.Asked{NHSNumber: annsNumber}, []match.Person{ann()}, match.Possible},
		"nothing":                            {match.Asked{}, []match.Person{ann()}, match.None},
		"the postcode and birth date, alone": {noNumber(func(a *match.Asked) { a.FamilyName, a.GivenName = "", "" }), []match.Person{ann()}, match.None},
	} {
		for i := range c.people {
			c.people[i].ByNumber = c.people[i].NHSNumber == c.asked.NHSNumber
		}
		got, who := match.Decide(c.asked, c.people)
		if got != c.want || (got == match.Sure) != (who.NHSNumber == annsNumber) || got != match.Sure && who.NHSNumber != "" {
			t.Errorf("%s: %v of %q, want %v", name, got, who.NHSNumber, c.want)
		}
	}
}
