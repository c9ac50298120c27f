package auditevent_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	accessv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/access/v1"
	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"

	"github.com/dorsetcarerecord/dcr/gateway/internal/auditevent"
)

var update = flag.Bool("update", false, "write the golden files")

const person = "9990002673"

// view is the main job: a paramedic's look, with everything that an event can say.
func view() *auditv1.Event {
	at := time.Date(2026, 11, 22, 10, 2, 3, 456_789_000, time.UTC)
	return &auditv1.Event{
		Id: "019ab4d6-9c00-7000-8000-000000000001", OccurredAt: timestamppb.New(at),
		Action: "record.view", Outcome: auditv1.Outcome_OUTCOME_RELEASED, NhsNumber: person,
		Actor: &auditv1.Actor{
			Kind: auditv1.ActorKind_ACTOR_KIND_STAFF, StaffId: "5c1a4b1e-0000-4000-8000-000000000001", Display: "Pat Purbeck",
			RoleCode: "R1070", OdsCode: "RYF", Session: "session-1", Issuer: "https://issuer.test", Subject: "998800000201",
			ClientId: "app", Profession: "paramedic", OrganisationName: "South Western Ambulance Service", Assurance: "AAL3_ANY",
		},
		Basis: &auditv1.Basis{
			Purpose: "direct_care", LawfulBasis: "GDPR 6(1)(e), 9(2)(h)", Rpc: "/dcr.gateway.v1.RecordService/GetRecord",
			PolicyVersion: "2026-11-22+de2b9d65", RuleVersion: "15fcfd441c7bd2b4", RelationshipId: "rel-1", RelationshipKind: "episode",
			RelationshipVersion: "e4d4f9088ad18820", RelationshipEndsAt: timestamppb.New(at.Add(time.Hour)), ChoiceNumber: 2,
		},
		Disclosure: &auditv1.Disclosure{
			Sections: []*accessv1.SectionGrant{
				{Section: accessv1.Section_SECTION_ALLERGIES, Level: accessv1.Level_LEVEL_FULL},
				{Section: accessv1.Section_SECTION_HISTORY, Level: accessv1.Level_LEVEL_SUMMARY},
			},
			Entries: 3, SourceOdsCodes: []string{"R0D", "J81001"}, Sha256: bytes.Repeat([]byte{7}, 32),
		},
		Origin: &auditv1.Origin{
			RequestId: "019ab4d6-9c00-7000-8000-0000000000aa", TraceId: "0af7651916cd43dd8448eb211c80319c", ClientAddress: "198.51.100.7",
			Surface: "rest",
		},
	}
}

// cases are events of each kind, as the suite writes them.
func cases() map[string]*auditv1.Event {
	with := func(change func(*auditv1.Event)) *auditv1.Event {
		e := proto.CloneOf(view())
		change(e)
		return e
	}
	refused := func(e *auditv1.Event, reason string) {
		e.Outcome, e.Reason, e.Disclosure = auditv1.Outcome_OUTCOME_REFUSED, reason, nil
	}
	changed := func(e *auditv1.Event, action string, c *auditv1.Change) {
		e.Action, e.Outcome, e.Disclosure, e.Change = action, auditv1.Outcome_OUTCOME_CHANGED, nil, c
	}
	return map[string]*auditv1.Event{
		"view": view(),
		"emergency-view": with(func(e *auditv1.Event) {
			e.Basis.RelationshipKind, e.Basis.ReasonCode, e.Basis.ReasonText = "emergency", "04", "Collapsed at home"
			e.Marks = []string{"declared", "emergency", "restriction_broken"}
		}),
		"refused-view": with(func(e *auditv1.Event) { refused(e, "NO_PATIENT_CONSENT"); e.Marks = []string{"opted_out"} }),
		"failed-view": with(func(e *auditv1.Event) {
			refused(e, "INTERNAL")
			e.Outcome = auditv1.Outcome_OUTCOME_FAILED
		}),
		"search-match": with(func(e *auditv1.Event) {
			e.Action, e.Query, e.Disclosure.Sections = "patient.search.match", "birth_date=1980-02-29&family_name=Anning", nil
			e.Basis.RelationshipId, e.Basis.RelationshipKind, e.Basis.RelationshipEndsAt = "", "", nil
		}),
		"audit-list": with(func(e *auditv1.Event) {
			e.Action, e.NhsNumber, e.Query = "audit.view", "", "staff_id=staff-7"
			e.Basis = &auditv1.Basis{Purpose: "oversight", Rpc: "/dcr.gateway.v1.AuditService/ListEvents", PolicyVersion: "v", RuleVersion: "r"}
			e.Disclosure = &auditv1.Disclosure{Sha256: bytes.Repeat([]byte{7}, 32)}
		}),
		"opt-out": with(func(e *auditv1.Event) {
			changed(e, "opt_out.register", &auditv1.Change{Resource: "opt_out", Id: "o-1", Summary: "registered as choice 1"})
		}),
		"opt-out-matched": with(func(e *auditv1.Event) {
			changed(e, "opt_out.match", &auditv1.Change{Resource: "opt_out", Id: "o-1", Summary: "matched"})
		}),
		"relationship-ended": with(func(e *auditv1.Event) {
			changed(e, "relationship.end", &auditv1.Change{Resource: "care_relationship", Id: "rel-1", Summary: "ended"})
		}),
		"feed": with(func(e *auditv1.Event) {
			changed(e, "feed.submit", &auditv1.Change{
				Resource: "bundle", Id: e.GetId(), Summary: "stored", Entries: 4, Sections: []accessv1.Section{accessv1.Section_SECTION_RESULTS},
			})
			e.Actor = &auditv1.Actor{
				Kind: auditv1.ActorKind_ACTOR_KIND_SYSTEM, OdsCode: "R0D", OrganisationName: "University Hospitals Dorset", Display: "feed-r0d",
				ClientId: "feed-r0d", Issuer: "https://issuer.test", Subject: "feed-r0d",
			}
			e.Basis.Purpose = "feed"
		}),
		"service": with(func(e *auditv1.Event) {
			changed(e, "relationship.feed", &auditv1.Change{Resource: "care_relationship", Id: "m-1", Summary: "1 begun"})
			e.Actor = &auditv1.Actor{Kind: auditv1.ActorKind_ACTOR_KIND_SERVICE, Display: "record-svc", OdsCode: "R0D"}
			e.Basis, e.Origin = &auditv1.Basis{Purpose: "feed"}, nil
		}),
		"sign-in": with(func(e *auditv1.Event) {
			changed(e, "session.begin", &auditv1.Change{Resource: "session", Id: "session-1", Summary: "first used here"})
			e.NhsNumber = ""
		}),
		"nobody-known": {
			Id: view().GetId(), OccurredAt: view().GetOccurredAt(), Action: "authentication.refused", Outcome: auditv1.Outcome_OUTCOME_REFUSED,
			Reason: "UNAUTHENTICATED", Actor: &auditv1.Actor{Kind: auditv1.ActorKind_ACTOR_KIND_UNKNOWN}, Marks: []string{"count:12"},
		},
	}
}

// TestGolden holds the mapping fast: what reads it elsewhere must not be surprised.
func TestGolden(t *testing.T) {
	for name, e := range cases() {
		got, err := auditevent.JSON(e)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, name, got)
	}
	got, err := auditevent.Bundle([]*auditv1.Event{cases()["refused-view"]}, "/fhir/R4/AuditEvent?outcome=4", "/fhir/R4/AuditEvent?page_token=x")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "bundle", got)
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, got, "", "  "); err != nil {
		t.Fatal(err)
	}
	pretty.WriteByte('\n')
	file := filepath.Join("testdata", name+".json")
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
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}
