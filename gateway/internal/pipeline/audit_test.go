package pipeline_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"

	"github.com/dorsetcarerecord/dcr/gateway/internal/access"
	"github.com/dorsetcarerecord/dcr/gateway/internal/pipeline"
	"github.com/dorsetcarerecord/dcr/internal/fault"
)

// once lets a hook run for the first call only.
func once(h hook) hook {
	var used atomic.Bool
	return func(ctx context.Context) error {
		if used.Swap(true) {
			return nil
		}
		return h(ctx)
	}
}

func unavailable(context.Context) error { return fault.Unavailable("AUDIT_UNAVAILABLE", "not now") }

// No audit, no data: whatever audit-svc does but store and confirm, nothing
// leaves, neither an answer nor the reason of a refusal.
func TestNothingLeavesWithoutAudit(t *testing.T) {
	broken := map[string]func(*audit){
		"unavailable":             func(a *audit) { a.before = unavailable },
		"hangs":                   func(a *audit) { a.before = hang },
		"stores and never says":   func(a *audit) { a.after = hang },
		"stores and loses answer": func(a *audit) { a.after = unavailable },
		"refuses the event": func(a *audit) {
			a.before = func(context.Context) error { return fault.Invalid("INVALID_EVENT", "id", "no") }
		},
		"conflict": func(a *audit) {
			a.before = func(context.Context) error { return fault.Duplicate("EVENT_CONFLICT", "other") }
		},
		"fails":                  func(a *audit) { a.before = func(context.Context) error { return errors.New("boom") } },
		"confirms nothing":       func(a *audit) { a.confirm = func(r *auditv1.AppendResponse) { r.Leaves = nil } },
		"confirms another event": func(a *audit) { a.confirm = func(r *auditv1.AppendResponse) { r.Leaves[0].EventId = "other" } },
	}
	for name, spoil := range broken {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSuite(t)
			s.audit.set(func() { spoil(s.audit) })
			var header metadata.MD
			answer, err := s.view(s.paramedic(), grpc.Header(&header))
			refused(t, answer, err, access.ReasonAuditUnavailable)
			if s.diary.count("handler") != 1 || len(header.Get(pipeline.HeaderEventID)) != 0 {
				t.Errorf("diary %v, header %v", s.diary.all(), header)
			}
			s.identity.set(func() { s.identity.staff.Relationships = nil })
			answer, err = s.view(s.paramedic())
			refused(t, answer, err, access.ReasonAuditUnavailable)
		})
	}
}

func TestUnknownOutcomeIsAskedAgainWithTheSameIDs(t *testing.T) {
	for name, spoil := range map[string]func(*audit){
		"unavailable":             func(a *audit) { a.before = once(unavailable) },
		"hangs":                   func(a *audit) { a.before = once(hang) },
		"stores and loses answer": func(a *audit) { a.after = once(unavailable) },
		"stores and never says":   func(a *audit) { a.after = once(hang) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSuite(t)
			s.audit.set(func() { spoil(s.audit) })
			if _, err := s.view(s.paramedic()); err != nil {
				t.Fatal(err)
			}
			tries := s.audit.requests()
			if len(tries) != 2 || tries[0].GetEvents()[0].GetId() != tries[1].GetEvents()[0].GetId() {
				t.Errorf("tries: %v", tries)
			}
			s.audit.only(t)
		})
	}
}

// The event is stored while the answer is held: the caller has nothing until
// audit-svc says that it is durable.
func TestAnswerWaitsForAudit(t *testing.T) {
	s := newSuite(t, func(c *pipeline.Config) { c.AuditTry, c.AuditLimit = 10*time.Second, 20*time.Second })
	arrived, open := make(chan struct{}), make(chan struct{})
	s.audit.set(func() {
		s.audit.after = func(ctx context.Context) error {
			close(arrived)
			select {
			case <-open:
			case <-ctx.Done():
			}
			s.diary.add("audit answers")
			return nil
		}
	})
	done := make(chan error, 1)
	go func() {
		_, err := s.view(s.paramedic())
		done <- err
	}()
	<-arrived
	if s.diary.count("answer") != 0 {
		t.Fatal("the answer left before its event was durable")
	}
	close(open)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	lines := s.diary.all()
	if n := len(lines); lines[n-3] != "event stored" || lines[n-2] != "audit answers" || lines[n-1] != "answer" {
		t.Errorf("order: %v", lines)
	}
}

// A caller who hangs up has asked all the same.
func TestCallersWhoLeaveAreAccountedFor(t *testing.T) {
	s := newSuite(t)
	ctx, leave := context.WithCancel(s.paramedic())
	stored := make(chan struct{})
	s.handler(func(ctx context.Context, c *pipeline.Call) error {
		leave()
		<-ctx.Done()
		c.Release(&auditv1.Disclosure{})
		return nil
	})
	s.audit.set(func() { s.audit.after = func(context.Context) error { close(stored); return nil } })
	if _, err := s.view(ctx); err == nil {
		t.Error("answered")
	}
	select {
	case <-stored:
		s.audit.only(t)
	case <-time.After(10 * time.Second):
		t.Error("no event")
	}
}

func TestMutationsAreAccountedForByTheirService(t *testing.T) {
	client := func(s *suite) error {
		_, err := gatewayv1.NewPatientServiceClient(s.conn).BreakRestriction(s.paramedic(), &gatewayv1.BreakRestrictionRequest{NhsNumber: person})
		return err
	}
	var attempt string
	handle := func(err error) func(context.Context, *pipeline.Call) error {
		return func(_ context.Context, c *pipeline.Call) error {
			attempt = c.EventContext().GetEventId()
			return err
		}
	}
	t.Run("done", func(t *testing.T) {
		s := newSuite(t)
		s.handler(handle(nil))
		if err := client(s); err != nil || len(s.audit.events()) != 0 {
			t.Errorf("%v, events %v", err, s.audit.events())
		}
	})
	for name, c := range map[string]struct {
		err     error
		reason  string
		outcome auditv1.Outcome
	}{
		"refused":         {fault.Precondition("NOT_RESTRICTED", "no"), "NOT_RESTRICTED", auditv1.Outcome_OUTCOME_REFUSED},
		"unknown outcome": {fault.Unavailable("UNAVAILABLE", "no"), "UNAVAILABLE", auditv1.Outcome_OUTCOME_FAILED},
		"failed":          {errors.New("boom"), "INTERNAL", auditv1.Outcome_OUTCOME_FAILED},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSuite(t)
			s.handler(handle(c.err))
			refused(t, nil, client(s), c.reason)
			e := s.audit.only(t)
			if e.GetId() == attempt || e.GetOutcome() != c.outcome || e.GetReason() != c.reason || e.GetNhsNumber() != person {
				t.Errorf("attempt %s, event %v", attempt, e)
			}
		})
	}
}

func TestEventContext(t *testing.T) {
	s := newSuite(t)
	var got *auditv1.EventContext
	s.handler(func(_ context.Context, c *pipeline.Call) error { got = c.EventContext(); return nil })
	var header metadata.MD
	_, err := gatewayv1.NewFhirServiceClient(s.conn).SubmitBundle(s.system(), &gatewayv1.SubmitBundleRequest{}, grpc.Header(&header))
	if err != nil {
		t.Fatal(err)
	}
	a := got.GetActor()
	if got.GetEventId() != header.Get(pipeline.HeaderEventID)[0] || got.GetAction() != "feed.submit" || got.GetBasis().GetPurpose() != "feed" ||
		a.GetKind() != auditv1.ActorKind_ACTOR_KIND_SYSTEM || a.GetOdsCode() != "RYF" || a.GetDisplay() != "feed-r0d" {
		t.Errorf("context %v", got)
	}
}

// Calls of nobody known are counted, and become one event.
func TestUnknownCallersAreSummedUp(t *testing.T) {
	s := newSuite(t, func(c *pipeline.Config) { c.TallyEvery = time.Hour })
	for range 3 {
		_, err := s.view(t.Context())
		refused(t, nil, err, access.ReasonUnauthenticated)
	}
	if len(s.audit.events()) != 0 {
		t.Fatalf("events %v", s.audit.events())
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	s.audit.set(func() { s.audit.before = unavailable })
	s.pipeline.Run(stopped)
	s.audit.set(func() { s.audit.before = nil })
	s.pipeline.Run(stopped)
	s.pipeline.Run(stopped)
	e := s.audit.only(t)
	if e.GetAction() != pipeline.ActionUnauthenticated || e.GetActor().GetKind() != auditv1.ActorKind_ACTOR_KIND_UNKNOWN ||
		e.GetMarks()[0] != "count:3" || e.GetReason() != access.ReasonUnauthenticated {
		t.Errorf("event %v", e)
	}
}
