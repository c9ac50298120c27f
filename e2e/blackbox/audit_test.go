package blackbox_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/timestamppb"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
)

// auditPage is the largest page of events.
const auditPage = 500

// events are all events that a filter finds, as the audit manager sees them.
func (s *suite) events(t *testing.T, filter *gatewayv1.ListEventsRequest) []*auditv1.Event {
	t.Helper()
	var all []*auditv1.Event
	filter.PageSize = auditPage
	for {
		page := &gatewayv1.ListEventsResponse{}
		s.overGRPC(0).call(t, s.auditor.token, filter).into(t, page)
		all = append(all, page.GetEvents()...)
		if page.GetNextPageToken() == "" {
			return all
		}
		filter.PageToken = page.GetNextPageToken()
	}
}

// eventsSince are all events since an instant, by id.
func (s *suite) eventsSince(t *testing.T, since time.Time) map[string]*auditv1.Event {
	t.Helper()
	found := map[string]*auditv1.Event{}
	for _, e := range s.events(t, &gatewayv1.ListEventsRequest{From: timestamppb.New(since)}) {
		if found[e.GetId()] != nil {
			t.Errorf("event %s is listed twice", e.GetId())
		}
		found[e.GetId()] = e
	}
	return found
}

// event is the one with an id. The id's own time says where to look.
func (s *suite) event(t *testing.T, id string) *auditv1.Event {
	t.Helper()
	parsed, err := uuid.Parse(id)
	if err != nil {
		t.Fatalf("the call names the event %q: %v", id, err)
	}
	seconds, nanoseconds := parsed.Time().UnixTime()
	at := time.Unix(seconds, nanoseconds)
	for _, e := range s.events(t, &gatewayv1.ListEventsRequest{
		From: timestamppb.New(at.Add(-2 * time.Second)), To: timestamppb.New(at.Add(10 * time.Second)),
	}) {
		if e.GetId() == id {
			return e
		}
	}
	t.Fatalf("event %s, which an answer names, is not in the log", id)
	return nil
}

// anyNumber is expected where it does not matter whom an event is about.
const anyNumber = "*"

// expectation is what an event must say.
type expectation struct {
	action, reason, number string
	outcome                auditv1.Outcome
	who                    member
	surface, rpc           string
}

// differs says in what an event is not as expected; empty when in nothing.
func (x expectation) differs(e *auditv1.Event) string {
	if e == nil {
		return "there is no event"
	}
	if x.number == anyNumber {
		x.number = e.GetNhsNumber()
	}
	kind := auditv1.ActorKind_ACTOR_KIND_STAFF
	switch {
	case x.who.subject == "":
		kind = auditv1.ActorKind_ACTOR_KIND_PUBLIC
	case x.who.id == "" && x.who.role == "":
		kind = auditv1.ActorKind_ACTOR_KIND_SYSTEM
	}
	for _, c := range []struct {
		what      string
		got, want any
	}{
		{"action", e.GetAction(), x.action},
		{"outcome", e.GetOutcome(), x.outcome},
		{"reason", e.GetReason(), x.reason},
		{"nhs_number", e.GetNhsNumber(), x.number},
		{"actor's kind", e.GetActor().GetKind(), kind},
		{"actor's subject", e.GetActor().GetSubject(), x.who.subject},
		{"actor's role", e.GetActor().GetRoleCode(), x.who.role},
		{"surface", e.GetOrigin().GetSurface(), x.surface},
		{"rpc", e.GetBasis().GetRpc(), x.rpc},
		{"disclosure", e.GetDisclosure() != nil, x.outcome == auditv1.Outcome_OUTCOME_RELEASED},
		{"change", e.GetChange() != nil, x.outcome == auditv1.Outcome_OUTCOME_CHANGED},
		{"a request id", e.GetOrigin().GetRequestId() != "", true},
		{"a policy version", e.GetBasis().GetPolicyVersion() != "", true},
		{"a rule version", e.GetBasis().GetRuleVersion() != "", true},
		{"an application", e.GetActor().GetClientId() != "", x.who.subject != ""},
		{"a level of sign-in", e.GetActor().GetAssurance() != "", kind == auditv1.ActorKind_ACTOR_KIND_STAFF},
		{"an issuer", e.GetActor().GetIssuer() != "", x.who.subject != ""},
	} {
		if c.got != c.want {
			return fmt.Sprintf("the event's %s is %v, want %v", c.what, c.got, c.want)
		}
	}
	return ""
}
