package section

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/dorsetcarerecord/dcr/record-svc/internal/fhir"
	"github.com/google/go-cmp/cmp"
)

// shape is an entry in one comparable line.
func shape(e Entry) string {
	parts := []string{string(e.Section), e.Code.Code, e.Display, e.Status, e.Start.Written, e.End.Written, e.Recorded.Written, e.Author, e.Value}
	return strings.Join(parts, " | ")
}

func TestComputeByType(t *testing.T) {
	snomed := func(code, display string) string {
		return `{"coding":[{"system":"http://snomed.info/sct","code":"` + code + `","display":"` + display + `"}]}`
	}
	find := func(reference string) *fhir.Resource {
		switch reference {
		case "Practitioner/p":
			return decode(t, `{"resourceType":"Practitioner","name":[{"family":"Gose","given":["Sandra"],"prefix":["Mrs"]}],"telecom":[{"system":"phone","value":"0113 6"}]}`)
		case "PractitionerRole/r":
			return decode(t, `{"resourceType":"PractitionerRole","practitioner":{"reference":"Practitioner/p"},"code":[{"text":"GP"}]}`)
		case "PractitionerRole/loop":
			return decode(t, `{"resourceType":"PractitionerRole","practitioner":{"reference":"PractitionerRole/loop"}}`)
		case "Organization/o":
			return decode(t, `{"resourceType":"Organization","name":"The Trust"}`)
		case "Medication/m":
			return decode(t, `{"resourceType":"Medication","code":`+snomed("39732311000001104", "Amoxicillin 250mg capsules")+`}`)
		}
		return nil
	}
	for name, c := range map[string]struct{ text, want string }{
		"Condition": {
			`{"resourceType":"Condition","clinicalStatus":{"coding":[{"code":"active"}]},"code":` + snomed("38341003", "Hypertension") + `,
				"onsetDateTime":"1981","abatementDateTime":"1990-02","recordedDate":"1981-12-22","recorder":{"reference":"Practitioner/p"},"bodySite":[{"text":"left"}],"note":[{"text":"mild"}]}`,
			"history | 38341003 | Hypertension | active | 1981 | 1990-02 | 1981-12-22 | Mrs Sandra Gose | left; mild",
		},
		"Procedure": {
			`{"resourceType":"Procedure","status":"completed","code":` + snomed("73761001", "Colonoscopy") + `,"performedPeriod":{"start":"2017-11-21","end":"2017-11-22"},
				"performer":[{"actor":{"reference":"PractitionerRole/r"}}],"reasonCode":[{"text":"bleeding"}],"outcome":{"text":"good"}}`,
			"history | 73761001 | Colonoscopy | completed | 2017-11-21 | 2017-11-22 |  | Mrs Sandra Gose | good; bleeding",
		},
		"Encounter": {
			`{"resourceType":"Encounter","status":"finished","class":{"code":"IMP","display":"inpatient"},"type":[` + snomed("185212007", "Seen in hospital ward") + `],
				"period":{"start":"2019-12-10","end":"2019-12-11"},"participant":[{"individual":{"display":"Dr. Quentin Beahan"}}]}`,
			"history | 185212007 | Seen in hospital ward | finished | 2019-12-10 | 2019-12-11 |  | Dr. Quentin Beahan | ",
		},
		"Encounter by class": {
			`{"resourceType":"Encounter","status":"finished","class":{"code":"IMP","display":"inpatient"}}`,
			"history | IMP | inpatient | finished |  |  |  |  | ",
		},
		"Immunization": {
			`{"resourceType":"Immunization","status":"completed","vaccineCode":{"coding":[{"system":"http://hl7.org/fhir/sid/cvx","code":"140","display":"Influenza"}]},
				"occurrenceDateTime":"2012-10-23","doseQuantity":{"value":0.5,"unit":"ml"},"performer":[{"actor":{"reference":"Organization/o"}}]}`,
			"history | 140 | Influenza | completed | 2012-10-23 |  |  | The Trust | 0.5 ml",
		},
		"FamilyMemberHistory": {
			`{"resourceType":"FamilyMemberHistory","status":"partial","date":"2023","relationship":{"coding":[{"display":"father"}]},"condition":[{"code":` + snomed("73211009", "Diabetes") + `},{"code":{"text":"Asthma"}}]}`,
			"history | 73211009 | Father: Diabetes, Asthma | partial | 2023 |  |  |  | ",
		},
		"MedicationRequest": {
			`{"resourceType":"MedicationRequest","status":"active","medicationReference":{"reference":"Medication/m"},"authoredOn":"2023-06-15","requester":{"display":"Dr A"},"dosageInstruction":[{"text":"one a day"}],"reasonCode":[{"text":"otitis"}]}`,
			"medication | 39732311000001104 | Amoxicillin 250mg capsules | active | 2023-06-15 |  |  | Dr A | one a day; otitis",
		},
		"MedicationRequest of a contained one": {
			`{"resourceType":"MedicationRequest","status":"active","contained":[{"resourceType":"Medication","id":"m","code":{"text":"Aspirin"}}],"medicationReference":{"reference":"#m"}}`,
			"medication |  | Aspirin | active |  |  |  |  | ",
		},
		"MedicationRequest of a name": {
			`{"resourceType":"MedicationRequest","status":"active","medicationReference":{"reference":"Medication/lost","display":"Aspirin 75mg"}}`,
			"medication |  | Aspirin 75mg | active |  |  |  |  | ",
		},
		"MedicationStatement": {
			`{"resourceType":"MedicationStatement","status":"active","medicationCodeableConcept":{"text":"Aspirin"},"effectivePeriod":{"start":"2021-02-15","end":"2021-05-15"},"dateAsserted":"2017-02-22","informationSource":{"display":"the person"},"dosage":[{"doseAndRate":[{"doseQuantity":{"value":"500","unit":"mg"}}],"route":{"text":"Oral"}}]}`,
			"medication |  | Aspirin | active | 2021-02-15 | 2021-05-15 | 2017-02-22 | the person | 500 mg, Oral",
		},
		"MedicationDispense": {
			`{"resourceType":"MedicationDispense","status":"completed","medicationCodeableConcept":{"text":"Aspirin"},"whenPrepared":"2023-06-14","whenHandedOver":"2023-06-15","quantity":{"value":16,"unit":"capsule"}}`,
			"medication |  | Aspirin | completed | 2023-06-15 |  |  |  | 16 capsule",
		},
		"MedicationAdministration": {
			`{"resourceType":"MedicationAdministration","status":"completed","medicationCodeableConcept":{"text":"Aspirin"},"effectiveDateTime":"2023-06-30","dosage":{"dose":{"value":"400","unit":"mg"},"route":{"text":"Intravenous"}}}`,
			"medication |  | Aspirin | completed | 2023-06-30 |  |  |  | 400 mg, Intravenous",
		},
		"CarePlan": {
			`{"resourceType":"CarePlan","status":"active","category":[` + snomed("698360004", "Diabetes self management plan") + `],"period":{"start":"2002-10-01"},"created":"2002","author":{"display":"Dr A"},
				"activity":[{"detail":{"code":{"text":"Diabetic diet"}}},{"detail":{"description":"Walk"}}]}`,
			"care_plans | 698360004 | Diabetes self management plan | active | 2002-10-01 |  | 2002 | Dr A | Diabetic diet; Walk",
		},
		"CarePlan with a title": {
			`{"resourceType":"CarePlan","status":"active","title":"My plan","description":"In short","category":[` + snomed("1", "Plan") + `]}`,
			"care_plans | 1 | My plan | active |  |  |  |  | Plan; In short",
		},
		"Goal": {
			`{"resourceType":"Goal","lifecycleStatus":"accepted","description":{"text":"HbA1c < 7.0"},"startDate":"2020-01-01","note":[{"text":"slowly"}]}`,
			"care_plans |  | HbA1c < 7.0 | accepted | 2020-01-01 |  |  |  | slowly",
		},
		"CareTeam": {
			`{"resourceType":"CareTeam","status":"active","name":"District nurses","period":{"start":"2020"},"participant":[{"member":{"reference":"Practitioner/p"}}]}`,
			"care_plans |  | District nurses | active | 2020 |  |  | Mrs Sandra Gose | ",
		},
		"ServiceRequest": {
			`{"resourceType":"ServiceRequest","status":"active","code":{"text":"Physiotherapy"},"authoredOn":"2020-02-01","occurrenceDateTime":"2020-03-01","requester":{"display":"Dr A"}}`,
			"results |  | Physiotherapy | active | 2020-03-01 |  | 2020-02-01 | Dr A | ",
		},
		"DiagnosticReport": {
			`{"resourceType":"DiagnosticReport","status":"final","code":{"text":"Panel"},"effectiveDateTime":"2023-01-13","issued":"2023-01-14T00:00:00Z","performer":[{"display":"The Trust"}],"conclusion":"No fracture."}`,
			"results |  | Panel | final | 2023-01-13 |  | 2023-01-14T00:00:00Z | The Trust | No fracture.",
		},
		"ImagingStudy": {
			`{"resourceType":"ImagingStudy","status":"available","started":"2017-03-21","series":[{"modality":{"system":"DCM","code":"DX","display":"Digital Radiography"},"bodySite":{"display":"Knee","code":"72696002"}}]}`,
			"results | DX | Digital Radiography of knee | available | 2017-03-21 |  |  |  | ",
		},
		"DocumentReference": {
			`{"resourceType":"DocumentReference","status":"current","type":` + snomed("734163000", "Care plan") + `,"date":"2016-03-08","author":[{"reference":"Practitioner/lost"},{"display":"Dr A"}],"description":"As agreed","content":[{"attachment":{"title":"Report"}}]}`,
			"results | 734163000 | Care plan | current | 2016-03-08 |  |  | Dr A | As agreed; Report",
		},
		"Composition": {
			`{"resourceType":"Composition","status":"final","type":` + snomed("373942005", "Discharge summary") + `,"title":"A&E summary","date":"2021-02-12"}`,
			"results | 373942005 | A&E summary | final | 2021-02-12 |  |  |  | ",
		},
		"Flag": {
			`{"resourceType":"Flag","status":"active","code":{"coding":[{"code":"1","display":"Peanut-free diet"}],"text":"Severe peanut allergy"},"period":{"start":"2019"},"author":{"display":"Dr A"}}`,
			"allergies | 1 | Peanut-free diet | active | 2019 |  |  | Dr A | Severe peanut allergy",
		},
		"Patient": {
			`{"resourceType":"Patient","name":[{"use":"official","family":"Smith","given":["Ann","B"],"prefix":["Ms"]}],"birthDate":"1970-09-11","deceasedDateTime":"2020-01-02T10:00:00Z",
				"address":[{"line":["4 High Street"],"city":"Poole","postalCode":"BH1 1AA"}],"telecom":[{"system":"phone","value":"01202 1"}],"generalPractitioner":[{"display":"The Surgery"}],
				"contact":[{"name":{"family":"Jackson","given":["Jane"]},"telecom":[{"system":"phone","value":"07777 1"}]}]}`,
			"demographics |  | Smith, Ann B (Ms) | active |  |  |  |  | born 1970-09-11; deceased 2020-01-02; 4 High Street, Poole, BH1 1AA; phone 01202 1; contact: Jane Jackson 07777 1; GP: The Surgery",
		},
		"RelatedPerson": {
			`{"resourceType":"RelatedPerson","active":false,"name":[{"text":"Jane"}],"relationship":[{"text":"sister"}]}`,
			"demographics |  | Jane | inactive |  |  |  |  | sister",
		},
		"what is not to be given": {
			`{"resourceType":"MedicationRequest","status":"active","doNotPerform":true,"modifierExtension":[{"url":"x"}],"medicationCodeableConcept":{"text":"Aspirin"},"dosageInstruction":[{"text":"any"}]}`,
			"medication |  | Aspirin | active |  |  |  |  | NOT to be done or given; a modifier of its sender changes the meaning: read the original; any",
		},
		"nothing at all":     {`{"resourceType":"FamilyMemberHistory"}`, "history |  | Relative |  |  |  |  |  | "},
		"nameless Goal":      {`{"resourceType":"Goal"}`, "care_plans |  | Goal |  |  |  |  |  | "},
		"nameless statement": {`{"resourceType":"MedicationStatement"}`, "medication |  | Medication statement |  |  |  |  |  | "},
		"author in a loop":   {`{"resourceType":"Condition","recorder":{"reference":"PractitionerRole/loop"}}`, "history |  | Condition |  |  |  |  |  | "},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, shape(compute(t, c.text, Other, find))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestObservationValues(t *testing.T) {
	for members, want := range map[string]string{
		`"valueQuantity":{"value":"95","unit":"percent","code":"%"}`:                "95 percent",
		`"valueQuantity":{"value":1.50,"code":"mg"}`:                                "1.50 mg",
		`"valueQuantity":{"comparator":"<","value":5,"unit":"ng/L"}`:                "<5 ng/L",
		`"valueCodeableConcept":{"coding":[{"code":"1","display":"Never smoker"}]}`: "Never smoker",
		`"valueString":"clear"`:                               "clear",
		`"valueBoolean":false`:                                "no",
		`"valueBoolean":true`:                                 "yes",
		`"valueInteger":15`:                                   "15",
		`"valueTime":"10:00:00"`:                              "10:00:00",
		`"valueDateTime":"2020"`:                              "2020",
		`"valueRange":{"low":{"value":1},"high":{"value":2}}`: "1 to 2",
		`"valueRange":{"low":{"value":1}}`:                    "1",
		`"valueRatio":{"numerator":{"value":1},"denominator":{"value":128}}`: "1 / 128",
		`"valuePeriod":{"start":"2020","end":"2021"}`:                        "2020 to 2021",
		`"dataAbsentReason":{"text":"refused"}`:                              "no value: refused",
		`"component":[{"code":{"text":"Systolic"},"valueQuantity":{"value":120,"unit":"mmHg"}},{"code":{"text":"Diastolic"},"dataAbsentReason":{"text":"not heard"}},{"code":{"text":"Nothing"}}]`: "Systolic 120 mmHg; Diastolic no value: not heard",
		`"valueQuantity":{"value":7},"interpretation":[{"coding":[{"code":"H","display":"High"}]}]`:                                                                                                "7; High",
		`"code":{"coding":[{"code":"1","display":"Glucose"}],"text":"Glucose, fasting"}`:                                                                                                           "Glucose, fasting",
		``: "",
	} {
		text := `{"resourceType":"Observation"` + strings.Repeat(",", min(1, len(members))) + members + `}`
		if got := compute(t, text, Other, nil).Value; got != want {
			t.Errorf("%s: %q, want %q", members, got, want)
		}
	}
}

func TestBestCode(t *testing.T) {
	const snomedCode = `{"system":"http://snomed.info/sct","code":"S","display":"from SNOMED"}`
	const loincCode = `{"system":"http://loinc.org","code":"L","display":"from LOINC"}`
	for coding, want := range map[string]string{
		loincCode + `,` + snomedCode: "S from SNOMED",
		`{"system":"local","code":"X","display":"local","userSelected":true},` + snomedCode:  "X local",
		`{"system":"local","code":"X"},` + loincCode:                                         "L from LOINC",
		`{"system":"local","code":"X"},{"system":"other","code":"Y"}`:                        "X the text",
		`{"system":"local","display":"no code"},{"system":"https://dmd.nhs.uk/","code":"D"}`: "D no code",
		``: " the text",
		`{"system":"http://snomed.info/sct","code":"196461000000101","display":"Transfer-degraded drug allergy"}`: "196461000000101 the text",
	} {
		e := compute(t, `{"resourceType":"Condition","code":{"coding":[`+coding+`],"text":"the text"}}`, Other, nil)
		if got := e.Code.Code + " " + e.Display; got != want {
			t.Errorf("%s: %q, want %q", coding, got, want)
		}
	}
}

func TestCodesAreBounded(t *testing.T) {
	text := `{"resourceType":"Condition","code":{"coding":[{"code":"` + strings.Repeat("1", 257) + `"}]}}`
	if _, err := Compute(decode(t, text), []byte(text), Other, nil); err == nil {
		t.Error("a code of 257 bytes is taken")
	}
}

func TestActive(t *testing.T) {
	for text, want := range map[string]bool{
		`"resourceType":"Condition","clinicalStatus":{"coding":[{"code":"active"}]}`:     true,
		`"resourceType":"Condition","clinicalStatus":{"coding":[{"code":"recurrence"}]}`: true,
		`"resourceType":"Condition","clinicalStatus":{"coding":[{"code":"resolved"}]}`:   false,
		`"resourceType":"Condition","clinicalStatus":{"coding":[{"code":"remission"}]}`:  false,
		`"resourceType":"Condition"`:                            true,
		`"resourceType":"Condition","abatementDateTime":"2020"`: false,
		`"resourceType":"Condition","clinicalStatus":{"coding":[{"code":"active"}]},"verificationStatus":{"coding":[{"code":"refuted"}]}`: false,
		`"resourceType":"AllergyIntolerance","verificationStatus":{"coding":[{"code":"unconfirmed"}]}`:                                    true,
		`"resourceType":"AllergyIntolerance","clinicalStatus":{"coding":[{"code":"inactive"}]}`:                                           false,
		`"resourceType":"MedicationRequest","status":"active"`:                                                                            true,
		`"resourceType":"MedicationRequest","status":"on-hold"`:                                                                           true,
		`"resourceType":"MedicationRequest","status":"unknown"`:                                                                           true,
		`"resourceType":"MedicationRequest"`:                                                                                              true,
		`"resourceType":"MedicationRequest","status":"stopped"`:                                                                           false,
		`"resourceType":"MedicationDispense","status":"completed"`:                                                                        false,
		`"resourceType":"CarePlan","status":"revoked"`:                                                                                    false,
		`"resourceType":"Goal","lifecycleStatus":"rejected"`:                                                                              false,
		`"resourceType":"Flag","status":"inactive"`:                                                                                       false,
		`"resourceType":"MedicationRequest","status":"entered-in-error"`:                                                                  false,
	} {
		if got := compute(t, "{"+text+"}", Other, nil).Active; got != want {
			t.Errorf("%s: active %v, want %v", text, got, want)
		}
	}
}

func TestEnteredInError(t *testing.T) {
	for text, want := range map[string]bool{
		`"resourceType":"Observation","status":"entered-in-error"`: true,
		`"resourceType":"AllergyIntolerance","clinicalStatus":{"coding":[{"code":"active"}]},"verificationStatus":{"coding":[{"code":"entered-in-error"}]}`: true,
		`"resourceType":"Goal","lifecycleStatus":"entered-in-error"`:                                                                                        true,
		`"resourceType":"Observation","status":"final"`:                                                                                                     false,
		`"resourceType":"Immunization","status":"not-done"`:                                                                                                 false,
		`"resourceType":"DocumentReference","status":"entered-in-error"`:                                                                                    true,
	} {
		if got := compute(t, "{"+text+"}", Other, nil).EnteredInError; got != want {
			t.Errorf("%s: entered in error %v, want %v", text, got, want)
		}
	}
}

func TestNoneKnown(t *testing.T) {
	allergy := func(code, more string) string {
		return `{"resourceType":"AllergyIntolerance","code":{"coding":[{"code":"` + code + `"}]}` + more + `}`
	}
	for text, want := range map[string]bool{
		allergy("716186003", ""):          true,
		allergy("409137002", ""):          true,
		allergy("no-known-allergies", ""): true,
		allergy("no-allergy-info", ""):    false,
		allergy("372687004", ""):          false,
		allergy("716186003", `,"verificationStatus":{"coding":[{"code":"refuted"}]}`):                                     false,
		allergy("716186003", `,"verificationStatus":{"coding":[{"code":"entered-in-error"}]}`):                            false,
		allergy("716186003", `,"clinicalStatus":{"coding":[{"code":"inactive"}]}`):                                        false,
		`{"resourceType":"MedicationStatement","medicationCodeableConcept":{"coding":[{"code":"no-known-medications"}]}}`: true,
	} {
		if got := compute(t, text, Other, nil).NoneKnown; got != want {
			t.Errorf("%s: none known %v, want %v", text, got, want)
		}
	}
}

func TestReactions(t *testing.T) {
	e := compute(t, `{"resourceType":"AllergyIntolerance","criticality":"high","reaction":[
		{"manifestation":[{"text":"Rash"},{"text":"Wheeze"}],"severity":"severe","substance":{"text":"Penicillin"}},{"description":"Felt ill"},{}]}`, Other, nil)
	if diff := cmp.Diff([]string{"Rash, Wheeze, severe to Penicillin", "Felt ill"}, e.Reactions); diff != "" || e.Criticality != "high" {
		t.Error(diff, e.Criticality)
	}
}

func TestFingerprint(t *testing.T) {
	print := func(text string) string { return compute(t, text, Other, nil).Fingerprint }
	observation := func(more string) string {
		return `{"resourceType":"Observation","id":"1","status":"final","code":{"coding":[{"system":"s","code":"c","display":"d"}]},"effectiveDateTime":"2020-01-01T10:00:00Z"` + more + `}`
	}
	same := observation(`,"valueQuantity":{"value":5,"unit":"mg"}`)
	for name, c := range map[string]struct {
		a, b  string
		equal bool
	}{
		"id and encounter differ":  {same, strings.Replace(same, `"id":"1"`, `"id":"2","encounter":{"display":"e"},"performer":[{"display":"x"}]`, 1), true},
		"display differs":          {same, strings.Replace(same, `"display":"d"`, `"display":"D, other words"`, 1), true},
		"same instant, other zone": {same, strings.Replace(same, "10:00:00Z", "11:00:00+01:00", 1), true},
		"code differs":             {same, strings.Replace(same, `"code":"c"`, `"code":"d"`, 1), false},
		"system differs":           {same, strings.Replace(same, `"system":"s"`, `"system":"t"`, 1), false},
		"instant differs":          {same, strings.Replace(same, "10:00:00Z", "10:00:01Z", 1), false},
		"precision differs":        {strings.Replace(same, "2020-01-01T10:00:00Z", "2020", 1), strings.Replace(same, "2020-01-01T10:00:00Z", "2020-01-01", 1), false},
		"status differs":           {same, strings.Replace(same, "final", "amended", 1), false},
		"value differs":            {same, strings.Replace(same, `"value":5`, `"value":5.0`, 1), false},
		"unit differs":             {same, strings.Replace(same, "mg", "g", 1), false},
		"type differs":             {same, strings.Replace(same, "Observation", "DiagnosticReport", 1), false},
	} {
		if got := print(c.a) == print(c.b); got != c.equal || print(c.a) == "" {
			t.Errorf("%s: equal %v, want %v", name, got, c.equal)
		}
	}
	if got := print(strings.Replace(same, `"effectiveDateTime"`, `"x"`, 1)); got != "" {
		t.Error("an undated observation equals another")
	}
	if print(`{"resourceType":"Patient","id":"1","birthDate":"1970"}`) != print(`{"resourceType":"Patient","id":"2","birthDate":"1970"}`) {
		t.Error("equal demographics stay apart")
	}
}

func TestFingerprintOfAllergies(t *testing.T) {
	print := func(more string) string {
		return compute(t, `{"resourceType":"AllergyIntolerance","code":{"text":"Nuts"},"recordedDate":"2020-01-01"`+more+`}`, Other, nil).Fingerprint
	}
	same := []string{
		``, `,"id":"1","meta":{"source":"x"}`, `,"recorder":{"display":"Dr A"}`, `,"text":{"div":"x"}`, `,"identifier":[{"value":"1"}]`, `,"encounter":{"reference":"Encounter/1"}`,
	}
	for _, more := range same {
		if print(more) != print("") {
			t.Errorf("%s keeps an allergy apart", more)
		}
	}
	for _, more := range []string{
		`,"criticality":"high"`, `,"category":["food"]`, `,"type":"intolerance"`, `,"reaction":[{"description":"x"}]`, `,"note":[{"text":"x"}]`,
		`,"extension":[{"url":"x","valueString":"y"}]`, `,"lastOccurrence":"2019"`, `,"clinicalStatus":{"coding":[{"code":"active"}]}`,
	} {
		if print(more) == print("") {
			t.Errorf("%s does not keep an allergy apart", more)
		}
	}
}

func TestEntrySurvivesJSON(t *testing.T) {
	e := compute(t, `{"resourceType":"Patient","name":{"family":"Smith"},"birthDate":"1970","address":{"line":"4 High Street","postalCode":"BH1 1AA"},"period":{"start":"2020-01-01T10:00:00.5+01:00"}}`, Other, nil)
	e.Start, _ = fhir.ParseDate("2020-01-01T10:00:00.5+01:00")
	e.End, _ = fhir.ParseDate("2020-02")
	data, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	var back Entry
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(e, back); diff != "" {
		t.Error(diff)
	}
}

func TestWithhold(t *testing.T) {
	e := compute(t, `{"resourceType":"Patient","name":{"family":"Smith"},"birthDate":"1970-01-01","address":{"line":["4 High Street","Flat"],"postalCode":"BH1 1AA"},
		"telecom":{"value":"01202 123456"},"generalPractitioner":{"display":"The Surgery","identifier":{"value":"J81999"}},"contact":{"name":{"family":"White","given":"Jo"},"telecom":{"value":"07777 1"}}}`, Other, nil)
	want := []string{"4 High Street", "BH1 1AA", "01202 123456", "Jo White", "07777 1", "The Surgery", "J81999"}
	if diff := cmp.Diff(want, e.Withhold); diff != "" || e.Bare != "born 1970-01-01" {
		t.Error(diff, e.Bare)
	}
}
