// Package throttle bounds what the public may ask of us: each address by itself, and all together. Members of
// staff and partners' systems are known and are not throttled here. What is bounded is our work, so that a flood
// of forms slows no view of a record, and guessing, so that references and codes cannot be tried one after the
// other.
package throttle

import (
	"container/list"
	"errors"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	// remembered addresses; beyond it the one that was silent for longest is forgotten, which gives it a new
	// allowance. The bound on all together holds whatever is forgotten.
	remembered = 20_000
	// networkBits of an IPv6 address that stand for one client: whoever has one address has the network.
	networkBits = 64
	// places of calls under way at once, of the public.
	places = 8
)

// Limits are how much is allowed.
type Limits struct {
	// PerMinute of one client address; as many may come at once.
	PerMinute int `name:"public-calls-per-minute" env:"DCR_PUBLIC_CALLS_PER_MINUTE" default:"30" help:"Calls a minute that one client address may make without signing in; more are refused with 429."`
	// PerSecond of all together; as many may come at once.
	PerSecond int `name:"public-calls-per-second" env:"DCR_PUBLIC_CALLS_PER_SECOND" default:"20" help:"Calls a second that all clients together may make without signing in, on each replica."`
}

// Throttle counts calls of the public. It is safe for concurrent use.
type Throttle struct {
	limits Limits
	now    func() time.Time
	all    *rate.Limiter
	places chan struct{}

	mu      sync.Mutex
	clients map[netip.Prefix]*list.Element
	silence list.List // of *client, who called last first
}

type client struct {
	network netip.Prefix
	limiter *rate.Limiter
}

// New makes a Throttle. It fails when a limit allows nothing.
func New(l Limits, now func() time.Time) (*Throttle, error) {
	if l.PerMinute < 1 || l.PerSecond < 1 {
		return nil, errors.New("DCR_PUBLIC_CALLS_PER_MINUTE and DCR_PUBLIC_CALLS_PER_SECOND must be at least 1")
	}
	return &Throttle{
		limits: l, now: now, all: rate.NewLimiter(rate.Limit(l.PerSecond), l.PerSecond),
		places: make(chan struct{}, places), clients: map[netip.Prefix]*list.Element{},
	}, nil
}

// Enter takes a place for a call from an address: Allow and Place in one, for a call that has come whole. When it
// may not come now, ok is false and wait says when to try again. A call that entered ends with leave.
func (t *Throttle) Enter(address string) (leave func(), wait time.Duration, ok bool) {
	if wait, ok := t.Allow(address); !ok {
		return nil, wait, false
	}
	return t.Place()
}

// Allow counts a call from an address, before its body is read.
func (t *Throttle) Allow(address string) (wait time.Duration, ok bool) {
	now := t.now()
	if wait := take(t.client(networkOf(address)), now); wait > 0 {
		return wait, false
	}
	if wait := take(t.all, now); wait > 0 {
		return wait, false
	}
	return 0, true
}

// Place takes a place for a call that was allowed, once its body is read: places are few, and whoever sends a
// byte a second must hold none.
func (t *Throttle) Place() (leave func(), wait time.Duration, ok bool) {
	select {
	case t.places <- struct{}{}:
		return func() { <-t.places }, 0, true
	default:
		return nil, time.Second, false
	}
}

// take takes one call from an allowance, or says how long until there is one. A call that is refused uses
// nothing up.
func take(l *rate.Limiter, now time.Time) time.Duration {
	r := l.ReserveN(now, 1)
	wait := r.DelayFrom(now)
	if wait > 0 {
		r.CancelAt(now)
	}
	return wait
}

// networkOf is what stands for one client. Addresses that cannot be read share one allowance.
func networkOf(address string) netip.Prefix {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return netip.Prefix{}
	}
	a = a.Unmap().WithZone("")
	bits := a.BitLen()
	if a.Is6() {
		bits = networkBits
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

func (t *Throttle) client(network netip.Prefix) *rate.Limiter {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e, ok := t.clients[network]; ok {
		t.silence.MoveToFront(e)
		return e.Value.(*client).limiter
	}
	if t.silence.Len() >= remembered {
		oldest := t.silence.Back()
		delete(t.clients, oldest.Value.(*client).network)
		t.silence.Remove(oldest)
	}
	c := &client{network, rate.NewLimiter(rate.Every(time.Minute/time.Duration(t.limits.PerMinute)), t.limits.PerMinute)}
	t.clients[network] = t.silence.PushFront(c)
	return c.limiter
}
