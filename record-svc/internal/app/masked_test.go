package app

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	accessv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/access/v1"
	recordv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/record/v1"
)

// secrets are what an unbroken view of the restricted Alice must not say anywhere, in any spelling.
func secrets() []string {
	return []string{"1 Hidden Lane", "Hidden Lane", "DT6 3NQ", "DT63NQ", "01308 123456", "01308123456", "J81900", "Bridport Surgery", "Greta Friend"}
}

// hiding sends Alice as restricted, from her practice and the hospital, each repeating secrets in texts.
func (r *replica) hiding(t testing.TB, meta resource) {
	t.Helper()
	who := aliceAtHome().with(resource{
		"meta": meta, "address": []any{resource{"use": "home", "line": []string{"1 Hidden Lane"}, "city": "Bridport", "postalCode": "DT6 3NQ"}},
		"telecom": []any{resource{"system": "phone", "value": "01308 123456"}},
		"contact": []any{resource{"name": resource{"family": "Friend", "given": []string{"Greta"}}}},
		"generalPractitioner": []any{resource{"display": "Bridport Surgery", "identifier": resource{
			"system": "https://fhir.nhs.uk/Id/ods-organization-code", "value": "J81900"}}},
	})
	note := func(text string) resource { return resource{"note": []any{resource{"text": text}}} }
	r.accept(t, surgery(), transaction(puts(who, problem("c", "1", "Asthma", "2020-01-01").with(note("lives at 1 HIDDEN LANE")),
		about("RelatedPerson", "rp", resource{"subject": nil, "patient": resource{"reference": "Patient/p"}, "name": []any{resource{"family": "Friend", "given": []string{"Greta"}}}}))...))
	r.accept(t, hospital(), transaction(puts(aliceAtHome(), result("o", "2", "Potassium", "2026-01-01", 4.1).with(note("call 01308-123456, ask Bridport surgery")),
		about("DiagnosticReport", "d", resource{"code": snomed("3", "Letter to DT6 3NQ"), "status": "final", "effectiveDateTime": "2026-01-02"}),
		problem("ok", "4", "Migraine", "2021-01-01"))...))
}

// all texts that a person's views under a grant give: the record, the list, each entry that is shown.
func (r *replica) everything(t testing.TB, g *recordv1.Grant) string {
	t.Helper()
	resp, err := r.read.GetRecord(limit(t), &recordv1.GetRecordRequest{Grant: g})
	if err != nil {
		t.Fatal(err)
	}
	all := string(resp.GetBody())
	_, page := r.page(t, &recordv1.ListEntriesRequest{Grant: g})
	all += string(page.GetBody())
	for _, id := range shownIDs(strictly(t, resp.GetBody(), &recordv1.Record{})) {
		if entry, err := r.read.GetEntry(limit(t), &recordv1.GetEntryRequest{Grant: g, Id: id}); err == nil {
			all += string(entry.GetBody())
		}
	}
	return all
}

// TestRestricted searches everything that an unbroken view gives, whoever knows of the restriction.
func TestRestricted(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		meta resource
		as   func(*recordv1.Grant)
	}{
		"both know":            {restrictedMeta(), unbroken},
		"only the record does": {restrictedMeta(), func(*recordv1.Grant) {}},
		"only the gateway":     {resource{}, unbroken},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := startOne(t)
			r.hiding(t, c.meta)
			g := grantFor(alice, whole(), c.as)
			text := r.everything(t, g)
			for _, secret := range secrets() {
				if strings.Contains(strings.ToLower(text), strings.ToLower(secret)) {
					t.Errorf("%q is told: %s", secret, text)
				}
			}
			for _, still := range []string{"Carter, Alice", "1950-03-02", "Migraine", "Asthma", "A GP practice"} {
				if !strings.Contains(text, still) {
					t.Errorf("%q is not shown", still)
				}
			}
			if strings.Contains(text, `"fhir"`) {
				t.Error("a FHIR resource is shown")
			}
			view, manifest := r.record(t, g)
			if !slices.Contains(gapReasons(view.GetNotIncluded()), "restricted") {
				t.Error("the view does not say that it withholds something")
			}
			if !slices.Contains(manifest.GetSourceOdsCodes(), "J81900") {
				t.Error("the audit is not told the practice")
			}
			// Broken, everything is there.
			text = r.everything(t, grantFor(alice, whole(), broken))
			for _, secret := range []string{"1 Hidden Lane", "DT6 3NQ", "01308 123456", "J81900", "Greta"} {
				if !strings.Contains(text, secret) {
					t.Errorf("%q is not shown after breaking the restriction", secret)
				}
			}
		})
	}
}

// TestFiltersDoNotProbe asks the list of a restricted person for each practice: all answer alike.
func TestFiltersDoNotProbe(t *testing.T) {
	t.Parallel()
	r := startOne(t)
	r.hiding(t, restrictedMeta())
	list := func(change func(*recordv1.ListEntriesRequest), as func(*recordv1.Grant)) []string {
		t.Helper()
		req := &recordv1.ListEntriesRequest{Grant: grantFor(alice, whole(), as), Asked: []accessv1.Section{accessv1.Section_SECTION_HISTORY, accessv1.Section_SECTION_RESULTS}}
		change(req)
		page, _ := r.page(t, req)
		names := []string{}
		for _, e := range page.GetEntries() {
			names = append(names, e.GetDisplay())
		}
		return names
	}
	for _, practice := range []string{"J81900", "J81901", "J00000"} {
		if got := list(func(q *recordv1.ListEntriesRequest) { q.SourceOdsCode = practice }, unbroken); len(got) != 0 {
			t.Errorf("asking for %s tells %v", practice, got)
		}
	}
	if got := list(func(q *recordv1.ListEntriesRequest) { q.SourceOdsCode = "J81900" }, broken); !cmp.Equal(got, []string{"Asthma"}) {
		t.Errorf("broken: %v", got)
	}
	if got := list(func(q *recordv1.ListEntriesRequest) { q.SourceOdsCode = "R0D"; q.Code = "4" }, unbroken); !cmp.Equal(got, []string{"Migraine"}) {
		t.Errorf("a hospital, by code: %v", got)
	}
}
