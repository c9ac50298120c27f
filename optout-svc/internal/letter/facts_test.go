package letter

import (
	"testing"
	"time"
)

var (
	asked   = time.Date(2026, 6, 30, 23, 30, 0, 0, time.UTC) // the 1st of July in Dorset
	chosen  = time.Date(2026, 7, 3, 9, 34, 10, 0, time.UTC)
	sealed  = time.Date(2026, 7, 3, 9, 35, 2, 0, time.UTC)
	printed = time.Date(2026, 7, 3, 9, 36, 0, 0, time.UTC)
)

func load(t testing.TB) *Templates {
	t.Helper()
	templates, err := Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	return templates
}

func officer(t testing.TB) Sender {
	t.Helper()
	zone, err := time.LoadLocation("Europe/London")
	if err != nil {
		t.Fatal(err)
	}
	return Sender{
		Name: "Privacy Officer, Dorset Care Record", Address: []string{"County Hall", "Colliton Park", "Dorchester", "DT1 1XJ"},
		Phone: "01305 000000", Email: "privacy@example.org", Zone: zone,
	}
}

// person asks about their own record.
func person(kind Kind, format Format, choice Choice) Facts {
	return Facts{
		Kind: kind, Format: format, Choice: choice, Verified: true, Person: "Łucja Example-Nguyễn",
		Reference: "K7Q2-M4WX-9", AskedAt: asked, Channel: Leaflet, DueAt: asked.AddDate(0, 0, 14),
		Effects: []Effect{{SystemChoices, chosen}, {SystemRecord, sealed}},
		Wanted:  []string{"proof_of_name_and_address", "scanned_form"}, Reason: "evidence_missing",
		CodeUntil: asked.AddDate(0, 0, 14),
	}
}

// forAnother is a request that Requester made for Person.
func forAnother(kind Kind, format Format, choice Choice, toRequester bool) Facts {
	f := person(kind, format, choice)
	f.Requester, f.ToRequester = "Bertha Sample", toRequester
	return f
}

// unproved is a request of somebody who typed four facts.
func unproved(kind Kind, format Format, choice Choice) Facts {
	f := person(kind, format, choice)
	f.Verified = false
	return f
}

// everyCase is each kind in each format, of each kind of asker.
func everyCase() map[string]Facts {
	all := map[string]Facts{}
	for _, kind := range Kinds() {
		for _, format := range Formats() {
			for _, choice := range []Choice{Out, In} {
				name := string(kind) + " " + string(format) + " " + string(choice)
				all[name+" self"] = person(kind, format, choice)
				all[name+" to the requester"] = forAnother(kind, format, choice, true)
				all[name+" about a request of another"] = forAnother(kind, format, choice, false)
				all[name+" unproved"] = unproved(kind, format, choice)
			}
		}
	}
	return all
}

func compose(t testing.TB, f Facts) Content {
	t.Helper()
	c, err := load(t).Compose(f, officer(t))
	if err != nil {
		t.Fatal(err)
	}
	return c
}
