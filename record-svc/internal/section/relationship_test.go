package section

import (
	"fmt"
	"strings"
	"testing"

	"github.com/dorsetcarerecord/dcr/record-svc/internal/fhir"
	"github.com/google/go-cmp/cmp"
)

func line(r Relationship) string {
	return fmt.Sprintf("%s %s at %s team %q from %s to %s closed %v withdrawn %v", r.Kind, r.Key, r.ODS, r.Team, r.Start.Written, r.End.Written, r.Closed, r.Withdrawn)
}

func TestRelationships(t *testing.T) {
	ods := func(code string) string {
		return `{"identifier":{"system":"https://fhir.nhs.uk/Id/ods-organization-code","value":"` + code + `"}}`
	}
	find := func(reference string) *fhir.Resource {
		switch reference {
		case "Organization/o":
			return decode(t, `{"resourceType":"Organization","identifier":[{"system":"x","value":"y"},{"system":"https://fhir.nhs.uk/Id/ods-organization-code","value":"rd8"}]}`)
		case "PractitionerRole/r":
			return decode(t, `{"resourceType":"PractitionerRole","organization":{"reference":"Organization/o"}}`)
		case "PractitionerRole/loop":
			return decode(t, `{"resourceType":"PractitionerRole","organization":{"reference":"PractitionerRole/loop"}}`)
		}
		return nil
	}
	for name, c := range map[string]struct {
		text   string
		sender Kind
		want   []string
	}{
		"registration": {`{"resourceType":"Patient","generalPractitioner":[{"display":"Dr A"},` + ods("J81900") + `]}`, Other,
			[]string{`registration K at J81900 team "" from  to  closed false withdrawn false`}},
		"registration by a role":  {`{"resourceType":"Patient","generalPractitioner":{"reference":"PractitionerRole/r"}}`, Other, []string{`registration K at RD8 team "" from  to  closed false withdrawn false`}},
		"no ODS code":             {`{"resourceType":"Patient","generalPractitioner":[` + ods("J81900 or so") + `,` + ods(strings.Repeat("A", 17)) + `,` + ods(" j81900 ") + `]}`, Other, []string{`registration K at J81900 team "" from  to  closed false withdrawn false`}},
		"a long name":             {`{"resourceType":"CareTeam","status":"active","name":"` + strings.Repeat("é", 300) + `"}`, Other, []string{`caseload K at ODS team "` + strings.Repeat("é", 200) + `" from  to  closed false withdrawn false`}},
		"a role in a loop":        {`{"resourceType":"Patient","generalPractitioner":{"reference":"PractitionerRole/loop"}}`, Other, nil},
		"no GP":                   {`{"resourceType":"Patient"}`, Other, nil},
		"admission":               {`{"resourceType":"Encounter","status":"in-progress","class":{"code":"IMP"},"period":{"start":"2024-01-01"}}`, Other, []string{`episode K at ODS team "" from 2024-01-01 to  closed false withdrawn false`}},
		"discharge":               {`{"resourceType":"Encounter","status":"finished","class":{"code":"IMP"},"period":{"start":"2024-01-01","end":"2024-01-05"}}`, Other, []string{`episode K at ODS team "" from 2024-01-01 to 2024-01-05 closed true withdrawn false`}},
		"finished without an end": {`{"resourceType":"Encounter","status":"finished","class":{"code":"EMER"}}`, Other, []string{`episode K at ODS team "" from  to  closed true withdrawn false`}},
		"cancelled":               {`{"resourceType":"Encounter","status":"cancelled","class":{"code":"IMP"}}`, Other, []string{`episode K at ODS team "" from  to  closed false withdrawn true`}},
		"entered in error":        {`{"resourceType":"Encounter","status":"entered-in-error","class":{"code":"IMP"}}`, Other, []string{`episode K at ODS team "" from  to  closed false withdrawn true`}},
		"at a provider":           {`{"resourceType":"Encounter","status":"arrived","class":{"code":"AMB"},"serviceProvider":` + ods("RBD") + `}`, Other, []string{`episode K at RBD team "" from  to  closed false withdrawn false`}},
		"planned":                 {`{"resourceType":"Encounter","status":"planned","class":{"code":"IMP"}}`, Other, nil},
		"without a class":         {`{"resourceType":"Encounter","status":"finished"}`, Other, nil},
		"at the own practice":     {`{"resourceType":"Encounter","status":"finished","class":{"code":"AMB"}}`, Practice, nil},
		"referral":                {`{"resourceType":"ServiceRequest","status":"active","category":[{"coding":[{"code":"3457005"}]}],"authoredOn":"2024-02-01","performer":[` + ods("RBD") + `,{"reference":"Organization/o"},{"display":"x"}]}`, Practice, []string{`referral K/RBD at RBD team "" from 2024-02-01 to  closed false withdrawn false`, `referral K/RD8 at RD8 team "" from 2024-02-01 to  closed false withdrawn false`}},
		"referral in words":       {`{"resourceType":"ServiceRequest","status":"completed","code":{"text":"Referral to physiotherapy"}}`, Other, []string{`referral K at ODS team "" from  to  closed true withdrawn false`}},
		"order of a test":         {`{"resourceType":"ServiceRequest","status":"active","code":{"text":"Full blood count"}}`, Other, nil},
		"caseload":                {`{"resourceType":"CareTeam","status":"active","name":"Nurses","period":{"start":"2024"},"managingOrganization":[` + ods("RDY") + `]}`, Other, []string{`caseload K at RDY team "Nurses" from 2024 to  closed false withdrawn false`}},
		"caseload of the sender":  {`{"resourceType":"CareTeam","status":"inactive","name":"Nurses","period":{"start":"2024","end":"2025"}}`, Council, []string{`caseload K at ODS team "Nurses" from 2024 to 2025 closed true withdrawn false`}},
		"proposed team":           {`{"resourceType":"CareTeam","status":"proposed"}`, Other, nil},
		"an observation":          {`{"resourceType":"Observation"}`, Other, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, r := range Relationships(decode(t, c.text), "K", "ODS", c.sender, find) {
				got = append(got, line(r))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestChanged(t *testing.T) {
	a, b := Relationship{Key: "a", ODS: "1"}, Relationship{Key: "b", ODS: "2"}
	moved := Relationship{Key: "a", ODS: "3"}
	closed, withdrawn := b, b
	closed.Closed = true
	withdrawn.Closed, withdrawn.Withdrawn = true, true
	for name, c := range map[string]struct {
		before, after []Relationship
		gone          bool
		want          []Relationship
	}{
		"new":       {nil, []Relationship{a}, false, []Relationship{a}},
		"moved":     {[]Relationship{a}, []Relationship{moved}, false, []Relationship{moved}},
		"one fewer": {[]Relationship{a, b}, []Relationship{a}, false, []Relationship{a, closed}},
		"deleted":   {[]Relationship{b}, nil, true, []Relationship{withdrawn}},
		"nothing":   {nil, nil, true, []Relationship{}},
	} {
		if diff := cmp.Diff(c.want, Changed(c.before, c.after, c.gone)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	for resourceType, want := range map[string]bool{"Patient": true, "Encounter": true, "ServiceRequest": true, "CareTeam": true, "Condition": false} {
		if States(resourceType) != want {
			t.Errorf("States(%s) = %v", resourceType, !want)
		}
	}
}
