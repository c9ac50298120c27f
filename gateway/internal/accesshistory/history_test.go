package accesshistory_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/timestamppb"

	accessv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/access/v1"
	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"

	"github.com/dorsetcarerecord/dcr/gateway/internal/accesshistory"
)

var update = flag.Bool("update", false, "write the golden file")

const (
	person = "9990002673"
	crew   = "5c1a4b1e-0000-4000-8000-000000000001"
	nurse  = "5c1a4b1e-0000-4000-8000-000000000002"
)

func words(t *testing.T) *accesshistory.Words {
	t.Helper()
	w, err := accesshistory.DefaultWords()
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// log makes events, numbered, each with everything that must not be told.
type log struct{ events []*auditv1.Event }

func (l *log) add(at, action string, change ...func(*auditv1.Event)) *auditv1.Event {
	when, err := time.Parse("2006-01-02 15:04 MST", at)
	if err != nil {
		panic(err)
	}
	e := &auditv1.Event{
		Id: fmt.Sprintf("019ab4d6-9c00-7000-8000-%012d", len(l.events)+1), OccurredAt: timestamppb.New(when),
		Action: action, Outcome: auditv1.Outcome_OUTCOME_RELEASED, NhsNumber: person,
		Actor: &auditv1.Actor{
			Kind: auditv1.ActorKind_ACTOR_KIND_STAFF, StaffId: crew, Display: "Pat Purbeck", RoleCode: "R1070", OdsCode: "RYF",
			Session: "secret-session", Issuer: "https://secret-issuer.test", Subject: "secret-subject", ClientId: "secret-client",
			Profession: "paramedic", OrganisationName: "South Western Ambulance Service",
		},
		Basis: &auditv1.Basis{
			Purpose: "direct_care", RelationshipId: "secret-relationship", RelationshipKind: "episode", PolicyVersion: "secret-policy",
		},
		Origin: &auditv1.Origin{RequestId: "secret-request", TraceId: "secret-trace", ClientAddress: "198.51.100.7"},
		Marks:  []string{"secret_mark"}, Query: "secret=query",
		Disclosure: &auditv1.Disclosure{Entries: 3, Sections: []*accessv1.SectionGrant{
			{Section: accessv1.Section_SECTION_HISTORY, Level: accessv1.Level_LEVEL_SUMMARY},
			{Section: accessv1.Section_SECTION_ALLERGIES, Level: accessv1.Level_LEVEL_FULL},
			{Section: accessv1.Section_SECTION_SAFEGUARDING, Level: accessv1.Level_LEVEL_SUMMARY},
		}},
	}
	for _, f := range change {
		f(e)
	}
	l.events = append(l.events, e)
	return e
}

func refused(reason string) func(*auditv1.Event) {
	return func(e *auditv1.Event) {
		e.Outcome, e.Reason, e.Disclosure, e.Basis.RelationshipKind = auditv1.Outcome_OUTCOME_REFUSED, reason, nil, ""
	}
}

func changed(e *auditv1.Event) { e.Outcome, e.Disclosure = auditv1.Outcome_OUTCOME_CHANGED, nil }

func emergency(e *auditv1.Event) {
	e.Basis.RelationshipKind, e.Basis.ReasonCode, e.Basis.ReasonText = "emergency", "04", "secret text of staff"
	e.Actor.StaffId, e.Actor.Display, e.Actor.Profession, e.Actor.RoleCode = nurse, "Nia Nothe", "", "R8001"
	e.Actor.OdsCode, e.Actor.OrganisationName = "R0D", ""
}

func hospital(e *auditv1.Event) {
	changed(e)
	e.Actor = &auditv1.Actor{Kind: auditv1.ActorKind_ACTOR_KIND_SYSTEM, OdsCode: "R0D", Display: "secret-feed", ClientId: "secret-feed"}
	e.Basis = &auditv1.Basis{Purpose: "feed"}
	e.Change = &auditv1.Change{Resource: "bundle", Id: "secret-bundle", Sections: []accessv1.Section{accessv1.Section_SECTION_RESULTS}, Entries: 2}
}

// county is some days in the life of a record.
func county() []*auditv1.Event {
	l := &log{}
	l.add("2026-11-20 09:00 UTC", "feed.submit", hospital)
	l.add("2026-11-20 09:00 UTC", "feed.submit", hospital)
	l.add("2026-11-21 23:10 UTC", "record.view", refused("NO_RELATIONSHIP"))
	l.add("2026-11-22 10:02 UTC", "patient.search.match", func(e *auditv1.Event) { e.Disclosure.Sections = nil; e.Basis.RelationshipKind = "" })
	l.add("2026-11-22 10:03 UTC", "record.view")
	l.add("2026-11-22 10:40 UTC", "record.view", func(e *auditv1.Event) {
		e.Disclosure.Sections[0].Level = accessv1.Level_LEVEL_FULL
	})
	l.add("2026-11-22 10:41 UTC", "record.entry.view")
	l.add("2026-11-22 11:00 UTC", "relationship.declare", emergency, changed)
	l.add("2026-11-22 11:01 UTC", "record.view", emergency)
	l.add("2026-11-22 11:30 UTC", "case.note", changed)
	l.add("2026-11-22 12:00 UTC", "something.new", func(e *auditv1.Event) { e.Disclosure.Sections = nil })
	return l.events
}

func asked(t *testing.T) accesshistory.Asked {
	t.Helper()
	zone, err := time.LoadLocation("Europe/London")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	return accesshistory.Asked{
		NHSNumber: person, To: now, MadeAt: now, Zone: zone,
		Organisations: map[string]string{"R0D": "University Hospitals Dorset"},
		Profession:    func(code string) string { return map[string]string{"R8001": "nurse"}[code] },
	}
}

func TestGolden(t *testing.T) {
	raw, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(words(t).History(county(), asked(t)))
	if err != nil {
		t.Fatal(err)
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, raw, "", "  "); err != nil {
		t.Fatal(err)
	}
	pretty.WriteByte('\n')
	const file = "testdata/history.json"
	if *update {
		if err := os.WriteFile(file, pretty.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), pretty.String()); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
}

// TestNothingBeyondIsTold: whatever the events say, what is not for the citizen does not come out.
func TestNothingBeyondIsTold(t *testing.T) {
	raw, err := protojson.Marshal(words(t).History(county(), asked(t)))
	if err != nil {
		t.Fatal(err)
	}
	for _, not := range []string{"secret", "198.51", crew, nurse, "R1070", "case", "Inquir ", person} {
		if strings.Contains(string(raw), not) {
			t.Errorf("the history tells %q", not)
		}
	}
	for _, day := range words(t).History(county(), asked(t)).GetDays() {
		for _, look := range day.GetLooks() {
			if strings.Contains(strings.ToLower(strings.Join(look.GetParts(), " ")), "safeguarding") {
				t.Errorf("a part tells of safeguarding: %v", look.GetParts())
			}
		}
	}
}

func TestWithheldAndLeftOut(t *testing.T) {
	a, events := asked(t), county()
	a.Withhold, a.LeaveOut = []string{nurse}, []string{events[2].GetId()}
	h := words(t).History(events, a)
	raw, _ := protojson.Marshal(h)
	if strings.Contains(string(raw), "Nothe") || !strings.Contains(string(raw), "Purbeck") {
		t.Errorf("withheld: %s", raw)
	}
	for _, day := range h.GetDays() {
		for _, look := range day.GetLooks() {
			if look.GetKind() == gatewayv1.AccessLookKind_ACCESS_LOOK_KIND_REFUSED || strings.Contains(strings.Join(look.GetEventIds(), " "), events[2].GetId()) {
				t.Errorf("left out, and told: %v", look)
			}
			if look.GetWho() == "Name not given" && (look.GetRole() != "Nurse" || look.GetOrganisation() != "University Hospitals Dorset") {
				t.Errorf("a withheld name keeps role and organisation: %v", look)
			}
		}
	}
}

// TestDaysAreThoseOfThePerson: half past midnight in a British summer is the next day, and its own look.
func TestDaysAreThoseOfThePerson(t *testing.T) {
	l := &log{}
	l.add("2026-07-01 22:30 UTC", "record.view")
	l.add("2026-07-01 23:30 UTC", "record.view")
	h := words(t).History(l.events, asked(t))
	if len(h.GetDays()) != 2 || h.GetDays()[0].GetDate() != "2026-07-02" || h.GetDays()[0].GetLooks()[0].GetTime() != "at 00:30" ||
		h.GetDays()[1].GetTitle() != "Wednesday 1 July 2026" || h.GetDays()[1].GetLooks()[0].GetTime() != "at 23:30" {
		t.Errorf("days: %v", h.GetDays())
	}
}

func TestNobodyLooked(t *testing.T) {
	a := asked(t)
	a.From = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	h := words(t).History(nil, a)
	if len(h.GetDays()) != 0 || len(h.GetSummary()) != 1 || h.GetPeriod() != "From 1 November 2026 to 22 November 2026" {
		t.Errorf("history of nothing: %v", h)
	}
}
