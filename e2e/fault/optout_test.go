package fault_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/dorsetcarerecord/dcr/e2e/county"
	"github.com/dorsetcarerecord/dcr/e2e/stack"
	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
)

// choice is one choice of a person as the one who registered it saw it.
type choice struct {
	out          bool
	began, ended time.Time // from the first request to the first answer
	id           string
	number       int64
	// confirmed is true when the answer said that record-svc has it too.
	confirmed bool
	// path and request made it.
	path    string
	request proto.Message
}

// chooser registers and withdraws one person's opt-out in turn, as the privacy officer.
type chooser struct {
	token  string
	person county.Person
	pick   func(int) *stack.REST
	calls  int
	made   []choice
}

// choose makes the next choice. A request without an answer is sent again with the same id until it has one,
// through the other gateway: the choice is made once.
func (c *chooser) choose(ctx context.Context, out bool) error {
	one := choice{out: out, began: time.Now()}
	path, request := "/v1/opt-outs", proto.Message(&gatewayv1.RegisterOptOutRequest{
		RequestId: uuid.NewString(), NhsNumber: c.person.NHSNumber, FamilyName: c.person.FamilyName, BirthDate: c.person.BirthDate,
		Channel: optoutv1.Channel_CHANNEL_TELEPHONE, Evidence: "fault test", Requester: optoutv1.Requester_REQUESTER_SELF,
	})
	if !out {
		last := c.made[len(c.made)-1]
		path, request = "/v1/opt-outs/"+last.id+":withdraw", &gatewayv1.WithdrawOptOutRequest{
			RequestId: uuid.NewString(), Id: last.id,
			Channel: optoutv1.Channel_CHANNEL_TELEPHONE, Evidence: "fault test", Requester: optoutv1.Requester_REQUESTER_SELF,
		}
	}
	answer, err := c.persist(ctx, path, request)
	if err != nil {
		return err
	}
	one.ended, one.path, one.request = time.Now(), path, request
	made, err := readOptOut(answer)
	if err != nil {
		return err
	}
	one.id, one.number = made.GetId(), made.GetChoiceNumber()
	one.confirmed = made.GetState() == optoutv1.EffectState_EFFECT_STATE_CONFIRMED
	c.made = append(c.made, one)
	return nil
}

// persist sends the same request until it is answered with anything but an outage.
func (c *chooser) persist(ctx context.Context, path string, request proto.Message) (*stack.Answer, error) {
	for {
		c.calls++
		answer, err := c.pick(c.calls).Post(ctx, path, c.token, request)
		switch {
		case err == nil && answer.Status < 500:
			return answer, answer.Err()
		case ctx.Err() != nil:
			return nil, errors.Join(ctx.Err(), err)
		}
		rest(ctx, 10*pace)
	}
}

// wantSame sends every request again: the same id is the same choice, with the same answer.
func (c *chooser) wantSame(t *testing.T) {
	t.Helper()
	for _, made := range c.made {
		answer, err := c.persist(t.Context(), made.path, made.request)
		if err != nil {
			t.Errorf("choice %d asked again: %v", made.number, err)
			continue
		}
		if again, err := readOptOut(answer); err != nil || again.GetId() != made.id || again.GetChoiceNumber() != made.number {
			t.Errorf("choice %d asked again is choice %d, error %v", made.number, again.GetChoiceNumber(), err)
		}
	}
}

// readOptOut reads the answer to either request: both carry one opt-out.
func readOptOut(answer *stack.Answer) (*optoutv1.OptOut, error) {
	out := &gatewayv1.RegisterOptOutResponse{}
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(answer.Body, out); err != nil {
		return nil, fmt.Errorf("read opt-out: %w", err)
	}
	return out.GetOptOut(), nil
}

// wantHistory checks one person's looks against their choices.
//
// A look happened at some instant between its beginning and its end, and so did a choice. Nothing may have been
// shown by a look that lies wholly between the answer to an opt-out and the request that withdrew it. Nor may a
// look between a confirmed withdrawal and the next request be refused because of an opt-out.
func (c *chooser) wantHistory(t *testing.T, looks []look) {
	t.Helper()
	shownOpen, refusedOut := 0, 0
	for i, made := range c.made {
		if made.number != int64(i+1)+c.made[0].number-1 {
			t.Errorf("choice %d has number %d, the first had %d: numbers are to count choices", i+1, made.number, c.made[0].number)
		}
		until := time.Now()
		if i+1 < len(c.made) {
			until = c.made[i+1].began
		}
		for _, l := range looks {
			if l.pair.person != c.person.NHSNumber || !l.began.After(made.ended) || !l.ended.Before(until) {
				continue
			}
			switch {
			case made.out && l.released():
				t.Errorf("shown %s after opt-out %d was answered (confirmed: %v) and before it was withdrawn: event %s",
					l.began.Sub(made.ended), made.number, made.confirmed, l.eventID)
			case made.out:
				refusedOut++
			case made.confirmed && l.reason() == "NO_PATIENT_CONSENT":
				t.Errorf("refused for an opt-out %s after withdrawal %d was confirmed", l.began.Sub(made.ended), made.number)
			case l.released():
				shownOpen++
			}
		}
	}
	t.Logf("%d choices; %d looks refused while out, %d shown while in", len(c.made), refusedOut, shownOpen)
	if refusedOut < 2*len(c.made) || shownOpen < len(c.made) {
		t.Errorf("too few looks between the choices: the run proves nothing")
	}
}

// testOptOut: an opt-out is immediate. People opt out and in again, others open their records through both
// gateways, while replicas of every service are killed and started again.
func testOptOut(t *testing.T, s *suite) {
	officer := s.staff(t, county.PrivacyOfficerCode)
	watched := s.watched(t, 3)
	var pairs []pair
	var choosers []*chooser
	for _, w := range watched {
		pairs = append(pairs, w.readers...)
		choosers = append(choosers, &chooser{token: officer.Token, person: w.person, pick: s.inTurn})
	}
	work := startLoad(t.Context(), pairs, s.inTurn)
	defer work.cancel()
	killing, stopKilling := context.WithCancel(t.Context())
	var killer sync.WaitGroup
	killer.Go(func() { s.killInTurn(killing, t) })
	chooseAll(t, choosers, soaking(8))
	stopKilling()
	killer.Wait()
	looks := work.stop()
	for _, c := range choosers {
		c.wantHistory(t, looks)
		c.wantSame(t)
	}
	s.wantAccounted(t, looks, len(choosers))
}

// chooseAll has each person choose n times, out and in by turns, at the same time as the others.
func chooseAll(t *testing.T, choosers []*chooser, n int) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(n)*10*time.Second)
	defer cancel()
	var all sync.WaitGroup
	for _, c := range choosers {
		all.Go(func() {
			for i := range n {
				if err := c.choose(ctx, i%2 == 0); err != nil {
					t.Errorf("choice %d: %v", i+1, err)
					return
				}
				rest(ctx, 40*pace)
			}
		})
	}
	all.Wait()
}

// watched is somebody who changes their mind, and those who look.
type watched struct {
	person  county.Person
	readers []pair
}

// watched picks people whose record two members of staff may open.
func (s *suite) watched(t *testing.T, n int) []watched {
	t.Helper()
	readers := map[string][]pair{}
	for _, p := range s.pairs(t, 60) {
		readers[p.person] = append(readers[p.person], p)
	}
	var found []watched
	for _, p := range s.county.People {
		if r := readers[p.NHSNumber]; len(r) >= 2 {
			found = append(found, watched{p, r[:2]})
		}
		if len(found) == n {
			return found
		}
	}
	t.Fatalf("only %d people whom two members of staff care for", len(found))
	return nil
}

// killInTurn kills one replica after the other, and starts it again, until ctx ends. One of two is always there.
func (s *suite) killInTurn(ctx context.Context, t *testing.T) {
	for ctx.Err() == nil {
		for _, program := range []string{"optout-svc", "record-svc", "gateway", "audit-svc", "identity-svc"} {
			for _, p := range s.stack.Replicas(program) {
				rest(ctx, 200*time.Millisecond)
				if ctx.Err() != nil {
					return
				}
				if err := errors.Join(p.Kill(), p.Start(context.WithoutCancel(ctx))); err != nil {
					t.Errorf("kill and start: %v", err)
					return
				}
			}
		}
	}
}
