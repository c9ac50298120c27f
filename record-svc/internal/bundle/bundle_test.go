package bundle

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestPutForm(t *testing.T) {
	body := transaction(
		send("PUT", "Patient/p", "urn:uuid:p", patient("p", numberA)),
		send("PUT", "Condition/c", "urn:uuid:c", `{ "resourceType":"Condition","id":"c",  "subject":{"reference":"Patient/p"},"recorder":{"reference":"Practitioner/x"}}`),
		send("DELETE", "Procedure/d", "", ""),
	)
	s := settle(t, body, nil)
	if s.NHSNumber != numberA || s.Patient == nil || s.Patient.Index != 0 {
		t.Errorf("person %q, patient %+v", s.NHSNumber, s.Patient)
	}
	var got []string
	for _, c := range s.Changes {
		got = append(got, string(c.Verb)+" "+c.Key.String())
	}
	if diff := cmp.Diff([]string{"PUT Patient/p", "PUT Condition/c", "DELETE Procedure/d"}, got); diff != "" {
		t.Error(diff)
	}
	if raw := string(s.Changes[1].Raw); !strings.HasPrefix(raw, `{ "resourceType":"Condition","id":"c",  "subject"`) {
		t.Errorf("not kept byte for byte: %s", raw)
	}
	want := []Unmatched{{Index: 1, Expression: "Bundle.entry[1].resource.recorder.reference", Reference: "Practitioner/x"}}
	if diff := cmp.Diff(want, s.Unmatched); diff != "" {
		t.Error(diff)
	}
}

func TestPostForm(t *testing.T) {
	body := transaction(
		send("POST", "Patient", "urn:uuid:p", patient("", numberA)),
		send("POST", "Condition", "urn:uuid:c", condition("", ref("urn:uuid:p"))),
		send("POST", "Encounter", "urn:uuid:e", `{"resourceType":"Encounter","subject":{"reference":"urn:uuid:p"},"diagnosis":[{"condition":{"reference":"urn:uuid:c"}}]}`),
	)
	s := settle(t, body, nil)
	var got []string
	for _, c := range s.Changes {
		got = append(got, c.Key.String())
	}
	want := []string{"Patient/https://fhir.nhs.uk/Id/nhs-number|" + numberA, "Condition/urn:uuid:c", "Encounter/urn:uuid:e"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(s.Unmatched) != 0 {
		t.Errorf("unmatched %v", s.Unmatched)
	}
}

func TestPostIsKnownBy(t *testing.T) {
	post := func(request, fullURL, resource string) string {
		return `{"fullUrl":"` + fullURL + `","request":{"method":"POST","url":"Condition"` + request + `},"resource":` + resource + `}`
	}
	with := func(identifiers string) string {
		return `{"resourceType":"Condition","id":"i","subject":` + byNHSNumber(numberA) + `,"identifier":` + identifiers + `}`
	}
	ab := `[{"system":"a","value":"b"}]`
	cases := map[string]struct{ entry, id string }{
		"ifNoneExist first":        {post(`,"ifNoneExist":"identifier=x|y"`, "urn:uuid:1", with(ab)), "x|y"},
		"ifNoneExist encoded":      {post(`,"ifNoneExist":"?identifier=x%7Cy"`, "urn:uuid:1", with(ab)), "x|y"},
		"ifNoneExist of two":       {post(`,"ifNoneExist":"identifier=x|y&code=1"`, "urn:uuid:1", with(ab)), "?identifier=x|y&code=1"},
		"ifNoneExist of else":      {post(`,"ifNoneExist":"code=1"`, "urn:uuid:1", with(ab)), "?code=1"},
		"identifier before URL":    {post("", "urn:uuid:1", with(ab)), "a|b"},
		"official identifier":      {post("", "urn:uuid:1", with(`[{"system":"a","value":"b"},{"use":"official","system":"c","value":"d"}]`)), "c|d"},
		"old identifier":           {post("", "urn:uuid:1", with(`[{"use":"old","system":"a","value":"b"},{"system":"c","value":"d"}]`)), "c|d"},
		"identifier of no system":  {post("", "urn:uuid:1", with(`[{"value":"b"}]`)), "urn:uuid:1"},
		"long identifier":          {post("", "urn:uuid:1", with(`[{"system":"a","value":"`+strings.Repeat("b", 300)+`"}]`)), "long:24cf6c58d6a28e5bfe408ef563ff57afa9bfdc9bfaade8af3f7e07c6eee214aa"},
		"lone identifier":          {post("", "urn:uuid:1", with(`{"system":"a","value":"b"}`)), "a|b"},
		"fullUrl":                  {post("", "urn:uuid:1", with(`[]`)), "urn:uuid:1"},
		"nothing, then by content": {post("", "", `{"resourceType":"Condition","subject":`+byNHSNumber(numberA)+`}`), "sha256:0966b919a8774fc3b90388f6689f6ee7a4a346476c537c762c99cc13d4d2297b"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := decode(t, transaction(c.entry)).Changes[0].Key.ID; got != c.id {
				t.Errorf("known by %q, want %q", got, c.id)
			}
		})
	}
}

func TestOrder(t *testing.T) {
	at := func(text string) time.Time {
		instant, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return instant
	}
	entries := put(patient("p", numberA)) + "," +
		put(`{"resourceType":"Condition","id":"c","subject":{"reference":"Patient/p"},"meta":{"lastUpdated":"2024-05-01T10:00:00+01:00"}}`) + "," +
		send("DELETE", "Procedure/d", "", "")
	for name, c := range map[string]struct {
		head string
		want []time.Time
	}{
		"no order given":   {`"type":"transaction"`, []time.Time{{}, at("2024-05-01T09:00:00Z"), {}}},
		"bundle timestamp": {`"type":"transaction","timestamp":"2025-01-01T00:00:00Z"`, []time.Time{at("2025-01-01T00:00:00Z"), at("2024-05-01T09:00:00Z"), at("2025-01-01T00:00:00Z")}},
	} {
		t.Run(name, func(t *testing.T) {
			b := decode(t, `{"resourceType":"Bundle",`+c.head+`,"entry":[`+entries+`]}`)
			for i, change := range b.Changes {
				if !change.Order.Equal(c.want[i]) {
					t.Errorf("entry %d ordered at %v, want %v", i, change.Order, c.want[i])
				}
			}
		})
	}
}

func TestSubjectsThatResolve(t *testing.T) {
	stored := map[Key]Stored{{Type: "Patient", ID: "p"}: {NHSNumber: numberA}, {Type: "Condition", ID: "old"}: {NHSNumber: numberA}}
	a := put(patient("p", numberA))
	for name, body := range map[string]string{
		"by Type/id":                     transaction(a, put(condition("c", ref("Patient/p")))),
		"by Type/id with a version":      transaction(a, put(condition("c", ref("Patient/p/_history/3")))),
		"by fullUrl":                     transaction(send("PUT", "Patient/p", "https://trust/fhir/Patient/p", patient("p", numberA)), put(condition("c", ref("https://trust/fhir/Patient/p")))),
		"by number":                      transaction(a, put(condition("c", byNHSNumber(numberA)))),
		"by number with spaces":          transaction(a, put(condition("c", byNHSNumber("999 000 2673")))),
		"by number, no patient":          transaction(put(condition("c", byNHSNumber(numberA)))),
		"by conditional reference":       transaction(put(condition("c", ref("Patient?identifier=https://fhir.nhs.uk/Id/nhs-number|"+numberA)))),
		"by address in PDS":              transaction(put(condition("c", ref("https://api.service.nhs.uk/personal-demographics/FHIR/R4/Patient/"+numberA)))),
		"by a stored patient":            transaction(put(condition("c", ref("Patient/p")))),
		"lost reference with number":     transaction(put(condition("c", `{"reference":"Patient/lost","identifier":{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"`+numberA+`"}}`))),
		"foreign reference with number":  transaction(put(condition("c", `{"reference":"https://x/y","identifier":{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"`+numberA+`"}}`))),
		"by what is deleted":             transaction(send("DELETE", "Condition/old", "", "")),
		"patient after its subjects":     transaction(put(condition("c", ref("Patient/p"))), a),
		"an old number beside":           transaction(put(`{"resourceType":"Patient","id":"p","identifier":[{"use":"old","system":"https://fhir.nhs.uk/Id/nhs-number","value":"` + numberB + `"},{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"` + numberA + `"}]}`)),
		"supporting ones need no person": transaction(a, put(`{"resourceType":"Practitioner","id":"x"}`)),
		"cycle": transaction(a,
			put(`{"resourceType":"Condition","id":"c","subject":{"reference":"Patient/p"},"evidence":[{"detail":[{"reference":"Observation/o"}]}]}`),
			put(`{"resourceType":"Observation","id":"o","subject":{"reference":"Patient/p"},"focus":[{"reference":"Condition/c"}]}`)),
	} {
		t.Run(name, func(t *testing.T) {
			s := settle(t, body, stored)
			if s.NHSNumber != numberA {
				t.Errorf("person %q", s.NHSNumber)
			}
		})
	}
}

func TestOwners(t *testing.T) {
	a := put(patient("p", numberA))
	known := map[Key]Stored{
		{Type: "Practitioner", ID: "x"}: {NHSNumber: numberB},
		{Type: "Condition", ID: "c"}:    {NHSNumber: numberB, Deleted: true},
	}
	// A practitioner belongs to nobody, and what another's tombstone hides may begin anew.
	settle(t, transaction(a, put(`{"resourceType":"Practitioner","id":"x"}`), put(condition("c", ref("Patient/p")))), known)
	// But another's tombstone is not this person's to delete again.
	_, err := decode(t, transaction(a, send("DELETE", "Condition/c", "", ""))).Settle(known)
	wantRefusal(t, err, ReasonResourceOfAnother, "Bundle.entry[1]")
}

func TestWanted(t *testing.T) {
	b := decode(t, transaction(
		put(patient("p", numberA)),
		put(`{"resourceType":"Condition","id":"c","subject":{"reference":"Patient/p"},"encounter":{"reference":"Encounter/e/_history/1"},
			"recorder":{"reference":"Practitioner/x"},"asserter":{"reference":"Practitioner/x"},"evidence":[{"detail":[{"reference":"#in"},{"reference":"https://x/Condition/1"}]}]}`),
	))
	want := []Key{{"Patient", "p"}, {"Condition", "c"}, {"Encounter", "e"}, {"Practitioner", "x"}}
	if diff := cmp.Diff(want, b.Wanted()); diff != "" {
		t.Error(diff)
	}
	s, err := b.Settle(map[Key]Stored{{"Practitioner", "x"}: {NHSNumber: numberB}})
	if err != nil {
		t.Fatal(err)
	}
	var unmatched []string
	for _, u := range s.Unmatched {
		unmatched = append(unmatched, u.Reference)
	}
	if diff := cmp.Diff([]string{"Encounter/e/_history/1", "https://x/Condition/1"}, unmatched); diff != "" {
		t.Error(diff)
	}
}

func TestIgnoreUnsupported(t *testing.T) {
	options := Options{Limits: Standard(), IgnoreUnsupported: true}
	body := transaction(
		send("PUT", "Claim/x", "urn:uuid:claim", `{"resourceType":"Claim","id":"x","patient":{"reference":"urn:uuid:lost"}}`),
		put(patient("p", numberA)),
		put(`{"resourceType":"Condition","id":"c","subject":{"reference":"Patient/p"},"evidence":[{"detail":[{"reference":"urn:uuid:claim"}]}]}`),
	)
	b, err := Decode([]byte(body), options)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Ignored{{Index: 0, Type: "Claim"}}, b.Ignored); diff != "" || len(b.Changes) != 2 || b.Entries != 3 {
		t.Errorf("%s %d changes", diff, len(b.Changes))
	}
	if _, err := b.Settle(nil); err != nil {
		t.Errorf("a reference to what is ignored: %v", err)
	}
	_, err = Decode([]byte(transaction(put(`{"resourceType":"Claim","id":"x"}`))), options)
	wantRefusal(t, err, ReasonNothingToKeep, "Bundle.entry")
	_, err = Decode([]byte(transaction(put(patient("p", numberA)), send("PUT", "Clame/x", "", `{"resourceType":"Clame","id":"x"}`))), options)
	wantRefusal(t, err, ReasonURL, "Bundle.entry[1].request.url")
}

func TestFind(t *testing.T) {
	b := decode(t, transaction(send("PUT", "Patient/p", "urn:uuid:p", patient("p", numberA)), send("DELETE", "Condition/c", "", "")))
	for reference, found := range map[string]bool{"Patient/p": true, "urn:uuid:p": true, "Patient/p/_history/1": true, "Condition/c": false, "Patient/q": false, "": false, "#p": false} {
		if (b.Find(reference) != nil) != found {
			t.Errorf("Find(%q): %v", reference, !found)
		}
	}
}

func TestContentIgnoresWhiteSpace(t *testing.T) {
	one := decode(t, transaction(put(patient("p", numberA)))).Changes[0]
	two := decode(t, transaction(put(strings.ReplaceAll(patient("p", numberA), ",", " ,\n")))).Changes[0]
	if one.Content != two.Content || one.SHA256 == two.SHA256 {
		t.Error("content and exact digest are mixed up")
	}
}
