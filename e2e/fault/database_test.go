package fault_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/dorsetcarerecord/dcr/e2e/county"
)

// testDatabaseKilled: PostgreSQL is killed under load and starts again. Nothing was disclosed that is not in the
// log, no acknowledged change is lost, and a change without an answer is made once when it is asked for again.
func testDatabaseKilled(t *testing.T, s *suite) {
	w := s.watched(t, 5)[4]
	readers := append(w.readers, s.pairs(t, viewers)...)
	work := startLoad(t.Context(), readers, s.inTurn)
	defer work.cancel()
	notes := s.startFeeds(t, s.county.People[2], "crash", s.inTurn, true)
	defer notes.cancel()
	c := &chooser{token: s.staff(t, county.PrivacyOfficerCode).Token, person: w.person, pick: s.inTurn}
	choosing := make(chan struct{})
	go func() {
		defer close(choosing)
		chooseAll(t, []*chooser{c}, soaking(8))
	}()
	shown := func(l look) bool { return l.released() }
	for range soaking(2) {
		work.awaitMore(t, recoverLimit, 5*viewers, "records shown", shown)
		if err := s.stack.KillDatabase(); err != nil {
			t.Fatal(err)
		}
		work.awaitMore(t, recoverLimit, viewers, "calls refused", func(l look) bool { return l.status == http.StatusServiceUnavailable })
		if err := s.stack.RestartDatabase(t.Context()); err != nil {
			t.Fatal(err)
		}
		work.awaitMore(t, recoverLimit, 5*viewers, "records shown again", shown)
	}
	<-choosing
	looks, sent := work.stop(), notes.stop()
	c.wantHistory(t, looks)
	c.wantSame(t)
	s.wantStored(t, sent)
	s.wantAccounted(t, looks, 10*viewers)
}

// wantStored finds every acknowledged note once, sends it again, and finds it once still.
func (s *suite) wantStored(t *testing.T, sent []feed) {
	t.Helper()
	stored := 0
	for _, f := range sent {
		if f.status != http.StatusOK {
			if !f.unknown() {
				t.Errorf("refused: %s", f)
			}
			continue
		}
		stored++
		again := submit(t.Context(), s.rest[stored%len(s.rest)], s.system(t, f.note.person.PracticeODS), f.note)
		if again.status != http.StatusOK {
			t.Errorf("sent again: %s", again)
		}
		if n := s.entries(t, f.note); n != 1 {
			t.Errorf("an acknowledged note is there %d times: %s", n, f)
		}
	}
	t.Logf("%d notes sent, %d acknowledged and found once", len(sent), stored)
	if stored < 3 {
		t.Error("too few notes were acknowledged: the run proves nothing")
	}
}

// frozenWithin is the longest that an answer may take while the database says nothing: 5 s for reading the record
// when the facts had just been read, then 2 s for the event of the refusal, which cannot be written either.
const frozenWithin = 7*time.Second + busy

// testDatabaseFrozen: a PostgreSQL that hangs, with its connections open, makes calls fail in time.
func testDatabaseFrozen(t *testing.T, s *suite) {
	work := startLoad(t.Context(), s.pairs(t, viewers), s.inTurn)
	defer work.cancel()
	shown := func(l look) bool { return l.released() }
	for range soaking(1) {
		work.awaitMore(t, recoverLimit, 5*viewers, "records shown", shown)
		if err := s.stack.PauseDatabase(); err != nil {
			t.Fatal(err)
		}
		work.awaitMore(t, 2*frozenWithin, viewers, "calls refused", func(l look) bool { return l.status == http.StatusServiceUnavailable })
		if err := s.stack.ResumeDatabase(); err != nil {
			t.Fatal(err)
		}
		work.awaitMore(t, recoverLimit, 5*viewers, "records shown again", shown)
	}
	looks := work.stop()
	longest := time.Duration(0)
	for _, l := range looks {
		took := l.ended.Sub(l.began)
		longest = max(longest, took)
		if took > frozenWithin {
			t.Errorf("an answer took too long: %s", l)
		}
		if !l.released() && (l.status != http.StatusServiceUnavailable && l.status != http.StatusGatewayTimeout || l.retryAfter == "") {
			t.Errorf("neither shown nor refused with a time to come back: %s", l)
		}
	}
	t.Logf("the longest answer took %s", longest.Round(time.Millisecond))
	s.wantAccounted(t, looks, 10*viewers)
}
