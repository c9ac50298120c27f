package fault_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/dorsetcarerecord/dcr/e2e/stack"
)

// testRolling: a rolling restart fails no request. Every replica of every service and gateway is asked to stop
// and started again, one after the other, under a load whose clients never ask twice.
func testRolling(t *testing.T, s *suite) {
	b := s.balance(t.Context())
	defer b.stop()
	work := startLoad(t.Context(), s.pairs(t, viewers), b.pick)
	defer work.cancel()
	// Bundles are what nobody asks for twice, the gateway neither: only draining saves them.
	var senders []*feeds
	for i, person := range s.county.People[5:9] {
		senders = append(senders, s.startFeeds(t, person, fmt.Sprintf("rolling-%d", i), b.pick, false))
		defer senders[i].cancel()
	}
	for range soaking(1) {
		for _, program := range append([]string{"gateway"}, services...) {
			for _, p := range s.stack.Replicas(program) {
				began := time.Now()
				if err := p.Restart(t.Context()); err != nil {
					t.Fatal(err)
				}
				// No collector is configured, and nothing waits for one; nor for anything else.
				if took := time.Since(began); took > drainDelay+busy {
					t.Errorf("%s took %s to stop and start", p.Name(), took)
				}
				b.awaitAll(t)
			}
		}
	}
	looks := work.stop()
	for _, l := range looks {
		if !l.released() || l.err != nil {
			t.Errorf("a request failed: %s", l)
		}
	}
	bundles := 0
	for _, sender := range senders {
		for _, f := range sender.stop() {
			bundles++
			if f.err != nil || f.status != http.StatusOK {
				t.Errorf("a feed failed: %s", f)
			}
		}
	}
	t.Logf("%d bundles", bundles)
	s.wantAccounted(t, looks, 20*viewers)
}

// balancer sends calls to the gateways that say they are ready, as the one in front of a real suite does.
type balancer struct {
	suite  *suite
	cancel context.CancelFunc
	looker sync.WaitGroup

	mu    sync.Mutex
	ready []bool
}

// balanceEvery is how often readiness is asked for. Gateways drain for several times as long.
const balanceEvery = 200 * time.Millisecond

func (s *suite) balance(ctx context.Context) *balancer {
	ctx, cancel := context.WithCancel(ctx)
	b := &balancer{suite: s, cancel: cancel, ready: make([]bool, len(s.rest))}
	b.look(ctx)
	b.looker.Go(func() {
		for ctx.Err() == nil {
			rest(ctx, balanceEvery)
			b.look(ctx)
		}
	})
	return b
}

func (b *balancer) look(ctx context.Context) {
	for i, client := range b.suite.rest {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		answer, err := client.Get(ctx, "/readyz", "")
		cancel()
		b.mu.Lock()
		b.ready[i] = err == nil && answer.Status == http.StatusOK
		b.mu.Unlock()
	}
}

// pick the nth ready gateway in turn; any when none is, and then the call fails.
func (b *balancer) pick(n int) *stack.REST {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range b.ready {
		if at := (n + i) % len(b.ready); b.ready[at] {
			return b.suite.rest[at]
		}
	}
	return b.suite.rest[0]
}

// awaitAll waits until every gateway is in turn again: a rollout goes on when the new replica is ready.
func (b *balancer) awaitAll(t *testing.T) {
	t.Helper()
	await(t, recoverLimit, "every gateway ready", func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, ready := range b.ready {
			if !ready {
				return false
			}
		}
		return true
	})
}

func (b *balancer) stop() {
	b.cancel()
	b.looker.Wait()
}
