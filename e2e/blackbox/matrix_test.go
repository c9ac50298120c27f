package blackbox_test

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	accessv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/access/v1"
	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
)

// The numbers that are none: one with a wrong check digit, one of ten equal digits.
const (
	wrongDigit = "9990002674"
	equalDigit = "9999999999"
)

// deviation is a call that differs from a permitted one in a single thing.
type deviation struct {
	name    string
	who     member
	token   string // instead of the member's, when set
	request proto.Message
	// status and reason of the refusal; 0 when it is still permitted.
	status int
	reason string
	// number of the person whom the event of the refusal names.
	number string
}

// accounted is a refusal whose event is looked up when the matrix is done.
type accounted struct {
	name, event string
	want        expectation
}

// matrix holds the rules of the contract against the suite: every RPC, every single deviation from its
// permitted baseline, over every surface, with status, reason and audit event.
func (s *suite) matrix(t *testing.T) {
	began, cast := time.Now().Add(-time.Second), s.cast(t)
	rows, calls := baselines(), []accounted{}
	for _, m := range contract(t) {
		row, ok := rows[m.full]
		if !ok {
			t.Errorf("%s is in the contract and has no row in baseline_test.go", m.full)
			continue
		}
		delete(rows, m.full)
		t.Run(strings.TrimPrefix(m.full, "/dcr.gateway.v1."), func(t *testing.T) {
			calls = append(calls, s.permitted(t, m, row, cast)...)
			for _, d := range cast.deviations(s, t, m, row) {
				calls = append(calls, s.deviates(t, m, d)...)
			}
		})
	}
	for name := range rows {
		t.Errorf("%s has a row and is not in the contract", name)
	}
	events := s.eventsSince(t, began)
	for _, call := range calls {
		if d := call.want.differs(events[call.event]); d != "" {
			t.Errorf("%s: %s", call.name, d)
		}
	}
	if len(calls) < 400 {
		t.Errorf("the matrix made only %d calls that are accounted for", len(calls))
	}
}

// permitted makes the baseline call over every surface.
func (s *suite) permitted(t *testing.T, m method, row baseline, cast *cast) (calls []accounted) {
	t.Helper()
	for _, on := range s.surfaces(m) {
		who, p := cast.good(m, row), row.person(s, t)
		r := on.call(t, who.token, row.make(s, t, who, p))
		if r.status != http.StatusOK {
			t.Fatalf("the baseline is refused over %s: %d %s %v %s", on.name, r.status, r.reason, r.fields, r.text)
		}
		outcome := auditv1.Outcome_OUTCOME_RELEASED
		switch m.rule.GetAccountedBy() {
		case accessv1.Accounting_ACCOUNTING_NONE:
			if r.eventID != "" {
				t.Errorf("over %s: an event for what discloses nothing", on.name)
			}
			continue
		case accessv1.Accounting_ACCOUNTING_SERVICE:
			outcome = auditv1.Outcome_OUTCOME_CHANGED
		}
		want := expectation{action: m.rule.GetAction(), outcome: outcome, who: who, surface: auditSurface(m, on), rpc: m.full}
		want.number = anyNumber
		if m.rule.GetPatientField() != "" {
			want.number = p.number
		}
		calls = append(calls, accounted{m.full + " permitted over " + on.name, r.eventID, want})
	}
	return calls
}

// deviates makes one deviating call over every surface.
func (s *suite) deviates(t *testing.T, m method, d deviation) (calls []accounted) {
	t.Helper()
	for _, on := range s.surfaces(m) {
		token := d.token
		if token == "" && d.who.subject != "" {
			token = d.who.token
		}
		r := on.call(t, token, d.request)
		if d.status == 0 {
			if r.status == http.StatusForbidden || r.status == http.StatusUnauthorized || r.status >= http.StatusInternalServerError {
				t.Errorf("%s over %s is refused: %d %s", d.name, on.name, r.status, r.reason)
			}
			continue
		}
		if problem := r.differs(d.status, d.reason); problem != "" {
			t.Errorf("%s over %s: %s", d.name, on.name, problem)
			continue
		}
		if r.raw != nil && on.name == "grpc" || r.message != nil {
			t.Errorf("%s over %s: a refusal with an answer", d.name, on.name)
		}
		if d.status == http.StatusUnauthorized {
			if r.eventID != "" {
				t.Errorf("%s over %s: an event of nobody known", d.name, on.name)
			}
			continue // counted, and summed up in one event: see tally
		}
		calls = append(calls, accounted{m.full + " " + d.name + " over " + on.name, r.eventID, expectation{
			action: m.rule.GetAction(), outcome: auditv1.Outcome_OUTCOME_REFUSED, reason: d.reason, number: d.number,
			who: d.who, surface: auditSurface(m, on), rpc: m.full,
		}})
	}
	return calls
}

// auditSurface is what the log calls the surface of a call.
func auditSurface(m method, on surface) string {
	if on.audit == "rest" && strings.HasPrefix(m.bindings[0].path, "/fhir/") {
		return "fhir"
	}
	return on.audit
}

// withNumber is a request about another NHS number.
func withNumber(m method, in proto.Message, number string) proto.Message {
	other := proto.Clone(in)
	field := other.ProtoReflect().Descriptor().Fields().ByName(protoreflect.Name(m.rule.GetPatientField()))
	other.ProtoReflect().Set(field, protoreflect.ValueOfString(number))
	return other
}

// person is whom a baseline call is about.
func (b baseline) person(s *suite, t *testing.T) person {
	t.Helper()
	if b.about != nil {
		return b.about(s, t)
	}
	return s.attendedAs(t, b.restricted)
}

// attendedAs is somebody whom the ambulance attends, restricted or not.
func (s *suite) attendedAs(t *testing.T, restricted bool) person {
	t.Helper()
	if !restricted {
		return s.attended(t)
	}
	p := s.newPerson(t)
	s.sends(t, ambulance, puts(p.patient(practice, object{
		"meta": object{"security": list{object{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}}},
	}), p.attendance("attendance-"+p.number)))
	return p
}

// permissions of a role, as the suite itself tells.
func (s *suite) permissions(t *testing.T, who member) []string {
	t.Helper()
	me := &gatewayv1.GetMeResponse{}
	s.ask(t, who, &gatewayv1.GetMeRequest{}).into(t, me)
	return slices.Clone(me.GetPermissions())
}

// ended ends a member's role.
func (s *suite) ended(t *testing.T, who member) member {
	t.Helper()
	s.ask(t, s.admin, &gatewayv1.EndStaffRoleRequest{RequestId: uuid.NewString(), StaffId: who.id, RoleId: who.roleID}).want(t, http.StatusOK, "")
	return who
}

// left ends a member.
func (s *suite) left(t *testing.T, who member) member {
	t.Helper()
	s.ask(t, s.admin, &gatewayv1.EndStaffRequest{RequestId: uuid.NewString(), StaffId: who.id}).want(t, http.StatusOK, "")
	return who
}

// tally: calls of nobody known are summed up in events, each call counted once. A gateway that stops writes
// what it still has.
func (s *suite) tally(t *testing.T) {
	for _, name := range []string{"gateway-1", "gateway-2"} {
		if err := s.stack.Process(name).Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	var counted int64
	for _, e := range s.events(t, &gatewayv1.ListEventsRequest{From: timestamppb.New(s.started), Action: "authentication.refused"}) {
		for _, mark := range e.GetMarks() {
			n, err := strconv.ParseInt(strings.TrimPrefix(mark, "count:"), 10, 64)
			if err != nil {
				t.Errorf("mark %q", mark)
			}
			counted += n
		}
		if e.GetOutcome() != auditv1.Outcome_OUTCOME_REFUSED || e.GetActor().GetKind() != auditv1.ActorKind_ACTOR_KIND_UNKNOWN {
			t.Errorf("an event of %v, %v", e.GetActor().GetKind(), e.GetOutcome())
		}
	}
	if counted != s.unknown.Load() {
		t.Errorf("the log counts %d calls of unknown callers, %d were refused", counted, s.unknown.Load())
	}
}
