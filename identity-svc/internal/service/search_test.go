package service_test

import (
	"slices"
	"testing"

	"google.golang.org/grpc/codes"

	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
)

// people are known: two sisters, one of them restricted, and a namesake of another day.
func people(t *testing.T) *house {
	t.Helper()
	h := open(t)
	h.county()
	for i, p := range []struct {
		number string
		change func(*identityv1.Patient)
	}{
		{person, func(*identityv1.Patient) {}},
		{other, func(p *identityv1.Patient) { p.GivenNames, p.Restricted = []string{"Mary"}, true }},
		{"9990008744", func(p *identityv1.Patient) { p.BirthDate = "1990-01-01" }},
	} {
		m := h.message(hospital, int64(i+1))
		m.NhsNumber, m.Patient = p.number, somebody(p.number)
		p.change(m.Patient)
		h.send(m)
	}
	return h
}

func TestSearch(t *testing.T) {
	t.Parallel()
	h := people(t)
	for name, c := range map[string]struct {
		req  *identityv1.SearchPatientsRequest
		want []string
	}{
		"case and accents":         {&identityv1.SearchPatientsRequest{FamilyName: "o'BRIEN", BirthDate: "1957-03-09"}, []string{person}},
		"given name, its first":    {&identityv1.SearchPatientsRequest{FamilyName: "O'Brien", GivenName: "zoe", BirthDate: "1957-03-09"}, []string{person}},
		"wildcard":                 {&identityv1.SearchPatientsRequest{FamilyName: "o'b*", GivenName: "Zo*", BirthDate: "1957-03-09"}, []string{person}},
		"no wildcard of SQL":       {&identityv1.SearchPatientsRequest{FamilyName: "o'brien", GivenName: "Z%", BirthDate: "1957-03-09"}, nil},
		"postcode":                 {&identityv1.SearchPatientsRequest{FamilyName: "o'brien", BirthDate: "1957-03-09", Postcode: "bh151aa"}, []string{person}},
		"other postcode":           {&identityv1.SearchPatientsRequest{FamilyName: "o'brien", BirthDate: "1957-03-09", Postcode: "BH1 1AA"}, nil},
		"practice":                 {&identityv1.SearchPatientsRequest{FamilyName: "o'brien", BirthDate: "1957-03-09", GpOdsCode: practice}, []string{person}},
		"gender":                   {&identityv1.SearchPatientsRequest{FamilyName: "o'brien", BirthDate: "1957-03-09", Gender: "male"}, nil},
		"number":                   {&identityv1.SearchPatientsRequest{NhsNumber: person}, []string{person}},
		"number that disagrees":    {&identityv1.SearchPatientsRequest{NhsNumber: person, BirthDate: "1990-01-01"}, nil},
		"restricted, number":       {&identityv1.SearchPatientsRequest{NhsNumber: other}, []string{other}},
		"restricted, whole name":   {&identityv1.SearchPatientsRequest{FamilyName: "O'Brien", GivenName: "Mary", BirthDate: "1957-03-09"}, []string{other}},
		"restricted, postcode":     {&identityv1.SearchPatientsRequest{FamilyName: "O'Brien", GivenName: "Mary", BirthDate: "1957-03-09", Postcode: "BH15 1AA"}, nil},
		"restricted, practice":     {&identityv1.SearchPatientsRequest{FamilyName: "O'Brien", GivenName: "Mary", BirthDate: "1957-03-09", GpOdsCode: practice}, nil},
		"restricted, their street": {&identityv1.SearchPatientsRequest{NhsNumber: other, Postcode: "BH15 1AA"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			c.req.MaxMatches = 10
			resp := must[*identityv1.SearchPatientsResponse](t)(h.patients.SearchPatients(t.Context(), c.req))
			var got []string
			for _, p := range resp.GetPatients() {
				got = append(got, p.GetNhsNumber())
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("found %d people, want %d", len(got), len(c.want))
			}
		})
	}
}

func TestSearchTooWide(t *testing.T) {
	t.Parallel()
	h := people(t)
	h.exec("UPDATE patient SET restricted = false")
	req := &identityv1.SearchPatientsRequest{FamilyName: "O'B*", BirthDate: "1957-03-09", MaxMatches: 1}
	_, err := h.patients.SearchPatients(t.Context(), req)
	wants(t, err, codes.FailedPrecondition, "SEARCH_TOO_WIDE")
	req.MaxMatches = 2
	if n := len(must[*identityv1.SearchPatientsResponse](t)(h.patients.SearchPatients(t.Context(), req)).GetPatients()); n != 2 {
		t.Errorf("%d people", n)
	}
}

func TestRefusedSearches(t *testing.T) {
	t.Parallel()
	h := open(t)
	for name, req := range map[string]*identityv1.SearchPatientsRequest{
		"nothing":          {},
		"name alone":       {FamilyName: "Smith"},
		"birth date alone": {BirthDate: "1957-03-09"},
		"no such date":     {FamilyName: "Smith", BirthDate: "1957-02-30"},
		"one letter":       {FamilyName: "S*", BirthDate: "1957-03-09"},
		"inner asterisk":   {FamilyName: "Sm*th", BirthDate: "1957-03-09"},
		"given asterisk":   {FamilyName: "Smith", GivenName: "*", BirthDate: "1957-03-09"},
		"gender":           {FamilyName: "Smith", BirthDate: "1957-03-09", Gender: "F"},
	} {
		req.MaxMatches = 10
		_, err := h.patients.SearchPatients(t.Context(), req)
		t.Run(name, func(t *testing.T) { wants(t, err, codes.InvalidArgument, "INVALID_ARGUMENT") })
	}
	for _, number := range []string{"9990002672", "1111111111", "12345"} {
		_, err := h.patients.SearchPatients(t.Context(), &identityv1.SearchPatientsRequest{NhsNumber: number, MaxMatches: 1})
		wants(t, err, codes.InvalidArgument, "INVALID_NHS_NUMBER")
	}
}
