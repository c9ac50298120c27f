package app

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/dorsetcarerecord/dcr/internal/fault"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/reference"
)

// TestRegisterIsAccountedSealedAndConfirmed: when the answer leaves, audit-svc and record-svc have it.
func TestRegisterIsAccountedSealedAndConfirmed(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	s.wantChoice(person, 0, false)
	req := optOut(person)
	got := s.mustRegister(req)
	if got.GetState() != optoutv1.EffectState_EFFECT_STATE_CONFIRMED || got.GetConfirmedAt() == nil ||
		got.GetChoice() != optoutv1.Choice_CHOICE_OUT || got.GetChoiceNumber() != 1 || got.GetEvidence() != "call 4711" {
		t.Errorf("answer %v", got)
	}
	if _, err := reference.Parse(got.GetReference()); err != nil {
		t.Errorf("reference %q: %v", got.GetReference(), err)
	}
	s.wantChoice(person, 1, true)
	s.wantChoice(otherPerson, 0, false)
	if k := s.record.has(person); k != (kept{1, true}) {
		t.Errorf("record-svc keeps %+v", k)
	}
	events := s.audit.taken()
	if len(events) != 1 {
		t.Fatalf("%d events, want 1", len(events))
	}
	want := &auditv1.Event{
		Id: req.GetEvent().GetEventId(), OccurredAt: got.GetRegisteredAt(), Action: "opt_out.register",
		Outcome: auditv1.Outcome_OUTCOME_CHANGED, Actor: req.GetEvent().GetActor(), NhsNumber: person, Basis: req.GetEvent().GetBasis(),
		Change: &auditv1.Change{Resource: "opt_out", Id: got.GetId(), Summary: "registered as choice 1"},
	}
	if diff := cmp.Diff(want, events[0], protocmp.Transform()); diff != "" {
		t.Errorf("event (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(got, s.get(got.GetId()), protocmp.Transform()); diff != "" {
		t.Errorf("read again (-answered +read):\n%s", diff)
	}
}

// TestOutInOut goes through a person's choices and what is refused on the way.
func TestOutInOut(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	first := s.mustRegister(optOut(person))
	in := s.mustWithdraw(first.GetId())
	if in.GetChoiceNumber() != 2 || in.GetChoice() != optoutv1.Choice_CHOICE_IN || in.GetState() != optoutv1.EffectState_EFFECT_STATE_CONFIRMED {
		t.Errorf("withdrawn: %v", in)
	}
	s.wantChoice(person, 2, false)
	if k := s.record.has(person); k != (kept{2, false}) {
		t.Errorf("record-svc keeps %+v", k)
	}
	if st := s.get(first.GetId()).GetState(); st != optoutv1.EffectState_EFFECT_STATE_SUPERSEDED {
		t.Errorf("the first is %v, want superseded", st)
	}
	for id, reason := range map[string]string{
		first.GetId(): "NOT_OPTED_OUT", in.GetId(): "NOT_OPTED_OUT", uuid.NewString(): "OPT_OUT_NOT_FOUND", "x": "OPT_OUT_NOT_FOUND",
	} {
		_, err := s.writer().WithdrawOptOut(limit(t), optIn(id))
		wantReason(t, err, reason)
	}
	again := s.mustRegister(optOut(person))
	if again.GetChoiceNumber() != 3 || again.GetReference() == first.GetReference() {
		t.Errorf("out again: %v", again)
	}
	if events := s.audit.taken(); len(events) != 3 || events[1].GetChange().GetSummary() != "withdrawn as choice 2" {
		t.Errorf("events %v", events)
	}
}

// TestTwoChannelsAtOnce: of many requests for one person at the same instant one wins, and each of the
// others is told the reference of that one; also for a person who had opted out and come back.
func TestTwoChannelsAtOnce(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	s.race(1)
	s.mustWithdraw(s.only().GetId())
	s.race(3)
	if n := len(s.audit.taken()); n != 3 {
		t.Errorf("%d events of changes, want 3", n)
	}
}

// only is the choice in force, as the list has it.
func (s *suite) only() *optoutv1.OptOut {
	s.t.Helper()
	resp, err := s.reader().ListOptOuts(limit(s.t), &optoutv1.ListOptOutsRequest{NhsNumber: person, PageSize: 1})
	if err != nil || len(resp.GetOptOuts()) != 1 {
		s.t.Fatalf("list: %v, %v", resp, err)
	}
	return resp.GetOptOuts()[0]
}

// race has the person opted out through all channels at once; number is that of the choice that comes of it.
func (s *suite) race(number int64) {
	s.t.Helper()
	writer := s.writer()
	errs := make([]error, 16)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() {
			req := optOut(person)
			req.Channel = []optoutv1.Channel{optoutv1.Channel_CHANNEL_TELEPHONE, optoutv1.Channel_CHANNEL_POST, optoutv1.Channel_CHANNEL_LEAFLET}[i%3]
			_, errs[i] = writer.RegisterOptOut(limit(s.t), req)
		})
	}
	all.Wait()
	won := 0
	if !slices.Contains(errs, nil) {
		s.t.Fatalf("nobody won: %v", errs[0])
	}
	first := s.only().GetReference()
	for _, err := range errs {
		if err == nil {
			won++
			continue
		}
		wantReason(s.t, err, "ALREADY_OPTED_OUT")
		if f := fault.FromStatus(err); f.Kind != fault.KindDuplicate || f.Metadata["reference"] != first {
			s.t.Errorf("a duplicate is told %+v, want the reference %s", f, first)
		}
	}
	if won != 1 {
		s.t.Errorf("%d won", won)
	}
	s.wantChoice(person, number, true)
}

// TestSameRequestAgain: a request id is one change; under it nothing else can be asked, and nobody else
// can fetch its answer.
func TestSameRequestAgain(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	req := optOut(person)
	first := s.mustRegister(req)
	req.Event = event("opt_out.register")
	s.people.set(down) // who asks again is not asked about again
	if diff := cmp.Diff(first, s.mustRegister(req), protocmp.Transform()); diff != "" {
		t.Errorf("answers differ (-first +again):\n%s", diff)
	}
	s.people.set(well)
	req.Evidence = "another call"
	_, err := s.writer().RegisterOptOut(limit(t), req)
	wantReason(t, err, "REQUEST_ID_REUSED")
	req.Evidence, req.Event = "call 4711", event("opt_out.register")
	req.Event.Actor.StaffId = "privacy-officer-2"
	_, err = s.writer().RegisterOptOut(limit(t), req)
	wantReason(t, err, "ALREADY_OPTED_OUT")
	if n := len(s.audit.taken()); n != 1 {
		t.Errorf("%d events, want 1", n)
	}
	withdrawal := optIn(first.GetId())
	in, err := s.writer().WithdrawOptOut(limit(t), withdrawal)
	if err != nil {
		t.Fatal(err)
	}
	withdrawal.Event = event("opt_out.withdraw")
	again, err := s.writer().WithdrawOptOut(limit(t), withdrawal)
	if err != nil || again.GetOptOut().GetId() != in.GetOptOut().GetId() {
		t.Errorf("withdrawal again: %v, %v", again, err)
	}
}

// TestBadInput: each is refused with its reason and field, and changes nothing.
func TestBadInput(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	for name, c := range map[string]struct {
		reason, field string
		change        func(*optoutv1.RegisterOptOutRequest)
	}{
		"check digit":     {"INVALID_NHS_NUMBER", "nhs_number", func(r *optoutv1.RegisterOptOutRequest) { r.NhsNumber = "9990000019" }},
		"ten equal":       {"INVALID_NHS_NUMBER", "nhs_number", func(r *optoutv1.RegisterOptOutRequest) { r.NhsNumber = "1111111111" }},
		"no request id":   {"INVALID_ARGUMENT", "request_id", func(r *optoutv1.RegisterOptOutRequest) { r.RequestId = "" }},
		"no channel":      {"INVALID_ARGUMENT", "channel", func(r *optoutv1.RegisterOptOutRequest) { r.Channel = 0 }},
		"unknown channel": {"INVALID_ARGUMENT", "channel", func(r *optoutv1.RegisterOptOutRequest) { r.Channel = 99 }},
		"no evidence":     {"INVALID_ARGUMENT", "evidence", func(r *optoutv1.RegisterOptOutRequest) { r.Evidence = "" }},
		"zero byte":       {"INVALID_ARGUMENT", "evidence", func(r *optoutv1.RegisterOptOutRequest) { r.Evidence = "a\x00b" }},
		"no requester":    {"INVALID_ARGUMENT", "requester", func(r *optoutv1.RegisterOptOutRequest) { r.Requester = 0 }},
		"from the future": {"INVALID_ARGUMENT", "received_at", func(r *optoutv1.RegisterOptOutRequest) { r.ReceivedAt = stampAt(time.Hour) }},
		"no event":        {"INVALID_ARGUMENT", "event", func(r *optoutv1.RegisterOptOutRequest) { r.Event = nil }},
		"event id of v4":  {"INVALID_ARGUMENT", "event.event_id", func(r *optoutv1.RegisterOptOutRequest) { r.Event.EventId = uuid.NewString() }},
		"nobody":          {"INVALID_ARGUMENT", "event.actor", func(r *optoutv1.RegisterOptOutRequest) { r.Event.Actor = nil }},
	} {
		req := optOut(person)
		c.change(req)
		_, err := s.writer().RegisterOptOut(limit(t), req)
		f := fault.FromStatus(err)
		if f == nil || f.Reason != c.reason || len(f.Fields) == 0 || f.Fields[0].Name != c.field {
			t.Errorf("%s: %v, want %s of %s", name, err, c.reason, c.field)
		}
	}
	s.wantChoice(person, 0, false)
	if n := len(s.audit.taken()); n != 0 {
		t.Errorf("%d events of refused requests", n)
	}
	_, err := s.choices().GetChoice(limit(t), &optoutv1.GetChoiceRequest{NhsNumber: "9990000019"})
	wantReason(t, err, "INVALID_NHS_NUMBER")
}

// TestList shows choices newest first, of all or of one person, page by page.
func TestList(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	a := s.mustRegister(optOut(person))
	b := s.mustRegister(optOut(otherPerson))
	c := s.mustWithdraw(a.GetId())
	list := func(nhsNumber, after string) (ids []string, next string) {
		t.Helper()
		resp, err := s.reader().ListOptOuts(limit(t), &optoutv1.ListOptOutsRequest{NhsNumber: nhsNumber, PageSize: 2, AfterId: after})
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range resp.GetOptOuts() {
			ids = append(ids, o.GetId())
		}
		return ids, resp.GetNextAfterId()
	}
	page, next := list("", "")
	if !slices.Equal(page, []string{c.GetId(), b.GetId()}) || next != b.GetId() {
		t.Errorf("first page %v, next %s", page, next)
	}
	if page, next = list("", next); !slices.Equal(page, []string{a.GetId()}) || next != "" {
		t.Errorf("second page %v, next %q", page, next)
	}
	if page, _ = list(person, ""); !slices.Equal(page, []string{c.GetId(), a.GetId()}) {
		t.Errorf("one person's: %v", page)
	}
	_, err := s.reader().ListOptOuts(limit(t), &optoutv1.ListOptOutsRequest{AfterId: "x"})
	wantReason(t, err, "INVALID_PAGE_TOKEN")
	_, err = s.reader().GetOptOut(limit(t), &optoutv1.GetOptOutRequest{Id: uuid.NewString()})
	wantReason(t, err, "OPT_OUT_NOT_FOUND")
}

// TestCallers: the gateway alone, for everything that people ask for.
func TestCallers(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	for _, caller := range []string{recordSvc, auditSvc, "dcrctl", name} {
		conn := s.dial(caller)
		calls := map[string]func() error{
			"GetChoice": func() error {
				_, err := optoutv1.NewChoiceServiceClient(conn).GetChoice(limit(t), &optoutv1.GetChoiceRequest{NhsNumber: person})
				return err
			},
			"ListOptOuts": func() error {
				_, err := optoutv1.NewOptOutReadServiceClient(conn).ListOptOuts(limit(t), &optoutv1.ListOptOutsRequest{})
				return err
			},
			"RegisterOptOut": func() error {
				_, err := optoutv1.NewOptOutWriteServiceClient(conn).RegisterOptOut(limit(t), optOut(person))
				return err
			},
			"SubmitOptOut": func() error {
				_, err := optoutv1.NewOptOutPublicServiceClient(conn).SubmitOptOut(limit(t), form(mary()))
				return err
			},
			"GetDocument": func() error {
				_, err := optoutv1.NewOptOutDocumentServiceClient(conn).GetDocument(limit(t), &optoutv1.GetDocumentRequest{})
				return err
			},
			"ExportOptOuts": func() error {
				_, err := optoutv1.NewOptOutImportServiceClient(conn).ExportOptOuts(limit(t), &optoutv1.ExportOptOutsRequest{})
				return err
			},
			"GetLetter": func() error {
				_, err := optoutv1.NewLetterServiceClient(conn).GetLetter(limit(t), &optoutv1.GetLetterRequest{})
				return err
			},
		}
		for method, call := range calls {
			if err := call(); status.Code(err) != codes.PermissionDenied {
				t.Errorf("%s by %s: %v, want PermissionDenied", method, caller, err)
			}
		}
	}
	s.wantChoice(person, 0, false)
}

// TestHistoryIsNotRewritten: the application role adds to what was asked, shown, decided and chosen, and rewrites
// none of it.
func TestHistoryIsNotRewritten(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	s.mustRegister(optOut(person))
	for _, text := range []string{
		"UPDATE opt_out SET sealed = false",
		"UPDATE opt_out SET evidence = 'other'",
		"UPDATE opt_out SET requester = 2",
		"UPDATE choice SET sealed = false",
		"UPDATE step SET note = 'other'",
		"UPDATE claim SET family_name = 'other'",
		"UPDATE evidence SET note = 'other'",
		"UPDATE document SET content = ''",
		"DELETE FROM choice",
		"DELETE FROM step",
		"DELETE FROM evidence",
		"DELETE FROM document",
		"DELETE FROM letter",
		"DELETE FROM opt_out",
		"DELETE FROM choice_in_force",
		"TRUNCATE opt_out",
		"DROP TABLE opt_out",
	} {
		if _, err := s.db.App.ExecContext(context.Background(), text); err == nil {
			t.Errorf("the application role may: %s", text)
		}
	}
	s.wantChoice(person, 1, true)
}
