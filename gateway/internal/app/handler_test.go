package app

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
)

// fields reads a JSON object.
func fields(t *testing.T, got reply) map[string]any {
	t.Helper()
	var all map[string]any
	if got.status != 200 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	if err := json.Unmarshal(got.body, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestMe(t *testing.T) {
	s := newStack(t)
	me := fields(t, s.do(call{method: "GET", path: "/v1/me", token: s.paramedic()}))
	if me["profession"] != "paramedic" || me["ods_code"] != "RYF" || me["staff_id"] != staffID || len(me["sections"].([]any)) != 8 {
		t.Errorf("%v", me)
	}
}

// TestSearch: every match is an event, and names are shown as they are, HTML and SQL too.
func TestSearch(t *testing.T) {
	s := newStack(t)
	got := s.do(call{method: "POST", path: "/v1/patients:search", token: s.paramedic(),
		body: `{"family_name":"O'Brien*","birth_date":"1980-02-29","postcode":" DT1 1AA "}`})
	matches := fields(t, got)["matches"].([]any)
	if len(matches) != 2 || !strings.Contains(string(got.body), `<b>Ann</b>`) {
		t.Fatalf("%s", got.body)
	}
	first := matches[0].(map[string]any)
	if first["nhs_number_grouped"] != "999 000 2673" || first["age"].(float64) < 46 {
		t.Errorf("%v", first)
	}
	for _, hidden := range []string{"postcode", "address_lines", "gender", "gp", "restricted"} {
		if _, ok := first[hidden]; ok {
			t.Errorf("a match shows %s", hidden)
		}
	}
	asked := lastOf[*identityv1.SearchPatientsRequest](t, s.behind)
	if asked.GetFamilyName() != "O'Brien*" || asked.GetPostcode() != "DT1 1AA" || asked.GetMaxMatches() != 50 {
		t.Errorf("identity-svc was asked %v", asked)
	}
	var about []string
	for _, e := range s.behind.accounted("patient.search.match") {
		about = append(about, e.GetNhsNumber())
	}
	if !slices.Equal(about, []string{rich, stranger}) || len(s.behind.accounted("patient.search")) != 1 {
		t.Errorf("events about %v", about)
	}
	for body, want := range map[string][2]string{
		`{}`:                          {"INVALID_ARGUMENT", "family_name"},
		`{"family_name":"Anning"}`:    {"INVALID_ARGUMENT", "birth_date"},
		`{"nhs_number":"1234567890"}`: {"INVALID_NHS_NUMBER", "nhs_number"},
		`{"nhs_number":"9999999999"}`: {"INVALID_NHS_NUMBER", "nhs_number"},
		`{"family_name":"A*","birth_date":"1980-01-01"}`:     {"INVALID_ARGUMENT", "family_name"},
		`{"family_name":"An*g","birth_date":"1980-01-01"}`:   {"INVALID_ARGUMENT", "family_name"},
		`{"family_name":"Anning","birth_date":"1980-02-30"}`: {"INVALID_ARGUMENT", "birth_date"},
		`{"nhs_number":"` + rich + `","gender":"f"}`:         {"INVALID_ARGUMENT", "gender"},
	} {
		wantRefused(t, s.do(call{method: "POST", path: "/v1/patients:search", token: s.paramedic(), body: body}), 400, want[0], want[1])
	}
	wide := s.do(call{method: "POST", path: "/v1/patients:search", token: s.paramedic(), body: `{"family_name":"Smi*","birth_date":"1980-01-01"}`})
	wantRefused(t, wide, 429, "SEARCH_TOO_WIDE", "")
}

// TestBanner: what each caller sees of each person.
func TestBanner(t *testing.T) {
	s := newStack(t)
	wide := []string{"gender", "address_lines", "postcode", "telephones", "gp"}
	for _, row := range []struct {
		person string
		shows  bool
		also   []string
	}{
		{rich, true, []string{"with_relationship", "relationship_kind"}},
		{stranger, false, nil},
		{restricted, false, []string{"with_relationship", "restricted"}},
		{optedOut, false, nil},
	} {
		for _, c := range []call{
			{method: "GET", path: "/v1/patients/" + row.person},
			{method: "POST", path: "/v1/patients:get", body: `{"nhs_number":"` + row.person + `"}`},
		} {
			c.token = s.paramedic()
			banner := fields(t, s.do(c))
			for _, name := range wide {
				if _, ok := banner[name]; ok != row.shows {
					t.Errorf("%s: %s shown is %v", row.person, name, ok)
				}
			}
			for _, name := range row.also {
				if banner[name] == nil {
					t.Errorf("%s: no %s", row.person, name)
				}
			}
			if banner["identity"].(map[string]any)["nhs_number"] != row.person {
				t.Errorf("%v", banner)
			}
		}
	}
	wantRefused(t, s.do(call{method: "GET", path: "/v1/patients/" + unknown, token: s.paramedic()}), 404, "PATIENT_NOT_FOUND", "")
}

// TestExplain: the decision that the record would get, and without a relationship the same words for everybody.
func TestExplain(t *testing.T) {
	s := newStack(t)
	explain := func(person string) map[string]any {
		return fields(t, s.do(call{method: "POST", path: "/v1/patients/" + person + ":explainAccess", token: s.paramedic()}))
	}
	yes := explain(rich)
	if yes["allowed"] != true || yes["relationship_kind"] != "episode" || yes["opt_out"] == nil || yes["sections"] == nil {
		t.Errorf("%v", yes)
	}
	out := explain(optedOut)
	if out["allowed"] != nil || out["reason"] != "NO_PATIENT_CONSENT" || out["sections"] != nil {
		t.Errorf("%v", out)
	}
	none, nobody := explain(stranger), explain(unknown)
	if none["reason"] != "NO_RELATIONSHIP" || none["opt_out"] != nil {
		t.Errorf("%v", none)
	}
	for name := range none {
		if none[name] != nobody[name] {
			t.Errorf("%s differs between a person without a relationship and nobody: %v, %v", name, none[name], nobody[name])
		}
	}
}
