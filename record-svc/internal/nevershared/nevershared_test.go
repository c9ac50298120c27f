package nevershared

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func shippedSet(t *testing.T) *Set {
	t.Helper()
	set, err := Shipped()
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestMatchResource(t *testing.T) {
	set := shippedSet(t)
	cases := map[string]struct{ json, category string }{
		"code":                {`{"code":{"coding":[{"system":"http://snomed.info/sct","code":"714812005"}]}}`, "termination_of_pregnancy"},
		"second coding":       {`{"code":{"coding":[{"system":"x","code":"1"},{"system":"http://snomed.info/sct","code":"76272004"}]}}`, "sexually_transmitted_infection"},
		"contained":           {`{"contained":[{"resourceType":"Condition","code":{"coding":[{"system":"http://snomed.info/sct","code":"93461009"}]}}]}`, "gender_recognition"},
		"extension":           {`{"extension":[{"valueCoding":{"system":"http://snomed.info/sct","code":"63487001"}}]}`, "fertility_treatment"},
		"reason":              {`{"reasonCode":[{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10","code":"o04.9"}]}]}`, "termination_of_pregnancy"},
		"ICD-10 without dot":  {`{"code":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10","code":"Z312"}]}}`, "fertility_treatment"},
		"UK ICD-10":           {`{"code":{"coding":[{"system":"https://fhir.hl7.org.uk/CodeSystem/UKCore-ICD-10","code":"A54.0"}]}}`, "sexually_transmitted_infection"},
		"OPCS":                {`{"code":{"coding":[{"system":"https://fhir.hl7.org.uk/CodeSystem/OPCS-4","code":"Q14.1"}]}}`, "termination_of_pregnancy"},
		"SNOMED by its OID":   {`{"code":{"coding":[{"system":"urn:oid:2.16.840.1.113883.6.96","code":"714812005"}]}}`, "termination_of_pregnancy"},
		"SNOMED, UK edition":  {`{"code":{"coding":[{"system":"http://snomed.info/sct/83821000000107","code":"714812005"}]}}`, "termination_of_pregnancy"},
		"expression":          {`{"code":{"coding":[{"system":"http://snomed.info/sct","code":"243796009:246090004=76272004"}]}}`, "sexually_transmitted_infection"},
		"code with term":      {`{"code":{"coding":[{"system":"http://snomed.info/sct","code":"76272004 | Syphilis |"}]}}`, "sexually_transmitted_infection"},
		"code as a number":    {`{"code":{"coding":[{"system":"http://snomed.info/sct","code":76272004}]}}`, "sexually_transmitted_infection"},
		"code escaped":        {`{"code":{"coding":[{"system":"http://snomed.info/sct","code":"7627\u0032004"}]}}`, "sexually_transmitted_infection"},
		"spaces":              {`{"code":{"coding":[{"system":" http://snomed.info/sct/ ","code":" 76272004 "}]}}`, "sexually_transmitted_infection"},
		"no system":           {`{"code":{"coding":[{"code":"76272004"}]}}`, "sexually_transmitted_infection"},
		"no system, ICD-10":   {`{"code":{"coding":[{"code":"O04.9"}]}}`, "termination_of_pregnancy"},
		"repeated member":     {`{"code":{"coding":[{"system":"http://snomed.info/sct","code":"76272004","code":"38341003"}]}}`, "sexually_transmitted_infection"},
		"adopted child":       {`{"relationship":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-RoleCode","code":"CHLDADOPT"}]}]}`, "adoption"},
		"LOINC":               {`{"code":{"coding":[{"system":"http://loinc.org","code":"56888-1"}]}}`, "sexually_transmitted_infection"},
		"first of the set":    {`{"code":{"coding":[{"system":"http://snomed.info/sct","code":"76272004"},{"system":"http://snomed.info/sct","code":"63487001"}]}}`, "fertility_treatment"},
		"asthma":              {`{"code":{"coding":[{"system":"http://snomed.info/sct","code":"195967001"}]}}`, ""},
		"contraception":       {`{"code":{"coding":[{"system":"http://snomed.info/sct","code":"65200003"}]}}`, ""},
		"miscarriage":         {`{"code":{"coding":[{"system":"http://snomed.info/sct","code":"19169002"}]}}`, ""},
		"pregnancy":           {`{"code":{"coding":[{"system":"http://snomed.info/sct","code":"72892002"}]}}`, ""},
		"examination":         {`{"code":{"coding":[{"system":"http://snomed.info/sct","code":"5880005","display":"Physical exam following abortion"}]}}`, ""},
		"another system":      {`{"code":{"coding":[{"system":"http://www.nlm.nih.gov/research/umls/rxnorm","code":"76272004"}]}}`, ""},
		"part of a code":      {`{"code":{"coding":[{"system":"http://snomed.info/sct","code":"176272004"}]}}`, ""},
		"ICD-10 neighbour":    {`{"code":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10","code":"O03.9"}]}}`, ""},
		"ICD-10 parent":       {`{"code":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10","code":"Z31"}]}}`, ""},
		"status":              {`{"status":"final","class":{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"AMB"}}`, ""},
		"free text, a hazard": {`{"code":{"text":"termination of pregnancy"}}`, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			category, matched := set.MatchResource([]byte(c.json))
			if category != c.category || matched != (c.category != "") {
				t.Errorf("got %q, %v; want %q", category, matched, c.category)
			}
		})
	}
}

func TestVersionDependsOnCodesAlone(t *testing.T) {
	form := func(codes string) string {
		return `{"name":"x","edition":"1","categories":[{"name":"a","basis":"b","codes":[` + codes + `]}]}`
	}
	one, two := `{"system":"s","code":"1","display":"d","source":"o"}`, `{"system":"s","code":"2","display":"d","source":"o"}`
	version := func(data string) string {
		t.Helper()
		set, err := Parse([]byte(data))
		if err != nil {
			t.Fatal(err)
		}
		return set.Version()
	}
	if version(form(one+","+two)) != version(form(two+","+one)) {
		t.Error("order changes the version")
	}
	if version(form(one)) == version(form(one+","+two)) {
		t.Error("another code leaves the version")
	}
	if v := version(form(one)); !strings.HasPrefix(v, "x/1/") {
		t.Errorf("version %q", v)
	}
}

func TestParseRefuses(t *testing.T) {
	for name, data := range map[string]string{
		"empty":         ``,
		"no categories": `{"name":"x","edition":"1","categories":[]}`,
		"no edition":    `{"name":"x","categories":[{"name":"a","codes":[{"system":"s","code":"1","source":"o"}]}]}`,
		"no codes":      `{"name":"x","edition":"1","categories":[{"name":"a","codes":[]}]}`,
		"no source":     `{"name":"x","edition":"1","categories":[{"name":"a","codes":[{"system":"s","code":"1"}]}]}`,
		"no system":     `{"name":"x","edition":"1","categories":[{"name":"a","codes":[{"code":"1","source":"o"}]}]}`,
		"short ICD-10":  `{"name":"x","edition":"1","categories":[{"name":"a","codes":[{"system":"http://hl7.org/fhir/sid/icd-10","code":"A","source":"o"}]}]}`,
		"misspelt":      `{"name":"x","edition":"1","categorys":[]}`,
		"a tail":        `{"name":"x","edition":"1","categories":[{"name":"a","codes":[{"system":"s","code":"1","source":"o"}]}]}{}`,
	} {
		if _, err := Parse([]byte(data)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// TestShippedCodes holds against slips of the pen: SNOMED CT ids and LOINC
// numbers carry check digits.
func TestShippedCodes(t *testing.T) {
	names := []string{}
	for _, category := range shippedSet(t).Categories() {
		names = append(names, category.Name)
		for _, code := range category.Codes {
			switch systemOf(code.System) {
			case snomed:
				if !verhoeff(code.Code) || !slices.Contains([]string{"00", "10"}, code.Code[len(code.Code)-3:len(code.Code)-1]) {
					t.Errorf("%s is no concept of SNOMED CT", code.Code)
				}
			case loinc:
				if !mod10(code.Code) {
					t.Errorf("%s is no LOINC number", code.Code)
				}
			}
			if code.Display == "" || code.Source == "" {
				t.Errorf("%s has no display or source", code.Code)
			}
		}
	}
	want := []string{"fertility_treatment", "gender_recognition", "termination_of_pregnancy", "sexually_transmitted_infection", "adoption"}
	if !slices.Equal(names, want) {
		t.Errorf("categories %v, want %v", names, want)
	}
	var f file
	if err := json.Unmarshal(shipped, &f); err != nil || !strings.Contains(f.Notice, "not a national one") {
		t.Errorf("the shipped set does not say that it is not national: %v", err)
	}
}

// verhoeff checks the digits by the dihedral group of ten.
func verhoeff(digits string) bool {
	check := 0
	for i := range len(digits) {
		digit := int(digits[len(digits)-1-i] - '0')
		check = dihedral(check, permuted(digit, i))
	}
	return check == 0
}

func dihedral(a, b int) int {
	switch {
	case a < 5 && b < 5:
		return (a + b) % 5
	case a < 5:
		return 5 + (a+b)%5
	case b < 5:
		return 5 + (a-b)%5
	}
	return (a - b + 5) % 5
}

func permuted(digit, times int) int {
	row := [10]int{1, 5, 7, 6, 2, 8, 3, 0, 9, 4}
	for range times % 8 {
		digit = row[digit]
	}
	return digit
}

func mod10(code string) bool {
	body, check, ok := strings.Cut(code, "-")
	sum := 0
	for i := range len(body) {
		digit := int(body[len(body)-1-i] - '0')
		if i%2 == 0 {
			if digit *= 2; digit > 9 {
				digit -= 9
			}
		}
		sum += digit
	}
	return ok && fmt.Sprint((10-sum%10)%10) == check
}
