package fault_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/dorsetcarerecord/dcr/e2e/stack"
)

// testFeedTwice: a bundle that is sent again while its first copy is being stored is stored once.
func testFeedTwice(t *testing.T, s *suite) {
	const copies = 6
	person := s.county.People[3]
	token := s.system(t, person.PracticeODS)
	for round := range soaking(3) {
		n := note{person, fmt.Sprintf("twice-%d", round), time.Now()}
		var senders sync.WaitGroup
		for i := range copies {
			senders.Go(func() {
				if f := submit(t.Context(), s.inTurn(i), token, n); f.status != http.StatusOK {
					t.Errorf("copy %d: %s", i, f)
				}
			})
		}
		senders.Wait()
		if got := s.entries(t, n); got != 1 {
			t.Errorf("%d copies at once are %d entries", copies, got)
		}
	}
}

// testFeedTogether: two organisations' feeds for one person at the same moment both count.
func testFeedTogether(t *testing.T, s *suite) {
	person := s.county.People[3]
	for round := range soaking(3) {
		var notes []note
		var senders sync.WaitGroup
		for i, source := range []string{person.PracticeODS, "R0D", "RYF"} {
			n := note{person, fmt.Sprintf("together-%s-%d", source, round), time.Now()}
			notes = append(notes, n)
			token := s.system(t, source)
			senders.Go(func() {
				if f := submit(t.Context(), s.inTurn(i), token, n); f.status != http.StatusOK {
					t.Errorf("%s: %s", source, f)
				}
			})
		}
		senders.Wait()
		for _, n := range notes {
			if got := s.entries(t, n); got != 1 {
				t.Errorf("the note %s is there %d times", n.code, got)
			}
		}
	}
}

// testFeedCut: record-svc is killed while it stores a bundle. All of it is there, or nothing; sent again, it is
// there once. The moment of the kill moves through the time that storing takes.
func testFeedCut(t *testing.T, s *suite) {
	const size = 150
	takes, lost := time.Duration(0), 0
	for round := range soaking(8) {
		// A record grows from round to round, and with it the time that storing takes: so several people take turns.
		person := s.county.People[4+round%8]
		token := s.system(t, person.PracticeODS)
		n := note{person, fmt.Sprintf("cut-%d", round), time.Now()}
		bundle := n.repeated(size)
		answered := make(chan *stack.Answer, 1)
		go func() {
			answer, err := s.inTurn(round).Submit(t.Context(), token, bundle)
			if err != nil {
				answer = &stack.Answer{}
			}
			answered <- answer
		}()
		rest(t.Context(), takes*time.Duration(round%8)/7)
		s.each(t, "record-svc", (*stack.Process).Kill)
		first := <-answered
		s.each(t, "record-svc", start(t.Context()))
		s.awaitViews(t)
		found := s.entries(t, n)
		switch {
		case first.Status == http.StatusOK && found != size:
			t.Errorf("acknowledged and cut: %d of %d entries", found, size)
		case found != 0 && found != size:
			t.Errorf("a part was stored: %d of %d entries", found, size)
		case found == 0:
			lost++
		}
		began := time.Now()
		again, err := s.inTurn(round).Submit(t.Context(), token, bundle)
		if err == nil {
			err = again.Err()
		}
		if err != nil {
			t.Errorf("sent again: %v", err)
		}
		takes = max(takes, time.Since(began))
		if found = s.entries(t, n); found != size {
			t.Errorf("sent again: %d of %d entries", found, size)
		}
	}
	t.Logf("a bundle takes %s; of %d bundles %d were lost by the kill and stored when sent again",
		takes.Round(time.Millisecond), soaking(8), lost)
	if lost == 0 {
		t.Error("no kill hit a bundle: the run proves nothing")
	}
}
