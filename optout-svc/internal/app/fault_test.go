package app

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/dorsetcarerecord/dcr/internal/fault"
)

// stampAt is a time some while from now.
func stampAt(d time.Duration) *timestamppb.Timestamp { return timestamppb.New(time.Now().Add(d)) }

// confirmed tells whether a choice's effect is confirmed.
func (s *suite) confirmed(id string) bool {
	s.t.Helper()
	return s.get(id).GetState() == optoutv1.EffectState_EFFECT_STATE_CONFIRMED
}

// TestRecordDown: the choice is answered as registered and followed by the access decision at once; its
// effect is confirmed when record-svc is back, and not before. A record-svc that hangs is like one that is gone.
func TestRecordDown(t *testing.T) {
	t.Parallel()
	for name, m := range map[string]mood{"down": down, "hung": hung} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSuite(t)
			s.record.set(m)
			got := s.mustRegister(optOut(person))
			if got.GetState() != optoutv1.EffectState_EFFECT_STATE_REGISTERED || got.GetConfirmedAt() != nil {
				t.Errorf("answer %v, want registered", got)
			}
			s.wantChoice(person, 1, true)
			if n := len(s.audit.taken()); n != 1 {
				t.Errorf("%d events, want 1", n)
			}
			s.record.set(well)
			s.await("confirmed", func() bool { return s.confirmed(got.GetId()) })
			if k := s.record.has(person); k != (kept{1, true}) {
				t.Errorf("record-svc keeps %+v", k)
			}
		})
	}
}

// TestAuditDown: nothing is answered, yet the record closes; the same request gets its answer later, for
// one choice and one event.
func TestAuditDown(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	s.audit.set(down)
	req := optOut(person)
	for range 2 {
		_, err := s.writer().RegisterOptOut(limit(t), req)
		wantReason(t, err, "AUDIT_UNAVAILABLE")
		req.Event = event("opt_out.register") // the gateway makes a new one for each attempt
	}
	s.wantChoice(person, 1, true)
	s.await("sealed", func() bool { return s.record.has(person) == kept{1, true} })
	s.audit.set(well)
	got := s.mustRegister(req)
	if got.GetChoiceNumber() != 1 || got.GetState() != optoutv1.EffectState_EFFECT_STATE_CONFIRMED {
		t.Errorf("answer %v", got)
	}
	if n := len(s.audit.taken()); n != 1 {
		t.Errorf("%d events, want 1", n)
	}
}

// TestRestartBetweenCommitAndSeal: the process ends with the seal undelivered; the next one delivers it.
func TestRestartBetweenCommitAndSeal(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	stop := s.start()
	s.record.set(down)
	got := s.mustRegister(optOut(person))
	stop()
	s.record.set(well)
	s.start()
	s.await("confirmed", func() bool { return s.confirmed(got.GetId()) })
}

// TestForgetfulRecordIsNotConfirmed: a record-svc that answers with less than it was told (restored from a
// backup, say) confirms nothing.
func TestForgetfulRecordIsNotConfirmed(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	s.record.forgetful = true
	got := s.mustRegister(optOut(person))
	if len(s.record.heard()) == 0 || got.GetState() != optoutv1.EffectState_EFFECT_STATE_REGISTERED {
		t.Errorf("answer %v after %d messages, want registered", got, len(s.record.heard()))
	}
}

// TestFlakyPeers: a person chooses again and again, by two replicas, while audit-svc and record-svc lose
// calls and answers. In the end record-svc keeps the choice in force, each choice has one event, and
// record-svc never heard an older choice after a newer one was confirmed.
func TestFlakyPeers(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	first := s.writer()
	s.start()
	second := s.writer()
	s.audit.set(moody)
	s.record.set(moody)
	const rounds = 10
	for range rounds {
		register := optOut(person)
		out := persist(t, func(ctx context.Context) (*optoutv1.OptOut, error) {
			resp, err := first.RegisterOptOut(ctx, register)
			return resp.GetOptOut(), err
		})
		withdraw := optIn(out.GetId())
		persist(t, func(ctx context.Context) (*optoutv1.OptOut, error) {
			resp, err := second.WithdrawOptOut(ctx, withdraw)
			return resp.GetOptOut(), err
		})
	}
	s.audit.set(well)
	s.record.set(well)
	s.wantChoice(person, 2*rounds, false)
	s.await("all told", func() bool {
		return s.record.has(person) == kept{2 * rounds, false} && len(s.audit.taken()) == 2*rounds
	})
	if heard := s.record.heard(); !slices.IsSorted(heard) {
		t.Errorf("record-svc heard choices out of order: %v", heard)
	}
}

// persist asks the same again until it is answered, as a caller does who is told AUDIT_UNAVAILABLE.
func persist(t *testing.T, ask func(context.Context) (*optoutv1.OptOut, error)) *optoutv1.OptOut {
	t.Helper()
	ctx := limit(t)
	for {
		got, err := ask(ctx)
		if err == nil {
			return got
		}
		if fault.ReasonOf(err) != "AUDIT_UNAVAILABLE" {
			t.Fatalf("not answered: %v", err)
		}
	}
}

// TestUnknownIsNotOpen: a database that does not answer is an error, never a choice.
func TestUnknownIsNotOpen(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	s.mustRegister(optOut(person))
	tx, err := s.db.Owner.BeginTxx(limit(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := tx.ExecContext(limit(t), "LOCK TABLE choice_in_force IN ACCESS EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(limit(t), 300*time.Millisecond)
	defer cancel()
	if got, err := s.choices().GetChoice(ctx, &optoutv1.GetChoiceRequest{NhsNumber: person}); err == nil {
		t.Errorf("answered %v", got)
	}
}

// TestOutAndInFromManySides: opt-outs and withdrawals of one person at the same time. Whatever wins, choices
// are numbered without a gap, alternate, and the last one is in force.
func TestOutAndInFromManySides(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	writer := s.writer()
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() {
			for range 5 {
				resp, err := writer.RegisterOptOut(limit(t), optOut(person))
				if err != nil {
					wantReason(t, err, "ALREADY_OPTED_OUT")
					continue
				}
				if _, err := writer.WithdrawOptOut(limit(t), optIn(resp.GetOptOut().GetId())); err != nil {
					t.Errorf("withdraw one's own: %v", err)
				}
			}
		})
	}
	all.Wait()
	resp, err := s.reader().ListOptOuts(limit(t), &optoutv1.ListOptOutsRequest{NhsNumber: person, PageSize: 200})
	if err != nil {
		t.Fatal(err)
	}
	history := resp.GetOptOuts()
	slices.SortFunc(history, func(a, b *optoutv1.OptOut) int { return int(a.GetChoiceNumber() - b.GetChoiceNumber()) })
	for i, o := range history {
		if o.GetChoiceNumber() != int64(i+1) || (o.GetChoice() == optoutv1.Choice_CHOICE_OUT) != (i%2 == 0) {
			t.Errorf("choice %d of %d is %v number %d", i+1, len(history), o.GetChoice(), o.GetChoiceNumber())
		}
	}
	s.wantChoice(person, int64(len(history)), false)
	if k := s.record.has(person); k != (kept{int64(len(history)), false}) {
		t.Errorf("record-svc keeps %+v of %d", k, len(history))
	}
}
