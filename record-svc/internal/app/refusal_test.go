package app

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
	recordv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/record/v1"
)

// TestRefusalIsKeptAndShown follows one refusal to everybody who must see it.
func TestRefusalIsKeptAndShown(t *testing.T) {
	t.Parallel()
	r := startOne(t)
	g := grantFor(alice, whole())
	good := transaction(put(aliceAtHome()), put(problem("c", "1", "Asthma", "2020-01-01")))
	r.accept(t, surgery(), good)
	bad := transaction(put(aliceAtHome()), put(problem("d", "2", "Gout", "2020-01-01")), put(about("Claim", "x", resource{"patient": resource{"reference": "Patient/p"}})))
	r.refuse(t, hospital(), bad, 422, "UNSUPPORTED_RESOURCE_TYPE", "Bundle.entry[2]")

	view, _ := r.record(t, g)
	of := source(view, "R0D")
	if of.GetRefusedReason() != "UNSUPPORTED_RESOURCE_TYPE" || of.GetRefusedAt() == "" || of.GetFeedReceivedAt() != "" {
		t.Errorf("source of the refused feed: %v", of)
	}
	if source(view, "J81900").GetRefusedAt() != "" {
		t.Error("another's feed shows as refused")
	}
	if diff := cmp.Diff([]string{"never_shared", "refused_feed"}, gapReasons(view.GetNotIncluded())); diff != "" {
		t.Error(diff)
	}
	list := func(ods string) []*recordv1.FeedRefusal {
		t.Helper()
		resp, err := r.refused.ListRefusals(limit(t), &recordv1.ListRefusalsRequest{SourceOdsCode: ods})
		if err != nil {
			t.Fatal(err)
		}
		return resp.GetRefusals()
	}
	got := list("R0D")
	if len(got) != 1 || got[0].GetReason() != "UNSUPPORTED_RESOURCE_TYPE" || got[0].GetExpression() != "Bundle.entry[2]" || len(got[0].GetBundleSha256()) != 64 {
		t.Errorf("refusals of the hospital: %v", got)
	}
	if strings.Contains(got[0].String(), alice) {
		t.Error("a refusal names a person")
	}
	if len(list("J81900")) != 0 || len(list("")) != 1 {
		t.Error("refusals are listed by their sender, or all")
	}

	r.accept(t, hospital(), transaction(put(aliceAtHome())))
	view, _ = r.record(t, g)
	if source(view, "R0D").GetRefusedAt() != "" || len(gapReasons(view.GetNotIncluded())) != 1 {
		t.Error("a refusal shows although a bundle was accepted since")
	}
	if len(list("R0D")) != 1 {
		t.Error("a refusal is forgotten")
	}
	// Once more: it is the last bundle that counts, accepted or refused.
	r.refuse(t, hospital(), bad, 422, "UNSUPPORTED_RESOURCE_TYPE", "Bundle.entry[2]")
	if view, _ = r.record(t, g); source(view, "R0D").GetRefusedAt() == "" {
		t.Error("a second refusal does not show")
	}
	r.accept(t, hospital(), transaction(put(aliceAtHome())))
	if view, _ = r.record(t, g); source(view, "R0D").GetRefusedAt() != "" {
		t.Error("a second refusal shows although a bundle was accepted since")
	}
}

// TestRefusalsArePaged goes through refusals two by two.
func TestRefusalsArePaged(t *testing.T) {
	t.Parallel()
	r := startOne(t)
	for range 5 {
		r.refuse(t, hospital(), "{", 400, "JSON_TRUNCATED", "")
	}
	seen, after := map[string]bool{}, ""
	for pages := 0; ; pages++ {
		resp, err := r.refused.ListRefusals(limit(t), &recordv1.ListRefusalsRequest{PageSize: 2, AfterId: after})
		if err != nil || pages > 3 {
			t.Fatalf("page %d: %v", pages, err)
		}
		for _, one := range resp.GetRefusals() {
			seen[one.GetId()] = true
		}
		if after = resp.GetNextAfterId(); after == "" {
			break
		}
	}
	if len(seen) != 5 {
		t.Errorf("%d of 5 refusals seen", len(seen))
	}
	_, err := r.refused.ListRefusals(limit(t), &recordv1.ListRefusalsRequest{AfterId: "x"})
	wantReason(t, err, "INVALID_PAGE_TOKEN")
}

// TestWhoThePatientIs sends demographics that fit and that do not.
func TestWhoThePatientIs(t *testing.T) {
	t.Parallel()
	r := startOne(t)
	r.accept(t, surgery(), transaction(put(aliceAtHome())))
	r.accept(t, surgery(), transaction(put(patientOf(bob, "Carter", "Beatrice", "1950-03-02").with(resource{"id": "twin"}))))
	send := func(family, given, born string) string {
		return transaction(put(patientOf(alice, family, given, born)))
	}
	const there = "Bundle.entry[0].resource"
	r.refuse(t, hospital(), send("Carter", "Alice", "1950-03-03"), 422, "BIRTH_DATE_DIFFERS", there)
	r.refuse(t, hospital(), send("Mason", "Zoe", "1950-03-02"), 422, "NAME_DIFFERS", there)
	r.refuse(t, hospital(), send("Carter", "Beatrice", "1950-03-02"), 422, "FITS_ANOTHER_PERSON", there)
	view, _ := r.record(t, grantFor(alice, whole()))
	if got := source(view, "R0D").GetRefusedReason(); got != "FITS_ANOTHER_PERSON" {
		t.Errorf("staff who open the person see %q", got)
	}
	r.accept(t, hospital(), send("CARTÉR", "alice", "1950-03-02"))
	r.accept(t, council(), send("Taylor", "Alice", "1950-03-02")) // people marry
	r.accept(t, council(), send("Taylor", "Ally", "1950-03"))
	for number, reason := range map[string]string{"1234567890": "INVALID_NHS_NUMBER", "9999999999": "INVALID_NHS_NUMBER"} {
		r.refuse(t, hospital(), transaction(put(patientOf(number, "A", "B", "1990-01-01"))), 422, reason, there+".identifier[0].value")
	}
	if got := r.count(t, "SELECT count(*) FROM refusal WHERE nhs_number NOT IN ($1, '')", alice); got != 0 {
		t.Errorf("%d refusals under numbers that are none", got)
	}
}

// TestTypesThatAreNotKept refuses them by name, or ignores them by the partner's switch and says so.
func TestTypesThatAreNotKept(t *testing.T) {
	t.Parallel()
	r := startOne(t)
	body := transaction(put(about("Claim", "x", nil)), put(aliceAtHome()), put(problem("c", "1", "Asthma", "2020-01-01").with(
		resource{"recorder": resource{"reference": "Practitioner/unknown"}})))
	r.refuse(t, hospital(), body, 422, "UNSUPPORTED_RESOURCE_TYPE", "Bundle.entry[0]")
	lenient := &identityv1.Organisation{OdsCode: "R0D", Name: "University Hospitals Dorset", Kind: hospital().GetKind(), IgnoreUnsupported: true}
	a := r.accept(t, lenient, body)
	if got := a.Entry[0].Response.Outcome.reasons(); !cmp.Equal(got, []string{"IGNORED_RESOURCE_TYPE"}) {
		t.Errorf("ignored entry says %v", got)
	}
	if a.Entry[1].Response.Outcome != nil || a.Entry[1].Response.Status != "201 Created" {
		t.Errorf("kept entry: %+v", a.Entry[1].Response)
	}
	unmatched := a.Entry[2].Response.Outcome
	if !cmp.Equal(unmatched.reasons(), []string{"UNMATCHED_REFERENCE"}) || unmatched.Issue[0].Expression[0] != "Bundle.entry[2].resource.recorder.reference" {
		t.Errorf("unmatched reference: %+v", unmatched)
	}
	if got := r.count(t, "SELECT count(*) FROM entry"); got != 2 {
		t.Errorf("%d entries kept, want 2", got)
	}
	r.refuse(t, hospital(), transaction(put(aliceAtHome()), put(problem("d", "1", "Gout", "2020-01-01").with(
		resource{"recorder": resource{"reference": "urn:uuid:nowhere"}}))), 400, "UNRESOLVED_REFERENCE", "Bundle.entry[1].resource.recorder.reference")
}

// TestNeverSharedIsNotKept looks for a word of the resource in the whole database.
func TestNeverSharedIsNotKept(t *testing.T) {
	t.Parallel()
	r := startOne(t)
	hidden := problem("c", "63487001", "Unspeakable treatment", "2020-01-01")
	episode := about("Encounter", "e", resource{
		"class": resource{"code": "IMP"}, "status": "in-progress", "period": resource{"start": "2026-01-01"}, "type": []any{snomed("63487001", "Unspeakable")},
	})
	r.accept(t, hospital(), transaction(put(aliceAtHome()), put(hidden), put(episode)))
	const query = `SELECT (SELECT count(*) FROM version WHERE raw ILIKE $1) + (SELECT count(*) FROM entry WHERE content ILIKE $1 OR full_body ILIKE $1)
		+ (SELECT count(*) FROM piece WHERE body ILIKE $1)`
	if got := r.count(t, query, "%unspeakable%"); got != 0 {
		t.Errorf("%d rows hold what is never shared", got)
	}
	if got := r.count(t, "SELECT count(*) FROM version WHERE raw IS NULL AND never_shared <> '' AND octet_length(sha256) = 32"); got != 2 {
		t.Errorf("%d hashes kept, want 2", got)
	}
	view, manifest := r.record(t, grantFor(alice, whole()))
	if len(displays(t, view, "history")) != 0 || manifest.GetEntries() != 1 {
		t.Errorf("shown: %v, %d entries", displays(t, view, "history"), manifest.GetEntries())
	}
	for _, told := range r.identity.told(alice) {
		if len(told.GetRelationships()) != 0 {
			t.Errorf("identity-svc was told %v", told.GetRelationships())
		}
	}
}
