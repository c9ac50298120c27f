package app

import (
	"slices"
	"testing"
	"time"

	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
	"github.com/google/uuid"
)

// reverses undoes a request.
func (s *suite) reverses(id string, renew bool) (*optoutv1.ReverseOptOutResponse, error) {
	s.t.Helper()
	return s.writer().ReverseOptOut(limit(s.t), &optoutv1.ReverseOptOutRequest{
		RequestId: uuid.NewString(), Id: id, Note: "another person of the same name", Renew: renew, Event: event("opt_out.reverse"),
	})
}

// TestReversalRestores: what was in force before a request for the wrong person is in force again, whichever it
// was, by a choice of its own; both histories say so; and the request itself can go on for the right person.
func TestReversalRestores(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	s.people.enter(mary())
	out := s.mustRegister(optOut(person))
	done, err := s.reverses(out.GetId(), true)
	if err != nil {
		t.Fatal(err)
	}
	s.wantState(done.GetOptOut(), reversed)
	s.wantChoice(person, 2, false)
	s.await("opened", func() bool { return s.record.has(person) == kept{2, false} })
	old := s.get(out.GetId())
	if got := events(old); !slices.Contains(got, "reverse") {
		t.Errorf("history %v", got)
	}
	if c := old.GetPersonChoices(); len(c) != 2 || c[1].GetCause() != "reversal" || c[1].GetOptOutId() != out.GetId() || c[1].GetChoice() != optoutv1.Choice_CHOICE_IN {
		t.Errorf("choices %v", c)
	}
	renewed := s.get(done.GetRenewed().GetId())
	s.wantState(renewed, needsMatching, waitsMatch, waitsEvidence)
	if renewed.GetRenews() != out.GetId() || old.GetRenewedAs() != renewed.GetId() || renewed.GetReference() == out.GetReference() ||
		renewed.GetSteps()[0].GetRelatedId() != out.GetId() || renewed.GetClaimed().GetFamilyName() != "Anning" {
		t.Errorf("renewed %v", renewed)
	}
	again, err := s.reverses(out.GetId(), false)
	wantReason(t, err, "REQUEST_CLOSED")
	if again != nil {
		t.Errorf("answer %v", again)
	}

	// A wrong opting back in: the person is out again.
	out = s.mustRegister(optOut(person))
	in := s.mustWithdraw(out.GetId())
	_, err = s.reverses(out.GetId(), false)
	wantReason(t, err, "NOT_IN_FORCE")
	if _, err := s.reverses(in.GetId(), false); err != nil {
		t.Fatal(err)
	}
	s.wantChoice(person, 5, true)
	s.await("sealed", func() bool { return s.record.has(person) == kept{5, true} })
}

// TestRequestsEnd: an open request is withdrawn or refused, once, with its reason, and changes nothing.
func TestRequestsEnd(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	s.people.enter(mary())
	hold := func() string {
		req := optOut(person)
		req.Hold = true
		return s.mustRegister(req).GetId()
	}
	first := s.mustWithdraw(hold())
	s.wantState(first, withdrawn)
	wantHistory(t, s.get(first.GetId()), "submit", "match", "withdraw")
	_, err := s.writer().WithdrawOptOut(limit(t), optIn(first.GetId()))
	wantReason(t, err, "NOT_OPTED_OUT")

	refuse := func(id, reason string) (*optoutv1.OptOut, error) {
		resp, err := s.writer().RefuseOptOut(limit(t), &optoutv1.RefuseOptOutRequest{
			RequestId: uuid.NewString(), Id: id, Reason: reason, Note: "asked twice", Event: event("opt_out.refuse"),
		})
		return resp.GetOptOut(), err
	}
	second := hold()
	_, err = refuse(second, "not_confirmed")
	wantField(t, "the system's reason", err, "reason")
	done, err := refuse(second, "evidence_missing")
	if err != nil {
		t.Fatal(err)
	}
	s.wantState(done, refused)
	if last := done.GetSteps()[len(done.GetSteps())-1]; last.GetReason() != "evidence_missing" || last.GetNote() != "asked twice" {
		t.Errorf("step %v", last)
	}
	_, err = refuse(second, "other")
	wantReason(t, err, "REQUEST_CLOSED")
	asked, err := s.writer().RequestEvidence(limit(t), &optoutv1.RequestEvidenceRequest{
		RequestId: uuid.NewString(), Id: hold(), Event: event("opt_out.request_evidence"),
	})
	if err != nil {
		t.Fatal(err)
	}
	s.wantState(asked.GetOptOut(), needsEvidence, waitsEvidence)
	kinds := map[optoutv1.LetterKind]int{}
	for _, l := range asked.GetOptOut().GetLetters() {
		kinds[l.GetKind()]++
	}
	if kinds[optoutv1.LetterKind_LETTER_KIND_EVIDENCE_WANTED] != 1 || kinds[optoutv1.LetterKind_LETTER_KIND_ACKNOWLEDGEMENT] != 1 {
		t.Errorf("letters %v", kinds)
	}
	s.wantRows("choice", 0)
}

// TestRepeatedMessagesChangeNothing: every message that there ever was, delivered once more and late, leaves
// requests, choices and letters as they are.
func TestRepeatedMessagesChangeNothing(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	s.people.enter(mary())
	if _, err := s.db.Owner.Exec(`CREATE TABLE seen AS SELECT * FROM outbox WHERE false;
		CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN INSERT INTO seen SELECT NEW.*; RETURN NULL; END $$;
		CREATE TRIGGER kept AFTER INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION keep()`); err != nil {
		t.Fatal(err)
	}
	got := s.submits(form(mary()))
	if _, err := s.confirms(got.GetReference(), s.code(got.GetId())); err != nil {
		t.Fatal(err)
	}
	s.await("confirmed", func() bool { return s.confirmed(got.GetId()) })
	s.mustWithdraw(got.GetId())
	s.await("opened", func() bool { return s.record.has(person) == kept{2, false} })
	s.await("delivered", func() bool { return s.count("SELECT count(*) FROM outbox") == 0 })
	before := s.counts()
	if _, err := s.db.Owner.Exec(`DROP TRIGGER kept ON outbox;
		INSERT INTO outbox (key, turn, id, topic, payload)
		SELECT s.key, 1000 + row_number() OVER (ORDER BY s.created_at, s.turn), gen_random_uuid(), s.topic, s.payload
		FROM seen s, generate_series(1, 2) WHERE s.topic <> 'audit.event'`); err != nil {
		t.Fatal(err)
	}
	s.await("delivered again", func() bool { return s.count("SELECT count(*) FROM outbox") == 0 })
	if after := s.counts(); !slices.Equal(before, after) {
		t.Errorf("rows before %v, after %v", before, after)
	}
	s.wantChoice(person, 2, false)
	if k := s.record.has(person); k != (kept{2, false}) {
		t.Errorf("record-svc keeps %+v", k)
	}
}

func (s *suite) count(query string) int {
	s.t.Helper()
	var n int
	if err := s.db.Owner.Get(&n, query); err != nil {
		s.t.Fatal(err)
	}
	return n
}

func (s *suite) counts() []int {
	s.t.Helper()
	var all []int
	for _, table := range []string{"opt_out", "step", "choice", "letter", "evidence", "claim"} {
		all = append(all, s.count("SELECT count(*) FROM "+table))
	}
	return append(all, s.count("SELECT coalesce(sum(steps), 0) FROM opt_out"), len(s.audit.taken()))
}

// TestQueuesAndStatistics: what is open, near its date and past it, by channel and month, and how long effects took.
func TestQueuesAndStatistics(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	s.people.enter(mary())
	begin := func(number string, daysAgo int, channel optoutv1.Channel, hold bool) *optoutv1.OptOut {
		req := optOut(number)
		req.Channel, req.Hold, req.ReceivedAt = channel, hold, stampAt(-time.Duration(daysAgo)*24*time.Hour)
		return s.mustRegister(req)
	}
	const telephone, post = optoutv1.Channel_CHANNEL_TELEPHONE, optoutv1.Channel_CHANNEL_POST
	late := begin("9990000018", 16, post, true)
	near := begin("9990000026", 13, telephone, true)
	open := begin("9990000034", 1, telephone, true)
	done := begin("9990000042", 2, post, false)
	overdue := begin("9990000050", 20, telephone, false)
	list := func(queue optoutv1.Queue, channel optoutv1.Channel, state optoutv1.RequestState) []string {
		t.Helper()
		resp, err := s.reader().ListOptOuts(limit(t), &optoutv1.ListOptOutsRequest{Queue: queue, Channel: channel, RequestState: state})
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, o := range resp.GetOptOuts() {
			ids = append(ids, o.GetId())
			if len(o.GetSteps()) > 0 || o.GetOverdue() != (o.GetId() == late.GetId()) || o.GetNearDue() != (o.GetId() == late.GetId() || o.GetId() == near.GetId()) {
				t.Errorf("listed %v", o)
			}
		}
		return ids
	}
	for name, c := range map[string]struct{ got, want []string }{
		"all":               {list(0, 0, 0), []string{overdue.GetId(), done.GetId(), open.GetId(), near.GetId(), late.GetId()}},
		"open":              {list(optoutv1.Queue_QUEUE_OPEN, 0, 0), []string{open.GetId(), near.GetId(), late.GetId()}},
		"open by telephone": {list(optoutv1.Queue_QUEUE_OPEN, telephone, 0), []string{open.GetId(), near.GetId()}},
		"near due":          {list(optoutv1.Queue_QUEUE_NEAR_DUE, 0, 0), []string{near.GetId(), late.GetId()}},
		"overdue":           {list(optoutv1.Queue_QUEUE_OVERDUE, 0, 0), []string{late.GetId()}},
		"effective by post": {list(0, post, effective), []string{done.GetId()}},
		"unconfirmed":       {list(optoutv1.Queue_QUEUE_UNCONFIRMED, 0, 0), nil},
	} {
		if !slices.Equal(c.got, c.want) {
			t.Errorf("%s: %v, want %v", name, c.got, c.want)
		}
	}
	month := func(d time.Duration) string { return time.Now().Add(d).Format("2006-01") }
	got, err := s.reader().GetStatistics(limit(t), &optoutv1.GetStatisticsRequest{FromMonth: month(-30 * 24 * time.Hour), ToMonth: month(0)})
	if err != nil {
		t.Fatal(err)
	}
	total := got.GetTotal()
	if total.GetReceivedOut() != 5 || total.GetEffective() != 2 || total.GetOpen() != 3 || total.GetConfirmedLate() != 1 ||
		got.GetOpenNow() != 3 || got.GetNearDueNow() != 2 || got.GetOverdueNow() != 1 {
		t.Errorf("statistics %v", got)
	}
	const day = 24 * 3600
	if m, p := total.GetMedianSeconds(), total.GetP95Seconds(); m < 2*day || m > 2*day+600 || p < 20*day || p > 20*day+600 {
		t.Errorf("median %d, 95th %d", m, p)
	}
	var rows int32
	for _, r := range got.GetRows() {
		rows += r.GetReceivedOut()
		if r.GetMonth() == "" || r.GetChannel() == 0 {
			t.Errorf("row %v", r)
		}
	}
	if rows != 5 {
		t.Errorf("rows hold %d requests", rows)
	}
	for _, months := range [][2]string{{"2026-13", "2026-12"}, {"2026-02", "2026-01"}, {"2020-01", "2026-01"}} {
		_, err := s.reader().GetStatistics(limit(t), &optoutv1.GetStatisticsRequest{FromMonth: months[0], ToMonth: months[1]})
		wantReason(t, err, "INVALID_ARGUMENT")
	}
}
