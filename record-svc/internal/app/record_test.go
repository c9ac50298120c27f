package app

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	accessv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/access/v1"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
	recordv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/record/v1"
)

// paramedic is what a paramedic may see (DOMAIN section 4).
func paramedic() levels {
	return levels{
		accessv1.Section_SECTION_DEMOGRAPHICS: full, accessv1.Section_SECTION_ALLERGIES: full, accessv1.Section_SECTION_MEDICATION: full,
		accessv1.Section_SECTION_HISTORY: summary, accessv1.Section_SECTION_CARE_PLANS: full, accessv1.Section_SECTION_RESULTS: summary,
		accessv1.Section_SECTION_SOCIAL_CARE: summary, accessv1.Section_SECTION_SAFEGUARDING: summary,
	}
}

// combined sends Alice from three organisations. The surgery and the hospital share one problem.
func (r *replica) combined(t testing.TB) {
	t.Helper()
	shared := problem("shared", "195967001", "Asthma", "2020-01-01")
	r.accept(t, surgery(), transaction(puts(
		aliceAtHome(), shared, allergy("a", "91936005", "Allergy to penicillin", "2001-01-01"), medicine("m1", "1", "Salbutamol", "active", "2026-01-01"),
		medicine("m2", "2", "Amoxicillin", "completed", "2019-01-01"),
		problem("old", "3", "Fracture", "1990-01-01").with(resource{"clinicalStatus": clinical("resolved")}),
	)...))
	var visits []resource
	for _, year := range []string{"2021", "2022", "2023", "2024"} {
		visits = append(visits, about("Encounter", "v"+year, resource{"class": resource{"code": "AMB"}, "status": "finished",
			"period": resource{"start": year + "-05-01", "end": year + "-05-01"}, "type": []any{snomed("5"+year, "Visit "+year)}}))
	}
	r.accept(t, hospital(), transaction(append(puts(visits...), puts(aliceAtHome(), shared.with(resource{"id": "h-shared"}), result("o", "6", "Potassium", "2026-02-01", 4.2))...)...))
	r.accept(t, council(), transaction(puts(aliceAtHome(), about("CarePlan", "c", resource{"status": "active", "intent": "plan", "title": "Help at home", "period": resource{"start": "2026-03-01"}}),
		about("Flag", "f", resource{"status": "active", "code": resource{"text": "Safeguarding adult"}, "period": resource{"start": "2026-03-02"}}))...))
}

// TestCombinedRecord reads what several organisations sent, in full.
func TestCombinedRecord(t *testing.T) {
	t.Parallel()
	r := startOne(t)
	r.combined(t)
	view, manifest := r.record(t, grantFor(alice, whole()))
	if view.GetNhsNumber() != alice || view.GetAssembledAt() == "" {
		t.Errorf("whose: %s at %s", view.GetNhsNumber(), view.GetAssembledAt())
	}
	var order, states []string
	for _, s := range view.GetSections() {
		order, states = append(order, s.GetSection()), append(states, s.GetState())
	}
	want := []string{"demographics", "allergies", "medication", "history", "care_plans", "results", "social_care", "safeguarding"}
	if diff := cmp.Diff(want, order); diff != "" {
		t.Error(diff)
	}
	if states[4] != "nothing_received" || slices.Contains(states, "not_included") {
		t.Errorf("states %v", states)
	}
	if diff := cmp.Diff([]string{"Visit 2024", "Visit 2023", "Visit 2022", "Visit 2021", "Asthma", "Fracture"}, displays(t, view, "history")); diff != "" {
		t.Errorf("history, newest first: %s", diff)
	}
	asthma := section(t, view, "history").GetEntries()[4]
	if len(asthma.GetSources()) != 2 || len(asthma.GetAlsoIds()) != 1 {
		t.Errorf("an entry of two organisations: %v", asthma)
	}
	if got := source(view, "J81900"); got.GetEntries() != 6 || got.GetLatestEntryAt() == "" || got.GetName() != "Bridport Surgery" {
		t.Errorf("the surgery: %v", got)
	}
	if manifest.GetEntries() != 13 || !slices.Equal(manifest.GetSourceOdsCodes(), []string{"E06000059", "J81900", "R0D"}) || len(manifest.GetSections()) != 8 {
		t.Errorf("manifest %v", manifest)
	}
}

// TestLevels reads the same as a paramedic, and as one who may see next to nothing.
func TestLevels(t *testing.T) {
	t.Parallel()
	r := startOne(t)
	r.combined(t)
	view, manifest := r.record(t, grantFor(alice, paramedic()))
	if diff := cmp.Diff([]string{"Visit 2024", "Visit 2023", "Visit 2022", "Asthma"}, displays(t, view, "history")); diff != "" {
		t.Error(diff)
	}
	results := section(t, view, "results").GetEntries()
	if len(results) != 1 || results[0].GetValue() != "" || results[0].GetDisplay() != "Potassium" {
		t.Errorf("results in summary: %v", results)
	}
	if got := section(t, view, "safeguarding").GetEntries(); len(got) != 1 || got[0].GetDisplay() != "Safeguarding flag" || got[0].GetContact() != "Dorset Council" {
		t.Errorf("safeguarding in summary: %v", got)
	}
	for _, s := range manifest.GetSections() {
		if s.GetLevel() != paramedic()[s.GetSection()] {
			t.Errorf("manifest has %v", s)
		}
	}

	// A view of allergies alone shows dates of the surgery alone, and says what else it does not show.
	only := levels{accessv1.Section_SECTION_ALLERGIES: full}
	view, manifest = r.record(t, grantFor(alice, only))
	if got := source(view, "R0D"); got.GetLatestEntryAt() != "" || got.GetEntries() != 0 || got.GetFeedReceivedAt() == "" {
		t.Errorf("the hospital, of which nothing is shown: %v", got)
	}
	if !slices.Equal(manifest.GetSourceOdsCodes(), []string{"J81900"}) || manifest.GetEntries() != 1 {
		t.Errorf("manifest %v", manifest)
	}
	if got := section(t, view, "history"); got.GetState() != "not_included" || got.GetText() == "" || len(got.GetEntries()) != 0 {
		t.Errorf("a section of another role: %v", got)
	}

	// The same words on the record of somebody of whom almost nothing is known.
	r.accept(t, hospital(), transaction(put(bobAtHome().with(resource{"id": "q"}))))
	other, _ := r.record(t, grantFor(bob, only))
	words := func(v *recordv1.Record) string {
		var b strings.Builder
		for _, n := range v.GetNotIncluded() {
			b.WriteString(n.GetWhat() + n.GetReason() + n.GetText() + "\n")
		}
		return b.String() + section(t, v, "history").GetText()
	}
	if diff := cmp.Diff(words(view), words(other)); diff != "" {
		t.Errorf("what is left out tells two people apart: %s", diff)
	}
}

// TestAskedSections narrows the view and never widens it.
func TestAskedSections(t *testing.T) {
	t.Parallel()
	r := startOne(t)
	r.combined(t)
	g := grantFor(alice, levels{accessv1.Section_SECTION_ALLERGIES: full, accessv1.Section_SECTION_MEDICATION: full})
	view, manifest := r.record(t, g, accessv1.Section_SECTION_HISTORY, accessv1.Section_SECTION_ALLERGIES)
	if len(view.GetSections()) != 2 || view.GetSections()[0].GetSection() != "allergies" || view.GetSections()[1].GetState() != "not_included" {
		t.Errorf("sections %v", view.GetSections())
	}
	if manifest.GetEntries() != 1 {
		t.Errorf("manifest %v", manifest)
	}
	_, err := r.read.GetRecord(limit(t), &recordv1.GetRecordRequest{Grant: g, Asked: []accessv1.Section{77}})
	wantReason(t, err, "INVALID_SECTION")
}

// TestGrantsThatNoDecisionGives are refused.
func TestGrantsThatNoDecisionGives(t *testing.T) {
	t.Parallel()
	r := startOne(t)
	r.combined(t)
	for name, c := range map[string]struct {
		change func(*recordv1.Grant)
		reason string
	}{
		"no section":         {func(g *recordv1.Grant) { g.Sections = nil }, "INVALID_ARGUMENT"},
		"unknown section":    {func(g *recordv1.Grant) { g.Sections[0].Section = 99 }, "INVALID_ARGUMENT"},
		"level none":         {func(g *recordv1.Grant) { g.Sections[0].Level = accessv1.Level_LEVEL_NONE }, "INVALID_ARGUMENT"},
		"section twice":      {func(g *recordv1.Grant) { g.Sections[1].Section = g.Sections[0].Section }, "INVALID_ARGUMENT"},
		"unknown level":      {func(g *recordv1.Grant) { g.Sections[0].Level = 9 }, "INVALID_ARGUMENT"},
		"restriction":        {func(g *recordv1.Grant) { g.Restriction = 0 }, "INVALID_ARGUMENT"},
		"no purpose":         {func(g *recordv1.Grant) { g.Purpose = "" }, "INVALID_ARGUMENT"},
		"no number":          {func(g *recordv1.Grant) { g.NhsNumber = "9999999999" }, "INVALID_NHS_NUMBER"},
		"nobody known":       {func(g *recordv1.Grant) { g.NhsNumber = bob }, "PATIENT_NOT_FOUND"},
		"choice that is not": {func(g *recordv1.Grant) { g.ChoiceNumber = -1 }, "CHOICE_MISMATCH"},
	} {
		for how, call := range r.calls("") {
			_, err := call(limit(t), grantFor(alice, whole(), c.change))
			if err == nil {
				t.Errorf("%s: %s is answered", name, how)
				continue
			}
			wantReason(t, err, c.reason)
		}
	}
	// A person whose bundle was refused is as unknown as one of whom nobody sent anything.
	r.refuse(t, hospital(), transaction(put(bobAtHome()), put(about("Claim", "x", nil))), 422, "UNSUPPORTED_RESOURCE_TYPE", "Bundle.entry[1]")
	_, err := r.read.GetRecord(limit(t), &recordv1.GetRecordRequest{Grant: grantFor(bob, whole())})
	wantReason(t, err, "PATIENT_NOT_FOUND")
}

// TestFormerPractice moves Alice to another practice, then out of the county.
func TestFormerPractice(t *testing.T) {
	t.Parallel()
	r := startOne(t)
	registered := func(ods string) resource {
		return aliceAtHome().with(resource{"generalPractitioner": []any{resource{"identifier": resource{"system": "https://fhir.nhs.uk/Id/ods-organization-code", "value": ods}}}})
	}
	newer := &identityv1.Organisation{OdsCode: "J81901", Name: "Lyme Surgery", Kind: surgery().GetKind()}
	r.accept(t, surgery(), transactionAt("2026-01-01T00:00:00Z", put(registered("J81900")), put(problem("c", "1", "Asthma", "2020-01-01"))))
	former := func() bool {
		t.Helper()
		view, _ := r.record(t, grantFor(alice, whole()))
		return section(t, view, "history").GetEntries()[0].GetSources()[0].GetFormerPractice()
	}
	if former() {
		t.Error("the practice of registration is called a former one")
	}
	r.accept(t, newer, transactionAt("2026-02-01T00:00:00Z", put(registered("J81901"))))
	if !former() {
		t.Error("an entry of the former practice does not say so")
	}
	view, _ := r.record(t, grantFor(alice, whole(), func(g *recordv1.Grant) { g.GpOutsideCounty = true }))
	if diff := cmp.Diff([]string{"never_shared", "gp_outside_county"}, gapReasons(view.GetNotIncluded())); diff != "" {
		t.Error(diff)
	}
}
