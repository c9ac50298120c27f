package pipeline_test

import (
	"context"
	"testing"

	"google.golang.org/grpc/metadata"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"

	"github.com/dorsetcarerecord/dcr/gateway/internal/access"
	"github.com/dorsetcarerecord/dcr/gateway/internal/pipeline"
	"github.com/dorsetcarerecord/dcr/gateway/internal/testissuer"
	"github.com/dorsetcarerecord/dcr/internal/fault"
)

// Every refusal keeps the handler untouched and is an event of its own.
func TestRefusalsAreEvents(t *testing.T) {
	cases := map[string]struct {
		spoil  func(*suite)
		call   func(*suite) error
		reason string
		about  string
		asked  bool // whether facts were asked for
	}{
		"no relationship": {
			spoil:  func(s *suite) { s.identity.staff.Relationships = nil },
			reason: access.ReasonNoRelationship, about: person, asked: true,
		},
		"unknown person": {
			spoil:  func(s *suite) { s.identity.staff.Patient = nil },
			reason: access.ReasonNoRelationship, about: person, asked: true,
		},
		"opted out": {
			spoil:  func(s *suite) { s.optout.choices[person] = &optoutv1.GetChoiceResponse{ChoiceNumber: 1, Sealed: true} },
			reason: access.ReasonNoPatientConsent, about: person, asked: true,
		},
		"role ended": {
			spoil:  func(s *suite) { s.identity.staff.Staff.RoleActive = false },
			reason: access.ReasonAccessDenied, about: person, asked: true,
		},
		"unknown staff": {
			spoil:  func(s *suite) { s.identity.staff = &identityv1.GetStaffFactsResponse{} },
			reason: access.ReasonAccessDenied, about: person, asked: true,
		},
		"own record": {
			spoil:  func(s *suite) { s.identity.staff.Staff.IsOwnRecord = true },
			reason: access.ReasonAccessDenied, about: person, asked: true,
		},
		"identity-svc hangs": {
			spoil:  func(s *suite) { s.identity.before = hang },
			reason: access.ReasonFactsUnavailable, about: person, asked: true,
		},
		"identity-svc fails": {
			spoil:  func(s *suite) { s.identity.before = unavailable },
			reason: access.ReasonFactsUnavailable, about: person, asked: true,
		},
		"optout-svc hangs": {
			spoil:  func(s *suite) { s.optout.before = hang },
			reason: access.ReasonFactsUnavailable, about: person, asked: true,
		},
		"optout-svc fails": {
			spoil:  func(s *suite) { s.optout.before = func(context.Context) error { return fault.Internal(nil) } },
			reason: access.ReasonFactsUnavailable, about: person, asked: true,
		},
		"invalid NHS number": {
			call: func(s *suite) error {
				_, err := gatewayv1.NewRecordServiceClient(s.conn).GetRecord(s.paramedic(), &gatewayv1.GetRecordRequest{NhsNumber: "9990002674"})
				return err
			},
			reason: access.ReasonInvalidNHSNumber,
		},
		"invalid NHS number, endless": {
			call: func(s *suite) error {
				_, err := gatewayv1.NewRecordServiceClient(s.conn).GetRecord(s.paramedic(), &gatewayv1.GetRecordRequest{NhsNumber: "999000267399900026739990002673"})
				return err
			},
			reason: access.ReasonInvalidNHSNumber,
		},
		"breaks its proto": {
			call: func(s *suite) error {
				_, err := gatewayv1.NewRecordServiceClient(s.conn).GetRecord(s.paramedic(),
					&gatewayv1.GetRecordRequest{NhsNumber: person, Sections: make([]string, 9)})
				return err
			},
			reason: "INVALID_ARGUMENT", about: person,
		},
		"system at the record": {
			call:   func(s *suite) error { _, err := s.view(s.system()); return err },
			reason: access.ReasonAccessDenied,
		},
		"staff at the feed": {
			call: func(s *suite) error {
				_, err := gatewayv1.NewFhirServiceClient(s.conn).SubmitBundle(s.paramedic(), &gatewayv1.SubmitBundleRequest{})
				return err
			},
			reason: access.ReasonAccessDenied,
		},
		"system of nobody": {
			spoil: func(s *suite) { s.identity.system = &identityv1.GetSystemFactsResponse{} },
			call: func(s *suite) error {
				_, err := gatewayv1.NewFhirServiceClient(s.conn).SubmitBundle(s.system(), &gatewayv1.SubmitBundleRequest{})
				return err
			},
			reason: access.ReasonNoOrganisationConsent, asked: true,
		},
		"system for which its issuer may not speak": {
			spoil: func(s *suite) { s.identity.system.Organisation.OdsCode = "RBD" },
			call: func(s *suite) error {
				_, err := gatewayv1.NewFhirServiceClient(s.conn).SubmitBundle(s.system(), &gatewayv1.SubmitBundleRequest{})
				return err
			},
			reason: access.ReasonNoOrganisationConsent, asked: true,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSuite(t)
			if c.spoil != nil {
				c.spoil(s)
			}
			if c.call == nil {
				c.call = func(s *suite) error { _, err := s.view(s.paramedic()); return err }
			}
			refused(t, nil, c.call(s), c.reason)
			e := s.audit.only(t)
			if e.GetOutcome() != auditv1.Outcome_OUTCOME_REFUSED || e.GetReason() != c.reason || e.GetNhsNumber() != c.about ||
				e.GetDisclosure() != nil || e.GetActor().GetSubject() == "" {
				t.Errorf("event: %v", e)
			}
			if s.diary.count("handler") != 0 {
				t.Error("the handler was reached")
			}
			if asked := s.diary.count("staff facts")+s.diary.count("system facts") > 0; asked != c.asked {
				t.Errorf("facts asked for: %v", asked)
			}
		})
	}
}

func TestTokensAtTheDoor(t *testing.T) {
	s := newSuite(t)
	expired := s.issuer.Signed(s.issuer.StaffClaims(testissuer.Set{"exp": s.issuer.Now().Add(-3600e9).Unix()}))
	good := s.issuer.Signed(s.issuer.StaffClaims(nil))
	with := func(values ...string) context.Context {
		ctx := t.Context()
		for _, v := range values {
			ctx = metadata.AppendToOutgoingContext(ctx, "authorization", v)
		}
		return ctx
	}
	for name, ctx := range map[string]context.Context{
		"none": with(), "empty": with(""), "expired": with("Bearer " + expired), "basic": with("Basic " + good), "no scheme": with(good),
		"two": with("Bearer "+good, "Bearer "+good), "good and bad": with("Bearer "+good, "Bearer x"),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := s.view(ctx)
			refused(t, nil, err, access.ReasonUnauthenticated)
		})
	}
	if s.diary.count("handler")+s.diary.count("staff facts") != 0 || len(s.audit.events()) != 0 {
		t.Errorf("diary %v", s.diary.all())
	}
	if _, err := s.view(with("bearer " + good)); err != nil {
		t.Errorf("schemes are written in any case: %v", err)
	}
}

func TestTokenThatCannotBeCheckedNow(t *testing.T) {
	s := newSuite(t)
	s.issuer.With(func() { s.issuer.Down = true })
	_, err := s.view(s.paramedic())
	refused(t, nil, err, access.ReasonIssuerUnavailable)
}

// Metadata are for anyone, but not for a token that is no good.
func TestCallsForAnyone(t *testing.T) {
	s := newSuite(t)
	client := gatewayv1.NewFhirServiceClient(s.conn)
	s.handler(func(context.Context, *pipeline.Call) error { return nil })
	for _, ctx := range []context.Context{t.Context(), s.paramedic(), s.system()} {
		if _, err := client.GetCapabilityStatement(ctx, &gatewayv1.GetCapabilityStatementRequest{}); err != nil {
			t.Error(err)
		}
	}
	_, err := client.GetCapabilityStatement(s.as("x"), &gatewayv1.GetCapabilityStatementRequest{})
	refused(t, nil, err, access.ReasonUnauthenticated)
	if len(s.audit.events()) != 0 || s.diary.count("staff facts") != 0 {
		t.Errorf("diary %v", s.diary.all())
	}
}

// Only calls that an opt-out refuses, or that explain it, learn of a choice.
func TestChoiceIsReadWhereItIsNeeded(t *testing.T) {
	s := newSuite(t)
	s.handler(func(context.Context, *pipeline.Call) error { return nil })
	client := gatewayv1.NewPatientServiceClient(s.conn)
	if _, err := client.GetPatient(s.paramedic(), &gatewayv1.GetPatientRequest{NhsNumber: person}); err != nil {
		t.Fatal(err)
	}
	if n := s.diary.count("choice of " + person); n != 1 {
		t.Errorf("the banner, which shows more with a relationship, read the choice %d times", n)
	}
	if _, err := client.ExplainAccess(s.paramedic(), &gatewayv1.ExplainAccessRequest{NhsNumber: person}); err != nil {
		t.Fatal(err)
	}
	if n := s.diary.count("choice of " + person); n != 2 {
		t.Errorf("explaining read the choice %d times", n-1)
	}
}

func TestCallersDoNotChooseTheirRequestID(t *testing.T) {
	s := newSuite(t)
	const theirs = "01a203bb-fc5c-73b6-8756-5b87a9507796"
	ctx := metadata.AppendToOutgoingContext(s.paramedic(), "x-request-id", theirs, "dcr-request-id", theirs)
	if _, err := s.view(ctx); err != nil {
		t.Fatal(err)
	}
	if s.audit.only(t).GetOrigin().GetRequestId() == theirs {
		t.Error("the caller's id is in the audit log")
	}
}
