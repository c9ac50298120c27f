package service_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"google.golang.org/protobuf/testing/protocmp"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
)

// relative is a number of somebody else.
const relative = "9990019576"

// memberAs adds a paramedic of the hospital with a name and perhaps a number of their own.
func (h *house) memberAs(subject, name, own string) *identityv1.Staff {
	h.t.Helper()
	return must[*identityv1.CreateStaffResponse](h.t)(h.admin.CreateStaff(h.t.Context(), &identityv1.CreateStaffRequest{
		RequestId: uuid.NewString(), Event: h.event("staff.create"),
		Staff: &identityv1.Staff{
			Issuer: issuer, Subject: subject, Name: name, OwnNhsNumber: own,
			Roles: []*identityv1.StaffRole{{RoleCode: "R1070", OdsCode: hospital, StartsAt: at(h.time().Add(-time.Hour))}},
		},
	})).GetStaff()
}

// livesAt makes the relative known, at an address.
func (h *house) livesAt(sequence int64, lines []string, postcode string) {
	h.t.Helper()
	m := h.message(hospital, sequence)
	m.NhsNumber, m.Patient = relative, somebody(relative)
	m.Patient.AddressLines, m.Patient.Postcode = lines, postcode
	h.send(m)
}

// TestKin: the facts say when the person may be family of the member, by the member's home as a patient, or by
// the name on file where no home is known; and when the person works at the same organisation.
func TestKin(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.county()
	h.send(h.message(hospital, 1))
	spouse := h.memberAs("spouse", "Mx Kim Spouse", relative)
	namesake, stranger := h.memberAs("namesake", "Mr Pat O'Brien", ""), h.memberAs("stranger", "Ms Lou Sandbanks", "")
	self := h.memberAs("self", "Zoë O'Brien", person)
	asked := func(name string, who *identityv1.Staff, number string, home, surname, colleague bool) {
		t.Helper()
		s := h.ask(who, number).GetStaff()
		if s.GetSameSurnameAndAddress() != home || s.GetSameSurname() != surname || s.GetIsColleague() != colleague {
			t.Errorf("%s: home %v, surname %v, colleague %v", name, s.GetSameSurnameAndAddress(), s.GetSameSurname(), s.GetIsColleague())
		}
	}
	asked("no feed knows the member", spouse, person, false, false, true)
	h.livesAt(1, []string{"1, High St."}, "bh15 1aa")
	asked("one home", spouse, person, true, false, true)
	asked("the same name", namesake, person, false, true, true)
	asked("another name", stranger, person, false, false, true)
	asked("oneself", self, person, false, false, false)
	asked("nobody", spouse, "", false, false, false)
	h.livesAt(2, []string{"3 High Street"}, "BH15 1AA")
	asked("next door", spouse, person, false, false, true)
	asked("who left is no colleague of whom they left", h.member("gp", "R0260", practice), person, false, false, false)
}

// TestClosedAt: the facts say when an episode was over, unless the feed did not say when.
func TestClosedAt(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.county()
	medic := h.member("medic", "R1070", hospital)
	from, to := h.time().Add(-9*days).UTC().Truncate(time.Microsecond), h.time().Add(-2*days).UTC().Truncate(time.Microsecond)
	h.send(h.message(hospital, 1, episode("Encounter/1", hospital, from, to), episode("Encounter/2", hospital, from, time.Time{})))
	h.send(h.message(hospital, 2, episode("Encounter/2", hospital, from, time.Unix(0, 0))))
	closed := map[string]int{}
	for _, r := range h.ask(medic, person).GetRelationships() {
		if r.GetClosedAt() == nil {
			closed["not said"]++
		} else {
			closed[r.GetClosedAt().AsTime().String()]++
		}
	}
	if diff := cmp.Diff(map[string]int{to.String(): 1, "not said": 1}, closed); diff != "" {
		t.Errorf("closed (-want +got):\n%s", diff)
	}
}

// TestFeedEventNamesWhatWasStated: whoever watches the log learns which attendance a feed showed, and for whose
// staff it counts.
func TestFeedEventNamesWhatWasStated(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.county()
	from, to := h.time().Add(-9*days).UTC().Truncate(time.Microsecond), h.time().Add(-2*days).UTC().Truncate(time.Microsecond)
	h.send(h.message(hospital, 1, episode("Encounter/1", poole, from, to), episode("Encounter/2", practice, from, time.Time{})))
	eventually(t, "events of the feed", func() bool { return h.count("SELECT count(*) FROM outbox") == 0 })
	events := h.audit.byAction("relationship.feed")
	if len(events) != 1 {
		t.Fatalf("%d events, want one", len(events))
	}
	want := []*auditv1.StatedRelationship{
		{Kind: "episode", OdsCodes: []string{poole, hospital}, StartsAt: at(from), ClosedAt: at(to)},
		{Kind: "episode", OdsCodes: []string{practice}, StartsAt: at(from)},
	}
	got := events[0].GetChange().GetRelationships()
	if diff := cmp.Diff(want, got, protocmp.Transform(), protocmp.IgnoreFields(&auditv1.StatedRelationship{}, "id")); diff != "" {
		t.Errorf("stated (-want +got):\n%s", diff)
	}
	var many []*identityv1.FeedRelationship
	for i := range 250 {
		many = append(many, episode("Encounter/many-"+time.Duration(i).String(), hospital, from, to))
	}
	h.send(h.message(hospital, 2, many...))
	eventually(t, "events of the feed", func() bool { return h.count("SELECT count(*) FROM outbox") == 0 })
	named := 0
	for _, e := range h.audit.byAction("relationship.feed")[1:] {
		if n := len(e.GetChange().GetRelationships()); n > 100 {
			t.Errorf("an event names %d relationships", n)
		}
		named += len(e.GetChange().GetRelationships())
	}
	if named != 250 {
		t.Errorf("events name %d of 250 relationships", named)
	}
}
