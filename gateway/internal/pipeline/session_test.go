package pipeline_test

import (
	"context"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"

	"github.com/dorsetcarerecord/dcr/gateway/internal/access"
	"github.com/dorsetcarerecord/dcr/gateway/internal/pipeline"
)

// The first call of a session is an event of its own beside that of the call, in the same append, whatever
// became of the call; the next call says nothing more.
func TestFirstUseOfASessionIsAnEvent(t *testing.T) {
	for name, spoil := range map[string]func(*suite){
		"a view":    func(*suite) {},
		"a refusal": func(s *suite) { s.identity.staff.Relationships = nil },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSuite(t)
			s.identity.set(func() { spoil(s) })
			for range 2 {
				_, _ = s.view(s.paramedic())
			}
			begun := s.audit.sessions()
			if len(begun) != 1 || len(s.audit.requests()) != 2 {
				t.Fatalf("%d beginnings in %d appends", len(begun), len(s.audit.requests()))
			}
			e := begun[0]
			if e.GetOutcome() != auditv1.Outcome_OUTCOME_CHANGED || e.GetChange().GetResource() != "session" || e.GetChange().GetId() != "session-1" ||
				e.GetActor().GetStaffId() != staffID || e.GetActor().GetAssurance() != "AAL3_ANY" || e.GetNhsNumber() != "" {
				t.Errorf("event %v", e)
			}
			_, _ = s.view(s.as(s.issuer.Signed(s.issuer.StaffClaims(map[string]any{"sid": "session-2"}))))
			if n := len(s.audit.sessions()); n != 2 {
				t.Errorf("%d beginnings of two sessions", n)
			}
		})
	}
}

// A change is accounted for by its service; the session that made it is accounted for here.
func TestSessionThatOnlyChanges(t *testing.T) {
	s := newSuite(t)
	s.handler(func(context.Context, *pipeline.Call) error { return nil })
	client := gatewayv1.NewPatientServiceClient(s.conn)
	change := func() error {
		_, err := client.BreakRestriction(s.paramedic(), &gatewayv1.BreakRestrictionRequest{NhsNumber: person})
		return err
	}
	s.audit.set(func() { s.audit.before = unavailable })
	refused(t, nil, change(), access.ReasonAuditUnavailable)
	s.audit.set(func() { s.audit.before = nil })
	for range 2 {
		if err := change(); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(s.audit.sessions()); n != 1 {
		t.Errorf("%d beginnings, want the one that could be written", n)
	}
}

// What was asked for is in the event, a refused question too; never the person twice, nor a page's place.
func TestQueryOfEvents(t *testing.T) {
	s := newSuite(t)
	ask := func(in proto.Message) {
		t.Helper()
		switch in := in.(type) {
		case *gatewayv1.GetRecordRequest:
			_, _ = gatewayv1.NewRecordServiceClient(s.conn).GetRecord(s.paramedic(), in)
		case *gatewayv1.ListEntriesRequest:
			_, _ = gatewayv1.NewRecordServiceClient(s.conn).ListEntries(s.paramedic(), in)
		case *gatewayv1.BreakRestrictionRequest:
			_, _ = gatewayv1.NewPatientServiceClient(s.conn).BreakRestriction(s.paramedic(), in)
		}
	}
	s.identity.set(func() { s.identity.staff.Relationships = []*identityv1.CareRelationship{} })
	ask(&gatewayv1.GetRecordRequest{NhsNumber: person, Sections: []string{"allergies", "a b"}})
	ask(&gatewayv1.ListEntriesRequest{NhsNumber: person, Code: "22298006", PageToken: "sealed", PageSize: 7})
	ask(&gatewayv1.BreakRestrictionRequest{NhsNumber: person, ReasonText: "free text about somebody"})
	var got []string
	for _, e := range s.audit.events() {
		got = append(got, e.GetQuery())
	}
	want := []string{"sections=allergies&sections=a+b", "code=22298006&page_size=7", ""}
	if len(got) != len(want) || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] {
		t.Errorf("asked %q, want %q", got, want)
	}
}

// However many calls of nobody known arrive, and whatever they ask, a known caller's view is stored and
// answered: they wait for nothing and stand in nobody's way.
func TestFloodOfUnknownCallersKeepsNoRecordClosed(t *testing.T) {
	s := newSuite(t, func(c *pipeline.Config) { c.TallyEvery = 50 * time.Millisecond })
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { s.pipeline.Run(ctx); close(ended) }()
	// The log takes one append at a time, and each takes a while: a flood that reached it would fill it.
	turn := make(chan struct{}, 1)
	s.audit.set(func() {
		s.audit.before = func(ctx context.Context) error {
			select {
			case turn <- struct{}{}:
				defer func() { <-turn }()
			case <-ctx.Done():
				return ctx.Err()
			}
			select {
			case <-time.After(20 * time.Millisecond):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	})
	const callers = 40
	flooded := make(chan int, callers)
	for range callers {
		go func() {
			n := 0
			for ; ctx.Err() == nil; n++ {
				_, _ = s.view(t.Context())
			}
			flooded <- n
		}()
	}
	for range 5 {
		if _, err := s.view(s.paramedic()); err != nil {
			t.Errorf("a view in the flood: %v", err)
		}
	}
	stop()
	total := 0
	for range callers {
		total += <-flooded
	}
	<-ended
	views, sums := 0, 0
	for _, e := range s.audit.events() {
		if e.GetAction() == pipeline.ActionUnauthenticated {
			sums++
		} else {
			views++
		}
	}
	if views != 5 || total < 20*sums {
		t.Errorf("%d views stored; %d calls of unknown callers became %d events", views, total, sums)
	}
}

// A sum that may have been stored is sent again as it was, so that it is counted once.
func TestSumOfUnknownOutcomeIsCountedOnce(t *testing.T) {
	s := newSuite(t, func(c *pipeline.Config) { c.TallyEvery = time.Hour })
	stopped, stop := context.WithCancel(t.Context())
	stop()
	_, err := s.view(t.Context())
	refused(t, nil, err, access.ReasonUnauthenticated)
	s.audit.set(func() { s.audit.after = unavailable })
	s.pipeline.Run(stopped)
	s.audit.set(func() { s.audit.after = nil })
	s.pipeline.Run(stopped)
	if e := s.audit.only(t); e.GetMarks()[0] != "count:1" {
		t.Errorf("event %v", e)
	}
}
