package service_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
)

const days = 24 * time.Hour

// stands tells whether the hospital has a relationship with the person.
func (h *house) stands(s *identityv1.Staff) bool {
	h.t.Helper()
	return len(h.ask(s, person).GetRelationships()) > 0
}

func TestLateDischarge(t *testing.T) {
	t.Parallel()
	h, doctor, _, _ := ward(t)
	// Admitted, and known as such; discharged 50 days ago, which is told only now.
	m := h.message(hospital, 2, episode("Encounter/1", hospital, h.time().Add(-60*days), h.time().Add(-50*days)))
	h.send(m)
	h.pass(29 * days)
	if !h.stands(doctor) {
		t.Error("thirty days count from a discharge that was told late, not from its news")
	}
	h.send(proto.CloneOf(m)) // the same again
	repeat := h.message(hospital, 3, episode("Encounter/1", hospital, h.time().Add(-89*days), h.time().Add(-79*days)))
	repeat.Relationships[0] = m.GetRelationships()[0] // the same news in a later bundle
	h.send(repeat)
	h.pass(1*days + time.Second)
	if h.stands(doctor) {
		t.Error("repeating the news of a discharge prolongs the relationship")
	}
}

func TestHistoryOpensNothing(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.county()
	doctor := h.member("doctor", "R0050", hospital)
	h.send(h.message(hospital, 1, episode("Encounter/1", hospital, h.time().Add(-2000*days), h.time().Add(-1990*days))))
	if h.stands(doctor) {
		t.Error("loading years of history gives the hospital a relationship with everybody")
	}
	h.send(h.message(hospital, 2, episode("Encounter/2", hospital, h.time().Add(-50*days), h.time().Add(-40*days))))
	if !h.stands(doctor) {
		t.Error("an episode of last month that is told late gives none")
	}
}

func TestDuplicatesAndOrder(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.county()
	doctor := h.member("doctor", "R0050", hospital)
	admitted, discharged := h.time().Add(-10*days), h.time().Add(-1*days)
	first := h.message(hospital, 1, episode("Encounter/1", hospital, admitted, time.Time{}), episode("Encounter/0", hospital, admitted, time.Time{}))
	withdrawn := episode("Encounter/1", hospital, admitted, discharged)
	withdrawn.Withdrawn = true
	second := h.message(hospital, 2, withdrawn)
	second.Patient.FamilyName = "Newer"

	h.send(second)
	h.send(second)
	h.send(first) // late: says nothing of Encounter/1 or the person that counts, but all there is of Encounter/0
	h.send(first)
	if n := h.count("SELECT count(*) FROM care_relationship"); n != 2 {
		t.Errorf("%d relationships, want 2", n)
	}
	got := h.ask(doctor, person).GetRelationships()
	if len(got) != 1 || !got[0].GetStartsAt().AsTime().Equal(admitted.UTC().Truncate(time.Microsecond)) {
		t.Errorf("standing: %v", got)
	}
	if n := h.count("SELECT count(*) FROM care_relationship WHERE source_key = 'Encounter/1' AND withdrawn"); n != 1 {
		t.Error("an older message revived what a newer one withdrew")
	}
	p := must[*identityv1.GetPatientResponse](t)(h.patients.GetPatient(t.Context(), &identityv1.GetPatientRequest{NhsNumber: person}))
	if p.GetPatient().GetFamilyName() != "Newer" {
		t.Errorf("an older message changed the name to %q", p.GetPatient().GetFamilyName())
	}
	// One event for each message that changed something, none for a repetition.
	eventually(t, "events of the feed", func() bool { return h.count("SELECT count(*) FROM outbox") == 0 })
	events := h.audit.byAction("relationship.feed")
	if len(events) != 1 || events[0].GetChange().GetId() != first.GetMessageId() || events[0].GetActor().GetDisplay() != "record-svc" ||
		events[0].GetNhsNumber() != person || !strings.HasPrefix(events[0].GetChange().GetSummary(), "1 begun") {
		t.Errorf("events: %v", events)
	}
}

func TestRegistrationIsExclusive(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.county()
	old, now := h.member("old", "R0260", practice), h.member("new", "R0260", surgery)
	since := h.time().Add(-400 * days)
	h.send(h.message(hospital, 1, registered("Patient/1", practice, since)))
	h.send(h.message(surgery, 2, registered("Patient/9", surgery, h.time())))
	if h.stands(old) || !h.stands(now) {
		t.Fatalf("after registering elsewhere: old %v, new %v", h.stands(old), h.stands(now))
	}
	// The hospital goes on naming the practice that it knows; that is no news.
	h.pass(days)
	h.send(h.message(hospital, 3, registered("Patient/1", practice, since)))
	if h.stands(old) || !h.stands(now) {
		t.Error("a hospital's stale copy ends the registration")
	}
	// What comes out of order is judged by its place.
	late := h.message(poole, 1, registered("Patient/7", practice, since))
	h.send(late)
	if h.stands(old) || !h.stands(now) {
		t.Error("a late message ends a newer registration")
	}
	// The newest statement was a mistake: the one before stands again.
	gone := registered("Patient/9", surgery, h.time())
	gone.Withdrawn = true
	h.send(h.message(surgery, 4, gone))
	if !h.stands(old) || h.stands(now) {
		t.Error("withdrawing a registration does not bring the earlier one back")
	}
	// Deregistration ends it at once, whoever else had named the practice.
	closed := registered("Patient/1", practice, since)
	closed.ClosedAt = at(h.time())
	h.send(h.message(hospital, 5, closed))
	if h.stands(old) {
		t.Error("a deregistered person's practice has a relationship")
	}
}

func TestTwoSourcesAtOnce(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.county()
	practices := []string{practice, surgery}
	var sends sync.WaitGroup
	for i := range 8 {
		sends.Go(func() {
			h.send(h.message(practices[i%2], int64(i+1), registered("Patient/1", practices[i%2], h.time())))
		})
	}
	sends.Wait()
	a, b := h.member("a", "R0260", practice), h.member("b", "R0260", surgery)
	if h.stands(a) == h.stands(b) {
		t.Errorf("registered with both or with none: %v, %v", h.stands(a), h.stands(b))
	}
}

func TestFeedUnderASupersededNumber(t *testing.T) {
	t.Parallel()
	h, doctor, _, _ := ward(t)
	h.exec("INSERT INTO patient (nhs_number, family_name, updated_at, superseded_by) VALUES ($1, 'Old', now(), $2)", other, person)
	m := h.message(poole, 3, episode("Encounter/5", hospital, h.time(), time.Time{}))
	m.NhsNumber, m.Patient = other, somebody(other)
	h.send(m)
	if n := h.count("SELECT count(*) FROM patient WHERE family_name = 'Old'"); n != 1 {
		t.Error("a feed changed a person whose number was merged away")
	}
	if got := h.ask(doctor, person).GetRelationships(); len(got) != 2 {
		t.Errorf("relationships: %v", got)
	}
}

func TestRefusedFeeds(t *testing.T) {
	t.Parallel()
	h := open(t)
	for name, change := range map[string]func(*identityv1.ApplyFeedFactsRequest){
		"a declared kind": func(m *identityv1.ApplyFeedFactsRequest) { m.Relationships[0].Kind = kindEmergency },
		"no holder":       func(m *identityv1.ApplyFeedFactsRequest) { m.Relationships[0].OdsCode = "" },
		"another person":  func(m *identityv1.ApplyFeedFactsRequest) { m.Patient.NhsNumber = other },
		"no sequence":     func(m *identityv1.ApplyFeedFactsRequest) { m.Sequence = 0 },
		"no date": func(m *identityv1.ApplyFeedFactsRequest) {
			m.Relationships[0].StartsAt = &timestamppb.Timestamp{Nanos: -1}
		},
	} {
		m := h.message(hospital, 1, episode("Encounter/1", hospital, h.time(), time.Time{}))
		change(m)
		_, err := h.feed.ApplyFeedFacts(t.Context(), m)
		wants(t, err, codes.InvalidArgument, "INVALID_ARGUMENT")
		if n := h.count("SELECT count(*) FROM patient"); n != 0 {
			t.Errorf("%s: something was stored", name)
		}
	}
}

func TestReferralAndCaseload(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.county()
	doctor := h.member("doctor", "R0050", hospital)
	referral := episode("ServiceRequest/1", hospital, h.time().Add(-729*days), time.Time{})
	referral.Kind = identityv1.RelationshipKind_RELATIONSHIP_KIND_REFERRAL
	caseload := episode("CareTeam/1", hospital, h.time(), time.Time{})
	caseload.Kind, caseload.Team = identityv1.RelationshipKind_RELATIONSHIP_KIND_CASELOAD, "District nurses"
	h.send(h.message(hospital, 1, referral, caseload))
	want := []identityv1.RelationshipKind{identityv1.RelationshipKind_RELATIONSHIP_KIND_REFERRAL, identityv1.RelationshipKind_RELATIONSHIP_KIND_CASELOAD}
	if got := kinds(h.ask(doctor, person)); !slices.Equal(got, want) {
		t.Fatalf("got %v", got)
	}
	h.pass(days + time.Second)
	if got := kinds(h.ask(doctor, person)); !slices.Equal(got, want[1:]) {
		t.Errorf("a referral of two years stands: %v", got)
	}
}
