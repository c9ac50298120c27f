package throttle_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/dorsetcarerecord/dcr/gateway/internal/throttle"
)

// clock that the test moves.
type clock struct{ now time.Time }

func made(t *testing.T, l throttle.Limits) (*throttle.Throttle, *clock) {
	t.Helper()
	c := &clock{time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}
	th, err := throttle.New(l, func() time.Time { return c.now })
	if err != nil {
		t.Fatal(err)
	}
	return th, c
}

// enter makes n calls, each over before the next, and counts those that came in.
func enter(t *testing.T, th *throttle.Throttle, address string, n int) (in int, wait time.Duration) {
	t.Helper()
	for range n {
		leave, w, ok := th.Enter(address)
		if ok {
			in++
			leave()
		} else if wait = w; w <= 0 {
			t.Error("refused without a time to wait")
		}
	}
	return in, wait
}

func TestOneClientIsBounded(t *testing.T) {
	t.Parallel()
	th, c := made(t, throttle.Limits{PerMinute: 6, PerSecond: 1000})
	in, wait := enter(t, th, "192.0.2.1", 50)
	if in != 6 || wait != 10*time.Second {
		t.Errorf("%d came in at once, want 6; wait %v, want 10s", in, wait)
	}
	if in, _ := enter(t, th, "192.0.2.2", 50); in != 6 {
		t.Errorf("another client: %d", in)
	}
	c.now = c.now.Add(wait)
	if in, _ := enter(t, th, "192.0.2.1", 50); in != 1 {
		t.Errorf("after the wait: %d, want 1", in)
	}
}

func TestOneNetworkIsOneClient(t *testing.T) {
	t.Parallel()
	th, _ := made(t, throttle.Limits{PerMinute: 6, PerSecond: 1000})
	in := 0
	for i := range 50 {
		n, _ := enter(t, th, fmt.Sprintf("2001:db8:1:1::%x", i), 1)
		in += n
	}
	if in != 6 {
		t.Errorf("%d came in from one IPv6 network, want 6", in)
	}
	if n, _ := enter(t, th, "::ffff:192.0.2.9", 50); n != 6 {
		t.Errorf("%d of a mapped address", n)
	}
	if n, _ := enter(t, th, "192.0.2.9", 50); n != 0 {
		t.Errorf("%d of the same address unmapped", n)
	}
	if n, _ := enter(t, th, "not an address", 50); n != 6 {
		t.Errorf("%d of an address that cannot be read", n)
	}
}

func TestAllTogetherAreBounded(t *testing.T) {
	t.Parallel()
	th, c := made(t, throttle.Limits{PerMinute: 60, PerSecond: 5})
	flood := func() (in int) {
		for i := range 30_000 { // more than are remembered
			n, _ := enter(t, th, fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255), 1)
			in += n
		}
		return in
	}
	if in := flood(); in != 5 {
		t.Errorf("%d came in at once, want 5", in)
	}
	c.now = c.now.Add(time.Second)
	if in := flood(); in != 5 {
		t.Errorf("%d came in a second later, want 5", in)
	}
}

func TestFewAreUnderWayAtOnce(t *testing.T) {
	t.Parallel()
	th, _ := made(t, throttle.Limits{PerMinute: 1000, PerSecond: 1000})
	var leave []func()
	for range 100 {
		if l, _, ok := th.Enter("192.0.2.1"); ok {
			leave = append(leave, l)
		}
	}
	if len(leave) != 8 {
		t.Fatalf("%d under way at once, want 8", len(leave))
	}
	leave[0]()
	if _, _, ok := th.Enter("192.0.2.1"); !ok {
		t.Error("a place that was left is not free")
	}
}

func TestLimitsThatAllowNothing(t *testing.T) {
	t.Parallel()
	for _, l := range []throttle.Limits{{}, {PerMinute: 1}, {PerSecond: 1}, {PerMinute: -1, PerSecond: 5}} {
		if _, err := throttle.New(l, time.Now); err == nil {
			t.Errorf("%+v is accepted", l)
		}
	}
}
