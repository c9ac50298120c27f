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

const (
	// linearPeople change their minds; each has a writer and two readers, all of them clients of their own.
	linearPeople = 4
	// leastRate of operations a second: a run that is slower has hardly any at the same time and proves nothing.
	leastRate = 20
	// checkLimit bounds the search for an order in one person's history.
	checkLimit = 5 * time.Minute
)

// linearOperations are how many operations a run has.
func linearOperations() int {
	if soaking(1) > 1 {
		return 100_000
	}
	return 2_500
}

// testLinearizable: opting out, opting in and looking are as if there were one register for each person, whatever
// dies meanwhile. Twelve clients go through two gateways while replicas of all services are killed and
// restarted in turn.
func testLinearizable(t *testing.T, s *suite) {
	killing, stopKilling := context.WithCancel(t.Context())
	var killer sync.WaitGroup
	killer.Go(func() { s.killAndRestart(killing, t) })
	began := time.Now()
	deeds := s.register(t, linearOperations())
	took := time.Since(began)
	stopKilling()
	killer.Wait()
	count := map[act]int{}
	for _, d := range deeds {
		count[d.act]++
	}
	rate := float64(len(deeds)) / took.Seconds()
	t.Logf("%d operations in %s, %.0f a second: %v", len(deeds), took.Round(time.Second), rate, count)
	if err := checkHistory(deeds, checkLimit); err != nil {
		t.Error(err)
	}
	if rate < leastRate || count[optedOut] < 4*linearPeople || count[shown] < 100 || count[refused] < 100 {
		t.Error("too little happened: the run proves nothing")
	}
}

// diary keeps the deeds of all clients.
type diary struct {
	mu    sync.Mutex
	deeds []deed
	want  int
	stop  context.CancelFunc
}

// add notes a deed, and ends the run when there are enough.
func (d *diary) add(one deed) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.deeds = append(d.deeds, one); len(d.deeds) >= d.want {
		d.stop()
	}
}

// register sets all clients to work until there are n deeds, and gives these. In the end everybody is in.
func (s *suite) register(t *testing.T, n int) []deed {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(n)*time.Second/leastRate)
	defer cancel()
	d := &diary{want: n, stop: cancel}
	officer := s.staff(t, county.PrivacyOfficerCode)
	var clients sync.WaitGroup
	id := 0
	for _, w := range s.watched(t, linearPeople) {
		writer := &mind{diary: d, client: id, token: officer.Token, person: w.person, pick: s.inTurn, calls: id}
		clients.Go(func() {
			if err := writer.change(ctx); err != nil {
				t.Errorf("a change of mind: %v", err)
				cancel()
			}
		})
		for _, p := range w.readers {
			id++
			client := id
			clients.Go(func() { s.read(ctx, d, client, p) })
		}
		id++
	}
	clients.Wait()
	return d.deeds
}

// read looks again and again. A look that failed for another reason says nothing about the choice.
func (s *suite) read(ctx context.Context, d *diary, client int, p pair) {
	for n := client; ctx.Err() == nil; n++ {
		l := view(context.WithoutCancel(ctx), s.inTurn(n), p)
		one := deed{client: client, person: p.person, began: l.began, ended: l.ended}
		switch {
		case l.released():
			one.act = shown
		case l.reason() == "NO_PATIENT_CONSENT":
			one.act = refused
		default:
			rest(ctx, pace)
			continue
		}
		d.add(one)
	}
}

// mind is one person's, changed by the privacy officer.
type mind struct {
	diary  *diary
	client int
	token  string
	person county.Person
	pick   func(int) *stack.REST
	calls  int
}

// change opts out and in by turns until ctx ends; it ends in.
func (m *mind) change(ctx context.Context) error {
	for ctx.Err() == nil {
		out, err := m.decide(ctx, optedOut, "/v1/opt-outs", &gatewayv1.RegisterOptOutRequest{
			RequestId: uuid.NewString(), NhsNumber: m.person.NHSNumber, FamilyName: m.person.FamilyName, BirthDate: m.person.BirthDate,
			Channel: optoutv1.Channel_CHANNEL_TELEPHONE, Evidence: "linearizability", Requester: optoutv1.Requester_REQUESTER_SELF,
		})
		if err != nil {
			return err
		}
		rest(ctx, 20*pace)
		if _, err := m.decide(ctx, optedIn, "/v1/opt-outs/"+out.GetId()+":withdraw", &gatewayv1.WithdrawOptOutRequest{
			RequestId: uuid.NewString(), Id: out.GetId(),
			Channel: optoutv1.Channel_CHANNEL_TELEPHONE, Evidence: "linearizability", Requester: optoutv1.Requester_REQUESTER_SELF,
		}); err != nil {
			return err
		}
		rest(ctx, 20*pace)
	}
	return nil
}

// decide makes one choice and returns when its effect is confirmed. A request without an answer is sent again
// with the same id, through the other gateway.
func (m *mind) decide(ctx context.Context, what act, path string, request proto.Message) (*optoutv1.OptOut, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	one := deed{client: m.client, person: m.person.NHSNumber, act: what, began: time.Now()}
	out, err := m.persist(ctx, func(c *stack.REST) (*stack.Answer, error) { return c.Post(ctx, path, m.token, request) })
	for err == nil && out.GetState() != optoutv1.EffectState_EFFECT_STATE_CONFIRMED {
		rest(ctx, pace)
		out, err = m.persist(ctx, func(c *stack.REST) (*stack.Answer, error) {
			return c.Get(ctx, "/v1/opt-outs/"+out.GetId(), m.token)
		})
	}
	if err == nil {
		one.ended = time.Now()
	}
	m.diary.add(one)
	return out, err
}

// persist makes a call until it has an answer that is no outage.
func (m *mind) persist(ctx context.Context, call func(*stack.REST) (*stack.Answer, error)) (*optoutv1.OptOut, error) {
	for {
		m.calls++
		answer, err := call(m.pick(m.calls))
		switch {
		case err == nil && answer.Status < 500:
			if err := answer.Err(); err != nil {
				return nil, fmt.Errorf("%w: %s", err, answer.Body)
			}
			got := &gatewayv1.RegisterOptOutResponse{}
			if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(answer.Body, got); err != nil {
				return nil, err
			}
			return got.GetOptOut(), nil
		case ctx.Err() != nil:
			return nil, errors.Join(ctx.Err(), err)
		}
		rest(ctx, 3*pace)
	}
}

// killAndRestart ends replicas in turn, by turns at once and in an orderly way, and starts each again.
func (s *suite) killAndRestart(ctx context.Context, t *testing.T) {
	for turn := 0; ctx.Err() == nil; turn++ {
		for i, program := range []string{"record-svc", "optout-svc", "gateway", "audit-svc", "identity-svc"} {
			replicas := s.stack.Replicas(program)
			p := replicas[turn%len(replicas)]
			end := p.Kill
			if (turn/2+i)%2 == 1 {
				end = p.Stop
			}
			rest(ctx, 300*time.Millisecond)
			if ctx.Err() != nil {
				return
			}
			if err := errors.Join(end(), p.Start(context.WithoutCancel(ctx))); err != nil {
				t.Errorf("end and start: %v", err)
				return
			}
		}
	}
}
