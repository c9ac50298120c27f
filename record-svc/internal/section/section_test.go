package section

import (
	"testing"

	"github.com/dorsetcarerecord/dcr/record-svc/internal/fhir"
)

func decode(t *testing.T, text string) *fhir.Resource {
	t.Helper()
	r, err := fhir.Decode([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return r
}

func compute(t *testing.T, text string, sender Kind, find Lookup) Entry {
	t.Helper()
	e, err := Compute(decode(t, text), []byte(text), sender, find)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return e
}

// TestOf is DOMAIN.md section 9, type by type.
func TestOf(t *testing.T) {
	sections := map[Name][]string{
		Demographics: {"Patient", "RelatedPerson"},
		Allergies:    {"AllergyIntolerance"},
		Medication:   {"MedicationRequest", "MedicationStatement", "MedicationDispense", "MedicationAdministration"},
		History:      {"Condition", "Procedure", "Encounter", "Immunization", "FamilyMemberHistory"},
		CarePlans:    {"CarePlan", "Goal", "CareTeam", "Flag"},
		Results:      {"Observation", "DiagnosticReport", "ImagingStudy", "DocumentReference", "Composition", "ServiceRequest"},
	}
	council := map[string]Name{"CarePlan": SocialCare, "Goal": SocialCare, "CareTeam": SocialCare, "ServiceRequest": SocialCare}
	for want, resourceTypes := range sections {
		for _, resourceType := range resourceTypes {
			r := &fhir.Resource{ResourceType: fhir.Text(resourceType)}
			if KeepingOf(resourceType) != Kept {
				t.Errorf("%s is not kept", resourceType)
			}
			for sender, want := range map[Kind]Name{Other: want, Practice: want, Council: pickName(council[resourceType], want)} {
				if got, ok := Of(r, sender); !ok || got != want {
					t.Errorf("%s of kind %d is in %q, want %q", resourceType, sender, got, want)
				}
			}
		}
	}
	for _, resourceType := range []string{"Medication", "Practitioner", "PractitionerRole", "Organization", "Location", "Specimen", "Device"} {
		if KeepingOf(resourceType) != Supporting {
			t.Errorf("%s is not supporting", resourceType)
		}
		if _, ok := Of(&fhir.Resource{ResourceType: fhir.Text(resourceType)}, Other); ok {
			t.Errorf("%s is an entry", resourceType)
		}
	}
	for _, resourceType := range []string{"Claim", "ExplanationOfBenefit", "Bundle", "AuditEvent", "Task", "EpisodeOfCare", "patient", ""} {
		if KeepingOf(resourceType) != Unsupported {
			t.Errorf("%s is supported", resourceType)
		}
	}
}

func pickName(a, b Name) Name {
	if a != "" {
		return a
	}
	return b
}

func TestFlags(t *testing.T) {
	flag := func(category, code string) string {
		return `{"resourceType":"Flag","category":[` + category + `],"code":` + code + `}`
	}
	for name, c := range map[string]struct {
		text string
		want Name
	}{
		"category safeguarding":       {flag(`{"coding":[{"code":"safeguarding"}]}`, `{}`), Safeguarding},
		"category in words":           {flag(`{"text":"Safeguarding concern"}`, `{}`), Safeguarding},
		"category display":            {flag(`{"coding":[{"code":"1","display":"Child Protection"}]}`, `{}`), Safeguarding},
		"code in words":               {flag(`{"coding":[{"code":"admin"}]}`, `{"text":"Subject to child protection plan"}`), Safeguarding},
		"safeguarding beside allergy": {flag(`{"coding":[{"code":"safeguarding"}]}`, `{"text":"allergy"}`), Safeguarding},
		"drug":                        {flag(`{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/flag-category","code":"drug"}]}`, `{"text":"On warfarin"}`), Medication},
		"lab":                         {flag(`{"coding":[{"code":"lab"}]}`, `{}`), Results},
		"allergy":                     {flag(`{"coding":[{"code":"diet"}]}`, `{"text":"Severe peanut allergy"}`), Allergies},
		"drug allergy":                {flag(`{"coding":[{"code":"drug"}]}`, `{"text":"Allergic to penicillin"}`), Allergies},
		"social care":                 {flag(`{"text":"Social care"}`, `{}`), SocialCare},
		"anything else":               {flag(`{"coding":[{"code":"behavioral"}]}`, `{"text":"Dog in the house"}`), CarePlans},
		"nothing said":                {`{"resourceType":"Flag"}`, CarePlans},
		"drugs as a behaviour":        {flag(`{"coding":[{"code":"behavioral"}]}`, `{"text":"Drug misuse"}`), CarePlans},
		"labour":                      {flag(`{"coding":[{"code":"clinical"}]}`, `{"text":"Labour ward"}`), CarePlans},
		"a code alone":                {flag(`{"coding":[{"code":"clinical"}]}`, `{"coding":[{"system":"http://snomed.info/sct","code":"878111000000109"}]}`), Safeguarding},
		"a word within a word":        {flag(`{"text":"Collaboration"}`, `{"text":"elaborate"}`), CarePlans},
	} {
		t.Run(name, func(t *testing.T) {
			for _, sender := range []Kind{Other, Council, Practice} {
				if got, _ := Of(decode(t, c.text), sender); got != c.want {
					t.Errorf("kind %d: got %s, want %s", sender, got, c.want)
				}
			}
		})
	}
}
