package blackbox_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
)

// search follows PDS (DOMAIN section 9), and each match that is shown is an event.
func (s *suite) search(t *testing.T) {
	p, began := s.newPerson(t), time.Now().Add(-time.Second)
	p.family, p.given = "Zoë-"+p.family, "Ágnes"
	s.sends(t, ambulance, puts(p.patient(practice, nil), p.attendance("attendance-"+p.number)))
	who := s.hire(t, "R1110", "RBD", "")
	found := func(in *gatewayv1.SearchPatientsRequest) int {
		t.Helper()
		got := &gatewayv1.SearchPatientsResponse{}
		s.ask(t, who, in).into(t, got)
		for _, m := range got.GetMatches() {
			if m.GetNhsNumber() != p.number || m.GetNhsNumberGrouped() != grouped(p.number) {
				t.Errorf("found somebody else, or not in groups: %s", m.GetNhsNumberGrouped())
			}
		}
		return len(got.GetMatches())
	}
	for name, c := range map[string]struct {
		in   *gatewayv1.SearchPatientsRequest
		want int
	}{
		"by number":                      {&gatewayv1.SearchPatientsRequest{NhsNumber: p.number}, 1},
		"by number in groups":            {&gatewayv1.SearchPatientsRequest{NhsNumber: grouped(p.number)}, 1},
		"by name and date":               {&gatewayv1.SearchPatientsRequest{FamilyName: p.family, BirthDate: p.birth}, 1},
		"case and accents folded":        {&gatewayv1.SearchPatientsRequest{FamilyName: strings.ToUpper(strings.ReplaceAll(p.family, "ë", "e")), BirthDate: p.birth}, 1},
		"by the beginning of a name":     {&gatewayv1.SearchPatientsRequest{FamilyName: "zoe-tryout*", BirthDate: p.birth, GivenName: "agnes"}, 1},
		"another given name":             {&gatewayv1.SearchPatientsRequest{FamilyName: p.family, BirthDate: p.birth, GivenName: "Olga"}, 0},
		"another birth date":             {&gatewayv1.SearchPatientsRequest{FamilyName: p.family, BirthDate: "1901-01-01"}, 0},
		"number and name that disagree":  {&gatewayv1.SearchPatientsRequest{NhsNumber: p.number, FamilyName: "Nobody"}, 0},
		"postcode without its space":     {&gatewayv1.SearchPatientsRequest{FamilyName: p.family, BirthDate: p.birth, Postcode: "bh159zx"}, 1},
		"another practice":               {&gatewayv1.SearchPatientsRequest{FamilyName: p.family, BirthDate: p.birth, GpOdsCode: "J81907"}, 0},
		"by number that nobody is under": {&gatewayv1.SearchPatientsRequest{NhsNumber: s.newNumber(t)}, 0},
	} {
		if n := found(c.in); n != c.want {
			t.Errorf("%s: %d matches, want %d", name, n, c.want)
		}
	}
	s.searchRefusals(t, who, p)
	s.searchEvents(t, who, p, began)
	s.tooWide(t, who)
}

func grouped(number string) string { return number[:3] + " " + number[3:6] + " " + number[6:] }

func (s *suite) searchRefusals(t *testing.T, who member, p person) {
	for name, c := range map[string]struct {
		in     *gatewayv1.SearchPatientsRequest
		reason string
		field  string
	}{
		"nothing":            {&gatewayv1.SearchPatientsRequest{}, "INVALID_ARGUMENT", "family_name"},
		"name alone":         {&gatewayv1.SearchPatientsRequest{FamilyName: p.family}, "INVALID_ARGUMENT", "birth_date"},
		"date alone":         {&gatewayv1.SearchPatientsRequest{BirthDate: p.birth}, "INVALID_ARGUMENT", "family_name"},
		"one letter and *":   {&gatewayv1.SearchPatientsRequest{FamilyName: "z*", BirthDate: p.birth}, "INVALID_ARGUMENT", "family_name"},
		"* in the middle":    {&gatewayv1.SearchPatientsRequest{FamilyName: "zo*e", BirthDate: p.birth}, "INVALID_ARGUMENT", "family_name"},
		"a date that is not": {&gatewayv1.SearchPatientsRequest{FamilyName: p.family, BirthDate: "1981-02-30"}, "INVALID_ARGUMENT", "birth_date"},
		"unknown gender":     {&gatewayv1.SearchPatientsRequest{FamilyName: p.family, BirthDate: p.birth, Gender: "m"}, "INVALID_ARGUMENT", "gender"},
		"invalid number":     {&gatewayv1.SearchPatientsRequest{NhsNumber: "9990002674"}, "INVALID_NHS_NUMBER", "nhs_number"},
	} {
		for _, on := range s.surfaces(methodFor(t, c.in)) {
			r := on.call(t, who.token, c.in)
			if r.status != http.StatusBadRequest || r.reason != c.reason || !slices.Contains(r.fields, c.field) {
				t.Errorf("%s over %s: %d %s %v", name, on.name, r.status, r.reason, r.fields)
			}
		}
	}
}

// searchEvents: one event for each search and one for each match shown.
func (s *suite) searchEvents(t *testing.T, who member, p person, since time.Time) {
	searches, matches := 0, 0
	for _, e := range s.events(t, &gatewayv1.ListEventsRequest{StaffId: who.id, From: timestamppb.New(since)}) {
		switch {
		case e.GetAction() == "patient.search" && e.GetOutcome() == auditv1.Outcome_OUTCOME_RELEASED:
			searches++
			if e.GetNhsNumber() != "" {
				t.Error("a search is about a person")
			}
		case e.GetAction() == "patient.search.match":
			matches++
			if e.GetNhsNumber() != p.number || e.GetOutcome() != auditv1.Outcome_OUTCOME_RELEASED {
				t.Errorf("a match: %v", e.GetOutcome())
			}
		}
	}
	if searches != 11 || matches != 6 {
		t.Errorf("%d searches and %d matches in the log, want 11 and 6", searches, matches)
	}
}

// tooWide: more than 50 matches are none.
func (s *suite) tooWide(t *testing.T, who member) {
	const crowd = 51
	var last person
	for i := range crowd {
		p := person{number: s.newNumber(t), family: "Crowdcombe", given: "Ann" + letters(i+1), birth: "1977-07-07"}
		s.sends(t, ambulance, puts(p.patient(practice, nil)))
		last = p
	}
	s.ask(t, who, &gatewayv1.SearchPatientsRequest{FamilyName: "Crowdcombe", BirthDate: "1977-07-07"}).want(t, http.StatusBadRequest, "SEARCH_TOO_WIDE")
	got := &gatewayv1.SearchPatientsResponse{}
	s.ask(t, who, &gatewayv1.SearchPatientsRequest{FamilyName: "Crowdcombe", BirthDate: "1977-07-07", GivenName: last.given}).into(t, got)
	if len(got.GetMatches()) != 1 {
		t.Error(fmt.Sprint("more detail finds ", len(got.GetMatches())))
	}
}
