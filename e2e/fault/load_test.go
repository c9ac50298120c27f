package fault_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/dorsetcarerecord/dcr/e2e/stack"
)

const (
	// clientLimit ends a call that nobody answers. No answer may take that long.
	clientLimit = 30 * time.Second
	// pace is the pause of a viewer between two looks: the load shall be steady, not heavy.
	pace = 15 * time.Millisecond
)

// pair is a member of staff and somebody whom they care for.
type pair struct{ token, person string }

// pairs picks n different pairs of staff and people whose records are open.
func (s *suite) pairs(t *testing.T, n int) []pair {
	t.Helper()
	sealed := map[string]bool{}
	for _, p := range s.manifest.Patients {
		for _, tag := range p.Tags {
			sealed[p.NHSNumber] = sealed[p.NHSNumber] || tag == "opted_out"
		}
	}
	var found []pair
	for depth := 0; depth < people; depth++ {
		for _, m := range s.manifest.Staff {
			if depth < len(m.Patients) && !sealed[m.Patients[depth]] {
				found = append(found, pair{m.Token, m.Patients[depth]})
			}
			if len(found) == n {
				return found
			}
		}
	}
	t.Fatalf("only %d pairs of staff and people", len(found))
	return nil
}

// look is one attempt to open a record and what came of it.
type look struct {
	pair         pair
	began, ended time.Time
	status       int
	eventID      string
	retryAfter   string
	answer       stack.Answer
	bytes        int
	err          error
}

// released tells whether anything of a record left: a body of a 200, whole or not.
func (l look) released() bool { return l.status == http.StatusOK }

// reason of a refusal.
func (l look) reason() string { return l.answer.Reason() }

func (l look) String() string {
	return fmt.Sprintf("status %d, reason %s, %d bytes, %s, error %v", l.status, l.reason(), l.bytes, l.ended.Sub(l.began).Round(time.Millisecond), l.err)
}

// view opens a record once. Unlike the stack's client it keeps status and headers of an answer whose body broke off.
func view(ctx context.Context, client *stack.REST, p pair) (l look) {
	l = look{pair: p, began: time.Now()}
	defer func() { l.ended = time.Now() }()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, client.BaseURL+"/v1/patients/"+p.person+"/record", nil)
	if err != nil {
		l.err = err
		return l
	}
	req.Header.Set("Authorization", "Bearer "+p.token)
	resp, err := client.HTTP.Do(req)
	if err != nil {
		l.err = err
		return l
	}
	defer resp.Body.Close()
	l.status, l.eventID, l.retryAfter = resp.StatusCode, resp.Header.Get("Dcr-Event-Id"), resp.Header.Get("Retry-After")
	body, err := io.ReadAll(resp.Body)
	l.bytes, l.err = len(body), err
	if l.status != http.StatusOK {
		l.answer = stack.Answer{Status: l.status, Body: body} // of a record only the size is kept
	}
	return l
}

// load is viewers at work.
type load struct {
	cancel  context.CancelFunc
	viewers sync.WaitGroup

	mu    sync.Mutex
	looks []look
}

// startLoad sets one viewer to work on each pair. pick gives the gateway for the nth look.
func startLoad(ctx context.Context, pairs []pair, pick func(n int) *stack.REST) *load {
	ctx, cancel := context.WithCancel(ctx)
	l := &load{cancel: cancel}
	for i, p := range pairs {
		l.viewers.Go(func() {
			for n := i; ctx.Err() == nil; n++ {
				// A look that has begun is finished: how it ends is what the tests are about.
				l.add(view(context.WithoutCancel(ctx), pick(n), p))
				rest(ctx, pace)
			}
		})
	}
	return l
}

// inTurn takes the gateways one after the other.
func (s *suite) inTurn(n int) *stack.REST { return s.rest[n%len(s.rest)] }

func (l *load) add(one look) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.looks = append(l.looks, one)
}

// count the looks so far that satisfy a condition.
func (l *load) count(cond func(look) bool) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, one := range l.looks {
		if cond(one) {
			n++
		}
	}
	return n
}

// awaitMore waits until n more looks than now satisfy a condition. It does not end the test: what was shown
// meanwhile is still to be checked.
func (l *load) awaitMore(t *testing.T, limit time.Duration, n int, what string, cond func(look) bool) {
	t.Helper()
	before := l.count(cond)
	if !awaited(limit, func() bool { return l.count(cond) >= before+n }) {
		t.Errorf("%d more of: %s: not within %s", n, what, limit)
	}
}

// stop ends the load and gives all looks.
func (l *load) stop() []look {
	l.cancel()
	l.viewers.Wait()
	return l.looks
}

// rest for a while, or until ctx ends.
func rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
