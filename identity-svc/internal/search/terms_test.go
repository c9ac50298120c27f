package search_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/dorsetcarerecord/dcr/identity-svc/internal/search"
	"github.com/dorsetcarerecord/dcr/internal/fault"
)

func TestFold(t *testing.T) {
	for in, want := range map[string]string{
		"Smith": "smith", "  van  der\tBerg ": "van der berg", "Brontë": "bronte", "ÅNGSTRÖM": "angstrom", "Łukasz": "lukasz",
		"Weiß": "weiss", "Sørensen": "sorensen", "O’Brien": "o'brien", "Nuñez-Ibáñez": "nunez-ibanez", "İpek": "ipek", "": "",
		"Ægir Þór": "aegir thor", "e\u0301": "e", "李": "李",
	} {
		if got := search.Fold(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestRestrictedPeopleAreNotFoundByPlace(t *testing.T) {
	full := search.Query{FamilyName: "Smith", GivenName: "Ann", BirthDate: "1957-03-09"}
	with := func(change func(*search.Query)) search.Query { q := full; change(&q); return q }
	for name, c := range map[string]struct {
		query search.Query
		found bool
	}{
		"name, birth date, given name": {full, true},
		"without given name":           {with(func(q *search.Query) { q.GivenName = "" }), false},
		"with postcode":                {with(func(q *search.Query) { q.Postcode = "BH1 1AA" }), false},
		"with practice":                {with(func(q *search.Query) { q.GPODSCode = "J81900" }), false},
		"number":                       {search.Query{NHSNumber: "999 000 2673"}, true},
		"number and postcode":          {search.Query{NHSNumber: "9990002673", Postcode: "BH1 1AA"}, false},
		"number and practice":          {search.Query{NHSNumber: "9990002673", GPODSCode: "J81900"}, false},
	} {
		terms, err := search.Plan(c.query)
		if err != nil || terms.WithRestricted != c.found {
			t.Errorf("%s: finds restricted people %v, %v", name, terms.WithRestricted, err)
		}
	}
}

// FuzzPlan looks for queries that are taken and should not be.
func FuzzPlan(f *testing.F) {
	f.Add("9990002673", "", "", "")
	f.Add("", "O'Br*", "Zoë", "1957-03-09")
	f.Add("", "%", "_*", "1957-02-29")
	f.Fuzz(func(t *testing.T, number, family, given, born string) {
		terms, err := search.Plan(search.Query{NHSNumber: number, FamilyName: family, GivenName: given, BirthDate: born})
		if err != nil {
			if r := fault.ReasonOf(err); r != "INVALID_ARGUMENT" && r != "INVALID_NHS_NUMBER" {
				t.Fatalf("refused with %s", r)
			}
			return
		}
		if terms.NHSNumber == "" && (terms.Family.Text == "" || len(terms.BirthDate) != 10) {
			t.Fatal("neither a number nor a name with a birth date")
		}
		for _, p := range []search.Pattern{terms.Family, terms.Given} {
			if strings.Contains(p.Text, "*") || strings.ContainsFunc(p.Text, unicode.IsControl) || !utf8.ValidString(p.Text) {
				t.Fatalf("pattern %q", p.Text)
			}
			if search.Fold(p.Text) != p.Text {
				t.Fatalf("pattern %q folds further to %q", p.Text, search.Fold(p.Text))
			}
		}
	})
}
