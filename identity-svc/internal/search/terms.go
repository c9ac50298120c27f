// Package search holds the rules by which people are looked for (DOMAIN.md section 9): what must be given,
// how names are compared, and who is not found by what. Pure functions.
package search

import (
	"strings"
	"time"
	"unicode"

	"github.com/dorsetcarerecord/dcr/internal/fault"
	"github.com/dorsetcarerecord/dcr/internal/nhsnumber"
)

// minPrefix is the least number of letters before a wildcard.
const minPrefix = 2

// Query is what was asked.
type Query struct {
	NHSNumber, FamilyName, GivenName, BirthDate, Gender, Postcode, GPODSCode string
}

// Terms is what to look for. Empty parts are not looked at.
type Terms struct {
	NHSNumber string
	Family    Pattern
	Given     Pattern
	BirthDate string
	Gender    string
	Postcode  string // folded
	GPODSCode string
	// WithRestricted is false where a restricted person must not be found.
	WithRestricted bool
}

// Pattern is a folded name, or the beginning of one.
type Pattern struct {
	Text   string
	Prefix bool
}

// Plan reads a query as PDS does: an NHS number alone, or at least family name and birth date. With a
// number, the other parts must agree. Errors: INVALID_NHS_NUMBER, INVALID_ARGUMENT with the field.
//
// A restricted person is found by number, or by family name, birth date and given name together, and
// never when a postcode or practice is part of the query, not even beside the number: whether there is
// an answer would tell where they live.
func Plan(q Query) (Terms, error) {
	t := Terms{
		BirthDate: strings.TrimSpace(q.BirthDate), Gender: strings.TrimSpace(q.Gender),
		Postcode: FoldPostcode(q.Postcode), GPODSCode: strings.ToUpper(strings.TrimSpace(q.GPODSCode)),
	}
	var err error
	if t.Family, err = pattern("family_name", q.FamilyName); err != nil {
		return Terms{}, err
	}
	if t.Given, err = pattern("given_name", q.GivenName); err != nil {
		return Terms{}, err
	}
	if err := t.check(); err != nil {
		return Terms{}, err
	}
	byPlace := t.Postcode != "" || t.GPODSCode != ""
	if strings.TrimSpace(q.NHSNumber) != "" {
		n, err := nhsnumber.Parse(q.NHSNumber)
		if err != nil {
			return Terms{}, fault.Invalid("INVALID_NHS_NUMBER", "nhs_number", err.Error())
		}
		t.NHSNumber, t.WithRestricted = string(n), !byPlace
		return t, nil
	}
	if t.Family.Text == "" {
		return Terms{}, invalid("family_name", "Give an NHS number, or at least family name and birth date.")
	}
	if t.BirthDate == "" {
		return Terms{}, invalid("birth_date", "Give an NHS number, or at least family name and birth date.")
	}
	t.WithRestricted = !byPlace && t.Given.Text != ""
	return t, nil
}

// check looks at the parts that have a form.
func (t Terms) check() error {
	if t.BirthDate != "" {
		if _, err := time.Parse(time.DateOnly, t.BirthDate); err != nil {
			return invalid("birth_date", "A birth date is written YYYY-MM-DD.")
		}
	}
	switch t.Gender {
	case "", "male", "female", "other", "unknown":
		return nil
	}
	return invalid("gender", "A gender is one of male, female, other, unknown.")
}

// pattern reads a name. An asterisk is a wildcard at the end alone.
func pattern(field, name string) (Pattern, error) {
	name = strings.TrimSpace(name)
	text, prefix := strings.CutSuffix(name, "*")
	p := Pattern{Text: Fold(text), Prefix: prefix}
	switch {
	case name == "":
		return Pattern{}, nil
	case p.Text == "" || strings.Contains(p.Text, "*"):
		return Pattern{}, invalid(field, "A name has letters, and an asterisk at its end at most.")
	case prefix && letters(p.Text) < minPrefix:
		return Pattern{}, invalid(field, "At least two letters stand before an asterisk.")
	}
	return p, nil
}

func letters(text string) int {
	n := 0
	for _, r := range text {
		if unicode.IsLetter(r) {
			n++
		}
	}
	return n
}

func invalid(field, text string) error { return fault.Invalid("INVALID_ARGUMENT", field, text) }
