package fault_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/dorsetcarerecord/dcr/e2e/stack"
)

// outage is one way in which a service may be missing.
type outage struct {
	name string
	// begin and end it; during runs while it lasts and ends with its context.
	begin, end func(*stack.Process) error
	during     func(context.Context, []*stack.Process) error
	// whole is true when nothing can be answered while it lasts.
	whole bool
}

// outages of a service: killed, hung, and slow, which is hung for most of the time.
func outages(ctx context.Context) []outage {
	idle := func(ctx context.Context, _ []*stack.Process) error { <-ctx.Done(); return nil }
	nothing := func(*stack.Process) error { return nil }
	return []outage{
		{"killed", (*stack.Process).Kill, start(ctx), idle, true},
		{"hung", (*stack.Process).Pause, (*stack.Process).Resume, idle, true},
		{"slow", nothing, (*stack.Process).Resume, pulse, false},
	}
}

// pulse makes replicas slow: each gets a moment of life, and then stands still for longer than one try of a
// caller takes, so that answers come after the caller has given up and asked again.
func pulse(ctx context.Context, replicas []*stack.Process) error {
	const alive, still = 60 * time.Millisecond, 1200 * time.Millisecond
	for ctx.Err() == nil {
		for _, p := range replicas {
			if err := p.Pause(); err != nil {
				return err
			}
		}
		rest(ctx, still)
		for _, p := range replicas {
			if err := p.Resume(); err != nil {
				return err
			}
		}
		rest(ctx, alive)
	}
	return nil
}

// victim is a service that is to be missing, and what callers are told meanwhile.
type victim struct {
	service string
	reasons []string
	// within is the longest that an answer may take.
	within time.Duration
}

const (
	// viewers at work during an outage.
	viewers = 6
	// busy is what a machine with two cores and other work may add to a limit of the product.
	busy = 3 * time.Second
)

// testAudit: no audit, no data. Whatever happens to audit-svc, nothing is disclosed that is not in the log.
// The gateway asks again and gives up within two seconds.
func testAudit(t *testing.T, s *suite) {
	s.outages(t, victim{"audit-svc", []string{"AUDIT_UNAVAILABLE"}, 2*time.Second + busy})
}

// testIdentity: without the facts nothing is decided, and nobody waits longer than the 2 s that they may take.
func testIdentity(t *testing.T, s *suite) {
	s.outages(t, victim{"identity-svc", []string{"FACTS_UNAVAILABLE"}, 2*time.Second + busy})
}

// testChoice: the same for the opt-out choice: unknown is never taken for open.
func testChoice(t *testing.T, s *suite) {
	s.outages(t, victim{"optout-svc", []string{"FACTS_UNAVAILABLE"}, 2*time.Second + busy})
}

// testRecord: a record that cannot be had is no empty record.
func testRecord(t *testing.T, s *suite) {
	s.outages(t, victim{"record-svc", []string{"UNAVAILABLE", "DEADLINE_EXCEEDED"}, 5*time.Second + busy})
}

func (s *suite) outages(t *testing.T, v victim) {
	for _, o := range outages(t.Context()) {
		t.Run(o.name, func(t *testing.T) {
			s.heal(t)
			s.during(t, v, o)
		})
	}
}

// during runs a load through an outage of every replica of a service: before, while and after. Calls that fail
// say so with the reason, in time; everything that was shown is accounted for; the service comes back by itself.
func (s *suite) during(t *testing.T, v victim, o outage) {
	t.Helper()
	shown := func(l look) bool { return l.released() }
	refused := func(l look) bool { return l.status >= 503 && slices.Contains(v.reasons, l.reason()) }
	work := startLoad(t.Context(), s.pairs(t, viewers), s.inTurn)
	defer work.cancel()
	for range soaking(1) {
		work.awaitMore(t, recoverLimit, 10*viewers, "records shown", shown)
		s.each(t, v.service, o.begin)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- o.during(ctx, s.stack.Replicas(v.service)) }()
		if o.whole {
			work.awaitMore(t, 2*v.within, viewers, "calls refused", refused)
		} else {
			work.awaitMore(t, 2*v.within, 2*viewers, "answers", func(l look) bool { return shown(l) || refused(l) })
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		s.each(t, v.service, o.end)
		work.awaitMore(t, recoverLimit, 10*viewers, "records shown again", shown)
	}
	looks := work.stop()
	longest := time.Duration(0)
	for _, l := range looks {
		took := l.ended.Sub(l.began)
		longest = max(longest, took)
		if took > v.within {
			t.Errorf("an answer took too long: %s", l)
		}
		if !l.released() && (!refused(l) || l.retryAfter == "") {
			t.Errorf("neither shown nor refused with %v and a time to come back: %s", v.reasons, l)
		}
	}
	t.Logf("the longest answer took %s", longest.Round(time.Millisecond))
	s.wantAccounted(t, looks, 20*viewers)
}
