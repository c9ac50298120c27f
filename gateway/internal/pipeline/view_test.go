package pipeline_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	accessv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/access/v1"
	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
	recordv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/record/v1"

	"github.com/dorsetcarerecord/dcr/gateway/internal/access"
	"github.com/dorsetcarerecord/dcr/gateway/internal/pipeline"
	"github.com/dorsetcarerecord/dcr/internal/fault"
)

func TestViewIsAccountedForBeforeItLeaves(t *testing.T) {
	s := newSuite(t)
	s.optout.set(func() { s.optout.choices[person] = &optoutv1.GetChoiceResponse{ChoiceNumber: 2} })
	var grant *recordv1.Grant
	handle := s.handle
	s.handler(func(ctx context.Context, c *pipeline.Call) error {
		grant = c.Grant()
		return handle(ctx, c)
	})
	var header metadata.MD
	answer, err := s.view(s.paramedic(), grpc.Header(&header))
	if err != nil || string(answer.GetBody().GetData()) != string(body) {
		t.Fatalf("got %v, %v", answer, err)
	}
	e := s.audit.only(t)
	checkEvent(t, e, header)
	if _, err := uuid.Parse(e.GetOrigin().GetRequestId()); err != nil || header.Get(pipeline.HeaderRequestID)[0] != e.GetOrigin().GetRequestId() {
		t.Errorf("request id %q, header %v", e.GetOrigin().GetRequestId(), header)
	}
	wantGrant := &recordv1.Grant{
		NhsNumber: person, Sections: e.GetDisclosure().GetSections(), ChoiceNumber: 2, Purpose: "direct_care",
		Restriction: recordv1.Restriction_RESTRICTION_NONE,
	}
	if d := cmp.Diff(wantGrant, grant, protocmp.Transform()); d != "" {
		t.Error(d)
	}
	lines := s.diary.all()
	if tail := lines[len(lines)-3:]; !cmp.Equal(tail, []string{"handler", "event stored", "answer"}) {
		t.Errorf("order: %v", lines)
	}
	if log := s.log.String(); strings.Contains(log, person) || strings.Contains(log, "Purbeck") {
		t.Errorf("the log shows somebody: %s", log)
	}
}

func checkEvent(t *testing.T, e *auditv1.Event, header metadata.MD) {
	t.Helper()
	sum := sha256.Sum256(body)
	want := &auditv1.Event{
		Id: header.Get(pipeline.HeaderEventID)[0], Action: "record.view", Outcome: auditv1.Outcome_OUTCOME_RELEASED, NhsNumber: person,
		Actor: &auditv1.Actor{
			Kind: auditv1.ActorKind_ACTOR_KIND_STAFF, StaffId: staffID, Display: "Pat Purbeck", RoleCode: "R1070", OdsCode: "RYF",
			Session: "session-1", Issuer: e.GetActor().GetIssuer(), Subject: "998800000201", ClientId: "app",
			Profession: "paramedic", OrganisationName: "South Western Ambulance Service", Assurance: "AAL3_ANY",
		},
		Basis: &auditv1.Basis{
			Purpose: "direct_care", LawfulBasis: "GDPR 6(1)(e), 9(2)(h)", Rpc: gatewayv1.RecordService_GetRecord_FullMethodName,
			PolicyVersion: e.GetBasis().GetPolicyVersion(), RelationshipId: "rel-1", RelationshipKind: "episode", ChoiceNumber: 2,
			RuleVersion: e.GetBasis().GetRuleVersion(), RelationshipVersion: e.GetBasis().GetRelationshipVersion(),
			RelationshipEndsAt: e.GetBasis().GetRelationshipEndsAt(),
		},
		Disclosure: &auditv1.Disclosure{Sections: e.GetDisclosure().GetSections(), Entries: 3, SourceOdsCodes: []string{"R0D"}, Sha256: sum[:]},
		Origin:     &auditv1.Origin{RequestId: e.GetOrigin().GetRequestId(), ClientAddress: "127.0.0.1", Surface: "grpc"},
	}
	if d := cmp.Diff(want, e, protocmp.Transform(), protocmp.IgnoreFields(&auditv1.Event{}, "occurred_at")); d != "" {
		t.Error(d)
	}
	if b := e.GetBasis(); len(b.GetRuleVersion()) != 16 || len(b.GetRelationshipVersion()) != 16 || !b.GetRelationshipEndsAt().IsValid() {
		t.Errorf("basis lacks a version: %v", b)
	}
	if e.GetBasis().GetPolicyVersion() == "" || !e.GetOccurredAt().IsValid() || e.GetActor().GetIssuer() == "" {
		t.Errorf("event lacks a part: %v", e)
	}
	shown := levels(e.GetDisclosure().GetSections())
	if shown[accessv1.Section_SECTION_HISTORY] != accessv1.Level_LEVEL_SUMMARY || shown[accessv1.Section_SECTION_ALLERGIES] != accessv1.Level_LEVEL_FULL {
		t.Errorf("a paramedic's sections: %v", shown)
	}
}

func TestFactsAreReadSideBySideAndAnew(t *testing.T) {
	s := newSuite(t)
	// Each waits for the other one's question: asked in turn, neither is answered.
	left, right := make(chan struct{}), make(chan struct{})
	meet := func(mine, others chan struct{}) hook {
		return func(ctx context.Context) error {
			close(mine)
			select {
			case <-others:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	s.identity.set(func() { s.identity.before = meet(left, right) })
	s.optout.set(func() { s.optout.before = meet(right, left) })
	if _, err := s.view(s.paramedic()); err != nil {
		t.Fatalf("one question waits for the other: %v", err)
	}
	s.optout.set(func() { s.optout.before = nil })
	s.identity.set(func() { s.identity.before = nil; s.identity.staff.Relationships = nil })
	_, err := s.view(s.paramedic())
	refused(t, nil, err, access.ReasonNoRelationship)
	s.identity.set(func() { s.identity.staff = paramedic(episode()) })
	s.optout.set(func() {
		s.optout.choices[person] = &optoutv1.GetChoiceResponse{ChoiceNumber: 1, Sealed: true}
	})
	_, err = s.view(s.paramedic())
	refused(t, nil, err, access.ReasonNoPatientConsent)
}

func TestSupersededNumberBindsByBothChoices(t *testing.T) {
	const inForce = "9990002681"
	for name, c := range map[string]struct{ old, new *optoutv1.GetChoiceResponse }{
		"old number opted out": {&optoutv1.GetChoiceResponse{ChoiceNumber: 1, Sealed: true}, &optoutv1.GetChoiceResponse{ChoiceNumber: 4}},
		"new number opted out": {&optoutv1.GetChoiceResponse{ChoiceNumber: 1}, &optoutv1.GetChoiceResponse{ChoiceNumber: 4, Sealed: true}},
		"neither":              {&optoutv1.GetChoiceResponse{ChoiceNumber: 1}, &optoutv1.GetChoiceResponse{ChoiceNumber: 4}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSuite(t)
			s.identity.set(func() {
				s.identity.staff.Patient = &identityv1.PatientFacts{NhsNumber: inForce, Superseded: true}
				s.identity.staff.Relationships[0].NhsNumber = inForce
			})
			s.optout.set(func() { s.optout.choices[person], s.optout.choices[inForce] = c.old, c.new })
			handle := s.handle
			s.handler(func(ctx context.Context, call *pipeline.Call) error {
				if call.NHSNumber != inForce || call.AskedNHSNumber != person || call.Grant().GetChoiceNumber() != 4 {
					return errors.New("the number in force is not used")
				}
				return handle(ctx, call)
			})
			_, err := s.view(s.paramedic())
			if name == "neither" {
				if err != nil {
					t.Error(err)
				}
			} else {
				refused(t, nil, err, access.ReasonNoPatientConsent)
			}
			if e := s.audit.only(t); e.GetNhsNumber() != inForce || e.GetAskedNhsNumber() != person {
				t.Errorf("the event is about %q, asked for as %q", e.GetNhsNumber(), e.GetAskedNhsNumber())
			}
		})
	}
}

func TestMarksOfDeclaredAccess(t *testing.T) {
	s := newSuite(t)
	s.identity.set(func() {
		r := s.identity.staff.Relationships[0]
		r.Kind, r.ReasonCode, r.ReasonText, r.StaffId = identityv1.RelationshipKind_RELATIONSHIP_KIND_EMERGENCY, "04", "collapsed at home", staffID
		s.identity.staff.Staff.OwnNhsNumberKnown = false
		s.identity.staff.Patient.Restricted = true
		s.identity.staff.Patient.RestrictionBrokenUntil = timestamppb.New(s.issuer.Now().Add(3600e9))
	})
	if _, err := s.view(s.paramedic()); err != nil {
		t.Fatal(err)
	}
	e := s.audit.only(t)
	if d := cmp.Diff([]string{"declared", "emergency", "own_number_unknown", "restriction_broken"}, e.GetMarks()); d != "" {
		t.Error(d)
	}
	if e.GetBasis().GetReasonCode() != "04" || e.GetBasis().GetReasonText() != "collapsed at home" {
		t.Errorf("basis: %v", e.GetBasis())
	}
}

func TestRecordServiceChecksForItself(t *testing.T) {
	for found, want := range map[string]string{"SEALED": access.ReasonNoPatientConsent, "CHOICE_MISMATCH": access.ReasonFactsUnavailable} {
		t.Run(found, func(t *testing.T) {
			s := newSuite(t)
			s.handler(func(context.Context, *pipeline.Call) error { return fault.Precondition(found, "as record-svc says it") })
			answer, err := s.view(s.paramedic())
			refused(t, answer, err, want)
			if fault.FromStatus(err).Text == "as record-svc says it" {
				t.Error("record-svc's words reach the caller")
			}
			if e := s.audit.only(t); e.GetReason() != want {
				t.Errorf("event: %v", e)
			}
		})
	}
}

// What a handler forgets must not become a view that nobody accounts for.
func TestHandlersThatDoNotSayWhatTheyRelease(t *testing.T) {
	full := func(s accessv1.Section) *auditv1.Disclosure {
		return &auditv1.Disclosure{Sections: []*accessv1.SectionGrant{{Section: s, Level: accessv1.Level_LEVEL_FULL}}}
	}
	for name, handle := range map[string]func(context.Context, *pipeline.Call) error{
		"silent": func(context.Context, *pipeline.Call) error { return nil },
		"more than permitted": func(_ context.Context, c *pipeline.Call) error {
			c.Release(full(accessv1.Section_SECTION_HISTORY))
			return nil
		},
		"panics": func(context.Context, *pipeline.Call) error { panic("with " + person) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSuite(t)
			s.handler(handle)
			answer, err := s.view(s.paramedic())
			refused(t, answer, err, fault.ReasonInternal)
			e := s.audit.only(t)
			if e.GetOutcome() != auditv1.Outcome_OUTCOME_FAILED || e.GetReason() != fault.ReasonInternal || e.GetDisclosure() != nil {
				t.Errorf("event: %v", e)
			}
			if strings.Contains(s.log.String(), person) {
				t.Error("the log shows the number")
			}
		})
	}
}

func TestExplainingDecidesOnTheSameFacts(t *testing.T) {
	s := newSuite(t)
	s.optout.set(func() { s.optout.choices[person] = &optoutv1.GetChoiceResponse{ChoiceNumber: 1, Sealed: true} })
	var would, nothing access.Decision
	s.handler(func(_ context.Context, c *pipeline.Call) error {
		would, nothing = c.Would(gatewayv1.RecordService_GetRecord_FullMethodName), c.Would("/no/Such")
		return nil
	})
	client := gatewayv1.NewPatientServiceClient(s.conn)
	if _, err := client.ExplainAccess(s.paramedic(), &gatewayv1.ExplainAccessRequest{NhsNumber: person}); err != nil {
		t.Fatal(err)
	}
	if would.Permit || would.Refusal.Reason != access.ReasonNoPatientConsent {
		t.Errorf("would: %+v", would)
	}
	if nothing.Permit || nothing.Refusal == nil {
		t.Errorf("a method that does not exist would be permitted: %+v", nothing)
	}
	s.identity.set(func() { s.identity.staff.Relationships = nil })
	if _, err := client.ExplainAccess(s.paramedic(), &gatewayv1.ExplainAccessRequest{NhsNumber: person}); err != nil {
		t.Fatal(err)
	}
	if would.Permit || would.Refusal.Reason != access.ReasonNoRelationship {
		t.Errorf("would without a relationship: %+v", would)
	}
}

func TestEachMatchIsAnEvent(t *testing.T) {
	s := newSuite(t)
	numbers := []string{"9990002673", "9990002681", "9990002673"}
	s.handler(func(_ context.Context, c *pipeline.Call) error { c.AddMatches(numbers...); return nil })
	client := gatewayv1.NewPatientServiceClient(s.conn)
	answer, err := client.SearchPatients(s.paramedic(), &gatewayv1.SearchPatientsRequest{FamilyName: "Anning", BirthDate: "1999-05-21"})
	if err != nil {
		t.Fatal(err)
	}
	events := s.audit.events()
	if len(events) != 3 || len(s.audit.requests()) != 1 {
		t.Fatalf("%d events in %d appends", len(events), len(s.audit.requests()))
	}
	encoded, err := proto.MarshalOptions{Deterministic: true}.Marshal(answer)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(encoded)
	seen := map[string]bool{}
	for i, e := range events {
		action, about := "patient.search.match", numbers[max(i-1, 0)]
		if i == 0 {
			action, about = "patient.search", ""
		}
		if e.GetAction() != action || e.GetNhsNumber() != about || e.GetQuery() != "birth_date=1999-05-21&family_name=Anning" || string(e.GetDisclosure().GetSha256()) != string(sum[:]) ||
			e.GetOutcome() != auditv1.Outcome_OUTCOME_RELEASED || seen[e.GetId()] {
			t.Errorf("event %d: %v", i, e)
		}
		seen[e.GetId()] = true
	}
}
