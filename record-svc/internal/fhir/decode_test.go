package fhir

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDecodeNamesTheElement(t *testing.T) {
	cases := map[string]struct {
		json    string
		element string
		date    bool
	}{
		"date":              {`{"birthDate":"11/09/1970"}`, "birthDate", true},
		"date in period":    {`{"period":{"start":"2020-02-30"}}`, "period.start", true},
		"date in meta":      {`{"meta":{"lastUpdated":"yesterday"}}`, "meta.lastUpdated", true},
		"date in a list":    {`{"name":[{"period":{"end":"x"}}]}`, "name.period.end", true},
		"date as object":    {`{"birthDate":{}}`, "birthDate", false},
		"code as list":      {`{"code":{"coding":[{"code":["1"]}]}}`, "code.coding.code", false},
		"subject as string": {`{"subject":"Patient/1"}`, "subject", false},
		"status as object":  {`{"criticality":{}}`, "criticality", false},
		"list":              {`[]`, "", false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := Decode([]byte(c.json))
			var got *Error
			if !errors.As(err, &got) {
				t.Fatalf("got %v, want an *Error", err)
			}
			if got.Element != c.element || got.Date != c.date {
				t.Errorf("got %+v, want element %q, date %v", got, c.element, c.date)
			}
			if strings.Contains(err.Error(), "11/09") {
				t.Errorf("the error quotes the value: %v", err)
			}
		})
	}
}

func TestDecodeTolerates(t *testing.T) {
	r, err := Decode([]byte(`{"resourceType":"Observation","id":7,"fhir_comments":["x"],"_status":{"fhir_comments":[1]},
		"status":"final","category":{"coding":{"code":"vital-signs"}},
		"code":{"coding":[{"system":"http://snomed.info/sct","code":75367002,"userSelected":"true"}],"text":"A \"pressure\"\u0000"},
		"identifier":{"value":"1"},"performer":{"display":"Dr"},"valueQuantity":{"value":"120","unit":"mm"},
		"component":[null,{"valueQuantity":{"value":1.50}}],"note":"text","name":["Ward"],"active":"TRUE","issued":null,
		"unknownElement":{"a":[{}]},"class":{"code":"IMP"}}`))
	if err != nil {
		t.Fatal(err)
	}
	got := []string{
		string(r.ID), r.Category.First().Code(), string(r.Code.Coding[0].Code), string(r.Code.Text),
		string(r.Identifier.First().Value), string(r.Performer.First().Who().Display), string(r.ValueQuantity.Value),
		string(r.Component.First().ValueQuantity.Value), string(r.Note.First().Text), string(r.Name.First().Text), r.Class.Code(),
		r.Status.Code(),
	}
	want := []string{"7", "vital-signs", "75367002", "A \"pressure\"\uFFFD", "1", "Dr", "120", "1.50", "text", "Ward", "IMP", "final"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if !r.Active.True() || !r.Code.Coding[0].UserSelected.True() || !r.Issued.IsZero() {
		t.Errorf("booleans and nulls: %+v %+v %+v", r.Active, r.Code.Coding[0], r.Issued)
	}
}

func TestRestricted(t *testing.T) {
	for code, want := range map[string]bool{"U": false, "N": false, "R": true, "V": true} {
		r, err := Decode([]byte(`{"meta":{"security":[{"code":"` + code + `"}]}}`))
		if err != nil || r.Meta.Restricted() != want {
			t.Errorf("security %s: restricted %v, want %v (%v)", code, r.Meta.Restricted(), want, err)
		}
	}
}

func TestTooDeep(t *testing.T) {
	nest := func(n int) []byte { return []byte(strings.Repeat(`[`, n) + strings.Repeat(`]`, n)) }
	if TooDeep(nest(100), 100) || !TooDeep(nest(101), 100) || !TooDeep(nest(10_000), 100) {
		t.Error("the limit of 100 is not kept")
	}
	if !TooDeep([]byte(strings.Repeat(`{"a":`, 1_000_000)), 100) {
		t.Error("unclosed JSON passes")
	}
	if TooDeep([]byte(`"`+strings.Repeat(`[`, 200)+`\"{{{"`), 100) {
		t.Error("brackets in a string count")
	}
}

func TestLook(t *testing.T) {
	got := Look([]byte(`{
		"subject": {"reference" : "Patient/1"}, "code":{"coding":[{"system":"s","code":"c"},{"code":5}]},
		"contained":[{"code":{"coding":[{"code":"in\u0041","system":"t"}]}}], "result":[{}, [ {"reference":"#x"} ] ],
		"extension":[{"valueCode":"v"}], "twice":{"code":"1","system":"s","code":"2","system":"r"}, "status":"final"
	}`))
	want := Scan{
		References: []ReferenceAt{
			{Expression: "subject.reference", Reference: "Patient/1"},
			{Expression: "result[1][0].reference", Reference: "#x"},
		},
		Codes: []CodeAt{
			{System: "s", Code: "c"}, {Code: "5"}, {System: "t", Code: "inA"}, {Code: "v"},
			{System: "s", Code: "1"}, {System: "r", Code: "1"}, {System: "s", Code: "2"}, {System: "r", Code: "2"},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDigests(t *testing.T) {
	a, b := []byte(`{"id":"1","a":[1, 2]}`), []byte("{ \"id\":\"1\",\n\"a\":[1,2]}")
	if DigestExact(a) == DigestExact(b) {
		t.Error("different bytes, one exact digest")
	}
	if DigestContent(a) != DigestContent(b) {
		t.Error("white space changes the content digest")
	}
	if DigestContent([]byte(`{"a":"b c"}`)) == DigestContent([]byte(`{"a":"bc"}`)) || DigestContent([]byte(`{"a":"\" b"}`)) == DigestContent([]byte(`{"a":"\"b"}`)) {
		t.Error("white space in a string does not count")
	}
	one, _ := DigestStated([]byte(`{"id":"1","b":1,"a":2}`), "id")
	two, err := DigestStated([]byte(`{"a":2,"b":1,"id":"2"}`), "id")
	if err != nil || one != two {
		t.Errorf("order or id changes what is stated: %v", err)
	}
	three, _ := DigestStated([]byte(`{"a":2,"b":1.0}`), "id")
	if three == one {
		t.Error("1 and 1.0 state the same")
	}
}

func TestIsType(t *testing.T) {
	for name, want := range map[string]bool{"Patient": true, "Claim": true, "VisionPrescription": true, "Account": true, "Patiant": false, "": false, " ": false, "Patient Person": false, "patient": false} {
		if IsType(name) != want {
			t.Errorf("IsType(%q) = %v", name, !want)
		}
	}
}

func TestLocal(t *testing.T) {
	r, err := Decode([]byte(`{"contained":[{"id":"a","birthDate":"x"},{"resourceType":"Practitioner","id":"b"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Local("#b"); got == nil || got.Kind() != "Practitioner" {
		t.Errorf("#b is %v", got)
	}
	for _, reference := range []string{"#a", "#c", "#", "b", ""} {
		if r.Local(reference) != nil {
			t.Errorf("%q leads somewhere", reference)
		}
	}
}

// FuzzLook holds that what steps over JSON by itself survives any bytes, and
// always ends.
func FuzzLook(f *testing.F) {
	for _, seed := range []string{`{"a":[{"code":"1","system":"s"}]}`, `{"reference":`, `[[`, `{"a"`, `"`, `{"\\`, `{"a":1 2}`, `{]`, `[}`, ``} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if TooDeep(data, 100) {
			return
		}
		Look(data)
		Head(data)
		for range Elements(data) {
		}
	})
}
