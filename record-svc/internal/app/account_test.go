package app

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	accessv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/access/v1"
	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
)

// TestBundleIsAccountedFor looks at the event of a bundle that is stored, and of the same again.
func TestBundleIsAccountedFor(t *testing.T) {
	t.Parallel()
	r := startOne(t)
	for _, want := range []string{"stored", "nothing new"} {
		req := delivery(surgery(), transaction(put(aliceAtHome())))
		if _, err := r.feed.SubmitBundle(limit(t), req); err != nil {
			t.Fatal(err)
		}
		events := r.audit.appended(req.GetEvent().GetEventId())
		if len(events) != 1 {
			t.Fatalf("%d events before the answer, want 1", len(events))
		}
		e := events[0]
		if e.GetNhsNumber() != alice || e.GetOutcome() != auditv1.Outcome_OUTCOME_CHANGED || e.GetAction() != "feed.submit" ||
			e.GetActor().GetOdsCode() != "J81900" || e.GetChange().GetSummary() != want || e.GetBasis().GetPurpose() != "direct_care" {
			t.Errorf("event %v", e)
		}
	}
	bad := delivery(surgery(), transaction(put(aliceAtHome())))
	bad.Event.EventId = "1"
	_, err := r.feed.SubmitBundle(limit(t), bad)
	wantReason(t, err, "INVALID_ARGUMENT")
}

// TestEventSaysWhatAFeedChanged: the sections that a bundle touched, and how many entries; the same again, none.
func TestEventSaysWhatAFeedChanged(t *testing.T) {
	t.Parallel()
	r := startOne(t)
	asthma := put(problem("c", "1", "Asthma", "2020-01-01"))
	for i, c := range []struct {
		bundle   string
		sections []accessv1.Section
		entries  int32
	}{
		{transaction(put(aliceAtHome()), asthma), []accessv1.Section{accessv1.Section_SECTION_DEMOGRAPHICS, accessv1.Section_SECTION_HISTORY}, 2},
		{transaction(put(aliceAtHome()), asthma), nil, 0},
		{transaction(asthma, put(problem("d", "2", "Eczema", "2021-01-01"))), []accessv1.Section{accessv1.Section_SECTION_HISTORY}, 1},
		{transaction(deletes("Condition/d")), nil, 1},
	} {
		req := delivery(surgery(), c.bundle)
		if _, err := r.feed.SubmitBundle(limit(t), req); err != nil {
			t.Fatal(err)
		}
		change := r.audit.appended(req.GetEvent().GetEventId())[0].GetChange()
		if !slices.Equal(change.GetSections(), c.sections) || change.GetEntries() != c.entries {
			t.Errorf("bundle %d: sections %v, %d entries; want %v, %d", i, change.GetSections(), change.GetEntries(), c.sections, c.entries)
		}
	}
}

// TestAuditIsDown takes audit-svc away between the commit and the answer: the sender is not told that all is
// well, sends again, and in the end there is one state and each attempt has one event.
func TestAuditIsDown(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	r := s.start(t)
	s.audit.set(true)
	first := delivery(surgery(), transaction(put(aliceAtHome()), put(problem("c", "1", "Asthma", "2020-01-01"))))
	_, err := r.feed.SubmitBundle(limit(t), first)
	wantReason(t, err, "AUDIT_UNAVAILABLE")
	r.stop() // and the process goes too
	s.audit.set(false)

	r = s.start(t)
	again := delivery(surgery(), string(first.GetBundle()))
	if _, err := r.feed.SubmitBundle(limit(t), again); err != nil {
		t.Fatal(err)
	}
	eventually(t, "every message is delivered", func() bool { return s.stored(t).Waiting == 0 })
	for _, id := range []string{first.GetEvent().GetEventId(), again.GetEvent().GetEventId()} {
		if got := len(s.audit.appended(id)); got != 1 {
			t.Errorf("an attempt has %d events", got)
		}
	}
	want := state{Persons: 1, Entries: 2, Versions: 2, Pieces: 16, Accepted: 1, Sequences: 1}
	if diff := cmp.Diff(want, s.stored(t)); diff != "" {
		t.Error(diff)
	}
	if got := len(s.identity.told(alice)); got != 1 {
		t.Errorf("identity-svc was told %d times", got)
	}
}

// TestFacts looks at what identity-svc is told.
func TestFacts(t *testing.T) {
	t.Parallel()
	r := startOne(t)
	atSurgery := aliceAtHome().with(resource{
		"gender": "female", "address": []any{resource{"use": "home", "line": []string{"1 Long Road"}, "city": "Bridport", "postalCode": "DT6 3NQ"}},
		"telecom": []any{resource{"system": "phone", "value": "01308 000000"}},
		// The practice by reference, as most systems send it.
		"generalPractitioner": []any{resource{"reference": "Organization/o"}},
	})
	practice := resource{"resourceType": "Organization", "id": "o", "name": "Bridport Surgery", "identifier": []any{
		resource{"system": "https://fhir.nhs.uk/Id/ods-organization-code", "value": "J81900"},
	}}
	r.accept(t, surgery(), transactionAt("2026-11-01T08:00:00Z", put(atSurgery), put(practice)))
	stay := func(status string, end any) resource {
		period := resource{"start": "2026-11-01T08:00:00Z"}.with(resource{"end": end})
		return about("Encounter", "e", resource{"class": resource{"code": "IMP"}, "status": status, "period": period})
	}
	r.accept(t, hospital(), transactionAt("2026-11-01T09:00:00Z", put(aliceAtHome()), put(stay("in-progress", nil))))
	r.accept(t, hospital(), transactionAt("2026-11-05T09:00:00Z", put(stay("finished", "2026-11-05T08:00:00Z"))))
	r.accept(t, hospital(), transaction(put(aliceAtHome().with(resource{"deceasedDateTime": "2026-11-20", "meta": resource{
		"lastUpdated": "2026-11-21T08:00:00Z", "security": []any{resource{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}},
	}}))))
	r.accept(t, hospital(), transactionAt("2026-11-21T08:00:00Z", deletes("Encounter/e")))

	told := r.identity.told(alice)
	if len(told) != 5 {
		t.Fatalf("told %d times, want 5", len(told))
	}
	for i, m := range told {
		if m.GetSequence() != int64(i+1) || m.GetMessageId() == "" || m.GetReceivedAt() == nil {
			t.Errorf("message %d: sequence %d", i, m.GetSequence())
		}
	}
	p := told[0].GetPatient()
	if p.GetFamilyName() != "Carter" || p.GetBirthDate() != "1950-03-02" || p.GetPostcode() != "DT6 3NQ" || p.GetGp().GetOdsCode() != "J81900" ||
		p.GetGp().GetName() != "Bridport Surgery" || p.GetGender() != "female" || len(p.GetTelephones()) != 1 || len(p.GetAddressLines()) != 2 {
		t.Errorf("patient %v", p)
	}
	one := func(i int) *identityv1.FeedRelationship {
		t.Helper()
		if len(told[i].GetRelationships()) != 1 {
			t.Fatalf("message %d has relationships %v", i, told[i].GetRelationships())
		}
		return told[i].GetRelationships()[0]
	}
	if got := one(0); got.GetKind() != identityv1.RelationshipKind_RELATIONSHIP_KIND_GP_REGISTRATION || got.GetOdsCode() != "J81900" || got.GetClosedAt() != nil {
		t.Errorf("registration %v", got)
	}
	open, closed, gone := one(1), one(2), one(4)
	if open.GetKind() != identityv1.RelationshipKind_RELATIONSHIP_KIND_EPISODE || open.GetOdsCode() != "R0D" || open.GetClosedAt() != nil {
		t.Errorf("episode %v", open)
	}
	if closed.GetSourceKey() != open.GetSourceKey() || closed.GetClosedAt().AsTime().Format("2006-01-02") != "2026-11-05" || told[2].GetPatient() != nil {
		t.Errorf("closed episode %v", closed)
	}
	if gone.GetSourceKey() != open.GetSourceKey() || !gone.GetWithdrawn() {
		t.Errorf("deleted episode %v", gone)
	}
	// The hospital's word about the practice is none: the surgery's stands.
	if p := told[3].GetPatient(); !p.GetDeceased() || p.GetDeceasedOn() != "2026-11-20" || !p.GetRestricted() || p.GetGp().GetOdsCode() != "J81900" {
		t.Errorf("patient who died and is restricted: %v", p)
	}
}

// TestIdentityIsDown delivers the facts once identity-svc is back, in order and once; the sender is answered
// in the meantime.
func TestIdentityIsDown(t *testing.T) {
	t.Parallel()
	r := startOne(t)
	r.identity.set(true)
	for _, display := range []string{"First", "Second"} {
		who := aliceAtHome().with(resource{"telecom": []any{resource{"system": "phone", "value": display}}})
		r.accept(t, surgery(), transaction(put(who)))
	}
	if len(r.identity.told(alice)) != 0 {
		t.Fatal("told while down")
	}
	r.identity.set(false)
	eventually(t, "identity-svc has both", func() bool { return r.stored(t).Waiting == 0 })
	told := r.identity.told(alice)
	if len(told) != 2 || told[0].GetSequence() != 1 || told[1].GetSequence() != 2 {
		t.Errorf("told %v", told)
	}
}
