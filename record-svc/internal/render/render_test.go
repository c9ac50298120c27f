package render

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/record/v1"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/fhir"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/section"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
)

var update = flag.Bool("update", false, "write the golden files anew")

// The senders of the tests.
var (
	surgery  = Source{ODS: "J81900", Name: "The High Street Surgery", Practice: true}
	former   = Source{ODS: "J81901", Name: "The Old Surgery", Practice: true, Former: true}
	hospital = Source{ODS: "R0D", Name: "University Hospitals Dorset"}
	council  = Source{ODS: "E06000059", Name: "Dorset Council"}
)

// item makes an item of a resource. kind follows from the source.
func item(t *testing.T, id string, from Source, resource string) Item {
	t.Helper()
	r, err := fhir.Decode([]byte(resource))
	if err != nil {
		t.Fatalf("%s: %v", resource, err)
	}
	kind := section.Other
	switch {
	case from.Practice:
		kind = section.Practice
	case from == council:
		kind = section.Council
	}
	e, err := section.Compute(r, []byte(resource), kind, nil)
	if err != nil {
		t.Fatalf("%s: %v", resource, err)
	}
	return Item{ID: id, Entry: e, Source: from, Received: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)}
}

func rendered(t *testing.T, name section.Name, form Form, items []Item) (View, Piece) {
	t.Helper()
	piece, err := Section(name, form, items)
	if err != nil {
		t.Fatal(err)
	}
	var view View
	if err := json.Unmarshal(piece.JSON, &view); err != nil {
		t.Fatal(err)
	}
	// The contract is the messages: what they do not know may not be there.
	if err := (protojson.UnmarshalOptions{}).Unmarshal(piece.JSON, &recordv1.SectionView{}); err != nil {
		t.Fatalf("not a SectionView: %v\n%s", err, piece.JSON)
	}
	return view, piece
}

func ids(entries []Entry) []string {
	all := []string{}
	for _, e := range entries {
		all = append(all, e.ID)
	}
	return all
}

// county is a person with something in every section.
func county(t *testing.T) []Item {
	t.Helper()
	return []Item{
		item(t, "p1", surgery, `{"resourceType":"Patient","name":{"family":"Smith","given":"Ann"},"birthDate":"1970-09-11","address":{"line":"4 Harbour Road","city":"Poole","postalCode":"BH15 1AA"},
			"telecom":{"system":"phone","value":"01202 960321"},"generalPractitioner":{"display":"The High Street Surgery"}}`),
		item(t, "p2", hospital, `{"resourceType":"Patient","name":{"family":"Smith","given":"Ann"},"birthDate":"1970-09-11","address":{"line":"9 Old Lane","postalCode":"DT1 1AA"}}`),
		item(t, "rp", hospital, `{"resourceType":"RelatedPerson","name":{"family":"Jackson","given":"Jane"},"telecom":{"system":"phone","value":"07700 900123"}}`),
		item(t, "al", surgery, `{"resourceType":"AllergyIntolerance","clinicalStatus":"active","verificationStatus":"confirmed","criticality":"high","code":{"coding":[{"system":"http://snomed.info/sct","code":"91936005","display":"Allergy to penicillin"}]},
			"recordedDate":"2015-03-01","reaction":[{"manifestation":[{"text":"Anaphylaxis"}]}],"recorder":{"display":"Dr High"}}`),
		item(t, "an", hospital, `{"resourceType":"AllergyIntolerance","clinicalStatus":"active","code":{"coding":[{"system":"http://snomed.info/sct","code":"716186003","display":"No known allergy"}]},"recordedDate":"2010-01-01","recorder":{"display":"Dr Low"}}`),
		item(t, "ai", surgery, `{"resourceType":"AllergyIntolerance","clinicalStatus":"inactive","code":{"text":"Eggs"},"recordedDate":"1980"}`),
		item(t, "m1", surgery, `{"resourceType":"MedicationRequest","status":"active","medicationCodeableConcept":{"text":"Ramipril 5mg"},"authoredOn":"2026-10-01","dosageInstruction":[{"text":"one a day"}]}`),
		item(t, "m2", former, `{"resourceType":"MedicationRequest","status":"stopped","medicationCodeableConcept":{"text":"Aspirin 75mg"},"authoredOn":"2016-10-01"}`),
		item(t, "c1", surgery, `{"resourceType":"Condition","clinicalStatus":"active","code":{"coding":[{"system":"http://snomed.info/sct","code":"38341003","display":"Hypertension"}]},"onsetDateTime":"2016-01-01","recorder":{"display":"Dr High"}}`),
		item(t, "c2", hospital, `{"resourceType":"Condition","clinicalStatus":"active","code":{"coding":[{"system":"http://snomed.info/sct","code":"38341003","display":"Hypertension"}]},"onsetDateTime":"2016-01-01","recorder":{"display":"Dr Low"}}`),
		item(t, "c3", hospital, `{"resourceType":"Condition","clinicalStatus":"resolved","code":{"text":"Sprain"},"onsetDateTime":"2017"}`),
		item(t, "e1", hospital, `{"resourceType":"Encounter","status":"finished","class":{"code":"IMP","display":"inpatient"},"period":{"start":"2021-01-01"}}`),
		item(t, "e2", hospital, `{"resourceType":"Encounter","status":"finished","class":{"code":"IMP","display":"inpatient"},"period":{"start":"2022-01-01"}}`),
		item(t, "e3", surgery, `{"resourceType":"Encounter","status":"finished","class":{"code":"AMB","display":"ambulatory"},"type":{"text":"Seen at The High Street Surgery"},"period":{"start":"2023-01-01"}}`),
		item(t, "e4", hospital, `{"resourceType":"Encounter","status":"finished","class":{"code":"EMER","display":"emergency"},"period":{"start":"2024-01-01"}}`),
		item(t, "im", surgery, `{"resourceType":"Immunization","status":"completed","vaccineCode":{"text":"Influenza"},"occurrenceDateTime":"2025-10-01"}`),
		item(t, "cp", hospital, `{"resourceType":"CarePlan","status":"active","category":{"text":"Wound care"},"period":{"start":"2026-01-01"},"activity":[{"detail":{"description":"Visit at 4, harbour road or ring 01202960321"}}]}`),
		item(t, "ob", hospital, `{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"8302-2","display":"Body height"}]},"effectiveDateTime":"2026-01-01","valueQuantity":{"value":"1.64","unit":"m"},"performer":{"display":"Nurse Mid"}}`),
		item(t, "ox", hospital, `{"resourceType":"Observation","status":"entered-in-error","code":{"text":"Body weight"},"effectiveDateTime":"2026-01-01"}`),
		item(t, "sc", council, `{"resourceType":"CarePlan","status":"completed","category":{"text":"Home care"},"period":{"start":"2025-01-01","end":"2025-06-01"},"author":{"display":"Ms Carer"}}`),
		item(t, "sg", council, `{"resourceType":"Flag","status":"active","category":{"coding":{"code":"safeguarding"}},"code":{"text":"Risk of harm from <relative> & \"other\""},"period":{"start":"2025-01-01"},"author":{"display":"Safeguarding team"}}`),
	}
}

// TestGolden pins the bytes of every section in every form.
func TestGolden(t *testing.T) {
	var b strings.Builder
	items := county(t)
	for _, form := range Forms() {
		for _, name := range section.All() {
			_, piece := rendered(t, name, form, items)
			b.Write(piece.JSON)
			b.WriteByte('\n')
		}
	}
	path := filepath.Join("testdata", "county.golden")
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(b.String(), "\n")); diff != "" {
		t.Error(diff)
	}
}

func TestBytesDoNotDependOnTheOrderOfItems(t *testing.T) {
	items := county(t)
	back := slices.Clone(items)
	slices.Reverse(back)
	for _, form := range Forms() {
		for _, name := range section.All() {
			_, one := rendered(t, name, form, items)
			_, two := rendered(t, name, form, back)
			if diff := cmp.Diff(string(one.JSON), string(two.JSON)); diff != "" {
				t.Errorf("%s %v: %s", name, form, diff)
			}
		}
	}
}

func TestSummaries(t *testing.T) {
	items := county(t)
	for name, want := range map[section.Name][]string{
		section.Allergies:    {"al"},
		section.Medication:   {"m1"},
		section.History:      {"e4", "e3", "e2", "c1"},
		section.CarePlans:    {"cp"},
		section.Results:      {"ob"},
		section.SocialCare:   {"sc"},
		section.Safeguarding: {"sg"},
	} {
		view, _ := rendered(t, name, Form{Level: Summary}, items)
		if diff := cmp.Diff(want, ids(view.Entries)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		for _, e := range view.Entries {
			if e.Value != "" || e.Author != "" || len(e.Reactions) > 0 {
				t.Errorf("%s: the summary tells %+v", name, e)
			}
		}
	}
	flags, _ := rendered(t, section.Safeguarding, Form{Level: Summary}, items)
	if e := flags.Entries[0]; e.Display != "Safeguarding flag" || e.Code != nil || e.Contact != "Safeguarding team" {
		t.Errorf("safeguarding summary: %+v", e)
	}
	care, _ := rendered(t, section.SocialCare, Form{Level: Summary}, items)
	if e := care.Entries[0]; e.Display != "Home care" || e.Start != "2025-01-01" || e.End != "2025-06-01" || e.Contact != "Ms Carer" {
		t.Errorf("social care summary: %+v", e)
	}
	allergies, _ := rendered(t, section.Allergies, Form{Level: Summary}, items)
	if e := allergies.Entries[0]; e.Criticality != "high" || allergies.SummarisedFrom != 2 {
		t.Errorf("allergy summary: %+v of %d", e, allergies.SummarisedFrom)
	}
}

func TestStates(t *testing.T) {
	all := county(t)
	only := func(want ...string) []Item {
		return slices.DeleteFunc(slices.Clone(all), func(i Item) bool { return !slices.Contains(want, i.ID) })
	}
	for name, c := range map[string]struct {
		items      []Item
		form       Form
		state      State
		entries    int
		assertions int
	}{
		"nothing received":                 {nil, Form{Level: Full}, StateNothingReceived, 0, 0},
		"only what was taken back":         {only("ox"), Form{Level: Full}, StateNothingReceived, 0, 0},
		"entries":                          {only("al"), Form{Level: Full}, StateEntries, 1, 0},
		"none known":                       {only("an"), Form{Level: Full}, StateNoneKnown, 0, 1},
		"none known, in summary":           {only("an"), Form{Level: Summary}, StateNoneKnown, 0, 1},
		"entries beside none known":        {only("al", "an"), Form{Level: Full}, StateEntries, 1, 1},
		"nothing current":                  {only("ai"), Form{Level: Summary}, StateEntries, 0, 0},
		"nothing current beside assertion": {only("ai", "an"), Form{Level: Summary}, StateEntries, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			view, piece := rendered(t, section.Allergies, c.form, c.items)
			if view.State != c.state || len(view.Entries) != c.entries || len(view.Assertions) != c.assertions || piece.Entries != c.entries {
				t.Errorf("got %s, %d entries, %d assertions", view.State, len(view.Entries), len(view.Assertions))
			}
			if (view.Text == "") != (view.State == StateEntries && c.entries > 0 && c.assertions == 0) {
				t.Errorf("text %q", view.Text)
			}
		})
	}
	view, _ := rendered(t, section.Allergies, Form{Level: Full}, only("an"))
	want := []Assertion{{By: "University Hospitals Dorset, Dr Low", ODSCode: "R0D", When: "2010-01-01", Display: "No known allergy"}}
	if diff := cmp.Diff(want, view.Assertions); diff != "" {
		t.Error(diff)
	}
}

func TestGroups(t *testing.T) {
	asthma := func(id string, from Source, more string) Item {
		return item(t, id, from, `{"resourceType":"Condition","code":{"coding":[{"code":"195967001","display":"Asthma"}]},"recordedDate":"2001"`+more+`}`)
	}
	for name, c := range map[string]struct {
		items []Item
		want  [][]string // id and the ids shown with it
	}{
		"three organisations":        {[]Item{asthma("1", surgery, ""), asthma("2", hospital, ""), asthma("3", council, "")}, [][]string{{"3", "1", "2"}}},
		"one organisation":           {[]Item{asthma("1", surgery, ""), asthma("2", surgery, "")}, [][]string{{"1"}, {"2"}}},
		"two and one":                {[]Item{asthma("1", surgery, ""), asthma("2", surgery, ""), asthma("3", hospital, "")}, [][]string{{"1", "3"}, {"2"}}},
		"two and two":                {[]Item{asthma("1", surgery, ""), asthma("2", surgery, ""), asthma("3", hospital, ""), asthma("4", hospital, "")}, [][]string{{"1", "3"}, {"2", "4"}}},
		"status differs":             {[]Item{asthma("1", surgery, ""), asthma("2", hospital, `,"clinicalStatus":"active"`)}, [][]string{{"1"}, {"2"}}},
		"one of them taken back":     {[]Item{asthma("1", surgery, `,"verificationStatus":"entered-in-error"`), asthma("2", hospital, "")}, [][]string{{"2"}}},
		"allergies that differ":      {[]Item{item(t, "1", surgery, `{"resourceType":"AllergyIntolerance","code":{"text":"Nuts"},"recordedDate":"2001"}`), item(t, "2", hospital, `{"resourceType":"AllergyIntolerance","code":{"text":"Nuts"},"recordedDate":"2001","criticality":"high"}`)}, [][]string{{"1"}, {"2"}}},
		"the same allergy":           {[]Item{item(t, "1", surgery, `{"resourceType":"AllergyIntolerance","code":{"text":"Nuts"},"recordedDate":"2001"}`), item(t, "2", hospital, `{"resourceType":"AllergyIntolerance","code":{"text":"Nuts"},"recordedDate":"2001"}`)}, [][]string{{"1", "2"}}},
		"doses that differ":          {[]Item{item(t, "1", surgery, `{"resourceType":"MedicationRequest","status":"active","authoredOn":"2001","medicationCodeableConcept":{"text":"A"},"dosageInstruction":{"text":"one"}}`), item(t, "2", hospital, `{"resourceType":"MedicationRequest","status":"active","authoredOn":"2001","medicationCodeableConcept":{"text":"A"},"dosageInstruction":{"text":"two"}}`)}, [][]string{{"1"}, {"2"}}},
		"undated, of two":            {[]Item{item(t, "1", surgery, `{"resourceType":"Condition","code":{"text":"Asthma"}}`), item(t, "2", hospital, `{"resourceType":"Condition","code":{"text":"Asthma"}}`)}, [][]string{{"1"}, {"2"}}},
		"newest first, undated last": {[]Item{item(t, "1", surgery, `{"resourceType":"Condition"}`), item(t, "2", surgery, `{"resourceType":"Condition","recordedDate":"2001"}`), item(t, "3", surgery, `{"resourceType":"Condition","onsetDateTime":"2002"}`)}, [][]string{{"3"}, {"2"}, {"1"}}},
	} {
		t.Run(name, func(t *testing.T) {
			view, _ := rendered(t, c.items[0].Section, Form{Level: Full}, c.items)
			var got [][]string
			for _, e := range view.Entries {
				got = append(got, append([]string{e.ID}, e.AlsoIDs...))
				if len(e.Sources) != 1+len(e.AlsoIDs) {
					t.Errorf("%s has %d sources for %d members", e.ID, len(e.Sources), 1+len(e.AlsoIDs))
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestMask is DOMAIN.md section 6: address, contacts and GP appear in no entry
// and no source name.
func TestMask(t *testing.T) {
	items := county(t)
	secrets := []string{"Harbour", "BH15", "01202", "Old Lane", "DT1 1AA", "Surgery", "J81900", "J81901", "Jackson", "Jane", "07700", "Poole", "Dr High", "Dr Low", "Nurse Mid"}
	for _, level := range []Level{Full, Summary} {
		for _, name := range section.All() {
			_, piece := rendered(t, name, Form{Level: level, Masked: true}, items)
			for _, secret := range secrets {
				if strings.Contains(strings.ToLower(string(piece.JSON)), strings.ToLower(secret)) {
					t.Errorf("%s %s tells %q: %s", name, level, secret, piece.JSON)
				}
			}
		}
	}
	view, piece := rendered(t, section.Demographics, Form{Level: Full, Masked: true}, items)
	for _, e := range view.Entries {
		if e.Display != "Smith, Ann" || e.Value != "born 1970-09-11" {
			t.Errorf("restricted demographics: %+v", e)
		}
	}
	if diff := cmp.Diff([]string{"J81900", "R0D"}, piece.Sources); diff != "" {
		t.Errorf("the manifest names the withheld ones too: %s", diff)
	}
	if len(view.Entries) != 1 {
		t.Errorf("%d entries that show the same", len(view.Entries))
	}
	// What tells nothing stays: a mask that withholds all would pass, too.
	open, _ := rendered(t, section.Allergies, Form{Level: Full, Masked: true}, items)
	if e := open.Entries[0]; e.Display != "Allergy to penicillin" || e.Sources[0].Name != "A GP practice" || e.Reactions[0] != "Anaphylaxis" {
		t.Errorf("masked allergy: %+v", e)
	}
	history, _ := rendered(t, section.History, Form{Level: Full, Masked: true}, items)
	at := slices.IndexFunc(history.Entries, func(e Entry) bool { return e.ID == "e3" })
	if e := history.Entries[at]; e.Display != withheldText {
		t.Errorf("a text that names the practice: %+v", e)
	}
}

func TestFormerPracticeSaysSo(t *testing.T) {
	view, _ := rendered(t, section.Medication, Form{Level: Full}, county(t))
	for _, e := range view.Entries {
		if e.Sources[0].FormerPractice != (e.ID == "m2") {
			t.Errorf("%s: former practice %v", e.ID, e.Sources[0].FormerPractice)
		}
	}
}

func TestFlat(t *testing.T) {
	items := county(t)
	e := Flat(items[8], Form{Level: Full}, items)
	if e.Section != section.History || e.ID != "c1" || len(e.AlsoIDs) != 0 || e.Author != "Dr High" {
		t.Errorf("flat: %+v", e)
	}
	masked := Flat(items[8], Form{Level: Full, Masked: true}, items)
	if masked.Author != "" || masked.Sources[0].ODSCode != "" {
		t.Errorf("flat and masked: %+v", masked)
	}
	data, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	if err := protojson.Unmarshal(data, &recordv1.Entry{}); err != nil {
		t.Errorf("not an Entry: %v", err)
	}
}

func TestNotIncluded(t *testing.T) {
	data, err := NotIncluded(section.Results, "Your role does not see results.")
	if err != nil {
		t.Fatal(err)
	}
	want := `{"section":"results","level":"none","state":"not_included","text":"Your role does not see results."}`
	if string(data) != want {
		t.Errorf("got %s", data)
	}
}
