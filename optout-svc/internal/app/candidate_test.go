package app

import (
	"testing"
	"time"

	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
)

// TestCandidatesAreNobodysRequests: nobody asked us for what an older register says, so a candidate is due at no
// time, is in no count, and nobody is written to, until it takes effect; then its person is told.
func TestCandidatesAreNobodysRequests(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	people := folk(2)
	s.people.enter(people[0])
	s.people.enter(people[1])
	got := s.imports(false, row("1", people[0]), row("2", people[1]), row("3", somebody{family: "Nobody", born: "1990-01-01"}))
	s.await("compared", func() bool { p := s.progress(); return p.GetReady() == 2 && p.GetWaiting() == 1 })
	for _, r := range got {
		o := s.get(r.GetOptOutId())
		if o.GetDueAt() != nil || o.GetNearDue() || o.GetOverdue() || len(o.GetLetters()) > 0 {
			t.Errorf("a candidate is due or written to: %v", o)
		}
	}
	for _, queue := range []optoutv1.Queue{optoutv1.Queue_QUEUE_NEAR_DUE, optoutv1.Queue_QUEUE_OVERDUE} {
		resp, err := s.reader().ListOptOuts(limit(t), &optoutv1.ListOptOutsRequest{Queue: queue})
		if err != nil || len(resp.GetOptOuts()) > 0 {
			t.Errorf("%v: %v, %v", queue, resp, err)
		}
	}
	counts, err := s.reader().GetStatistics(limit(t), &optoutv1.GetStatisticsRequest{FromMonth: "2024-01", ToMonth: "2024-12"})
	if err != nil || len(counts.GetRows()) > 0 || counts.GetOpenNow()+counts.GetNearDueNow()+counts.GetOverdueNow() > 0 {
		t.Errorf("candidates are counted: %v, %v", counts, err)
	}
	// Somebody who opts out while a candidate names them: the candidate is a duplicate, of which nobody is told.
	meanwhile := optOut(people[1].number)
	meanwhile.Claimed = &optoutv1.ClaimedPerson{FamilyName: people[1].family, BirthDate: people[1].born}
	s.mustRegister(meanwhile)
	if _, err := s.makes(got[0].GetOptOutId()); err != nil {
		t.Fatal(err)
	}
	s.awaitLetter(got[0].GetOptOutId(), optoutv1.LetterKind_LETTER_KIND_EFFECT_CONFIRMED, optoutv1.LetterState_LETTER_STATE_SENT)
	duplicate, err := s.makes(got[1].GetOptOutId())
	if err != nil || duplicate.GetRequestState() != refused || len(duplicate.GetLetters()) > 0 {
		t.Errorf("duplicate %v, %v", duplicate, err)
	}
	if made := s.get(got[0].GetOptOutId()); made.GetConfirmedAt().AsTime().Before(time.Now().Add(-time.Hour)) {
		t.Errorf("made effective: %v", made)
	}
}
