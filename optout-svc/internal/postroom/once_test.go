package postroom

import (
	"context"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/post"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/post/notifytest"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/store"
)

// dying is an outbound whose process dies at its calls, as told: the goroutine that sends ends there, and
// nothing of the attempt is recorded.
type dying struct {
	post.Outbound
	before, after func() bool

	mu   sync.Mutex
	left []uuid.UUID // what the dead had in their hands
}

func (d *dying) Send(ctx context.Context, item post.Item) (post.Receipt, error) {
	d.die(d.before, item.ID)
	receipt, err := d.Outbound.Send(ctx, item)
	d.die(d.after, item.ID)
	return receipt, err
}

func (d *dying) die(now func() bool, with uuid.UUID) {
	if !now() {
		return
	}
	d.mu.Lock()
	d.left = append(d.left, with)
	d.mu.Unlock()
	runtime.Goexit()
}

// mourn lets the claims of the dead run out, which nobody wants to wait for.
func (b *bench) mourn(d *dying) {
	d.mu.Lock()
	left := d.left
	d.left = nil
	d.mu.Unlock()
	for _, id := range left {
		b.exec(`UPDATE optout.letter SET claimed_until = now() WHERE post_id = $1`, id)
	}
}

// times is true the first n times.
func times(n int64) func() bool {
	var left atomic.Int64
	left.Store(n)
	return func() bool { return left.Add(-1) >= 0 }
}

func never() bool { return false }

// TestKilledBetweenSendingAndRecording: once before handing over, once after. Either way there is one letter.
func TestKilledBetweenSendingAndRecording(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ before, after func() bool }{
		"before": {times(1), never}, "after": {never, times(1)}, "both": {times(1), times(1)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			d := &dying{Outbound: b.cfg.Outbound, before: c.before, after: c.after}
			b.cfg.Outbound = d
			room := b.room()
			order := anOrder()
			id := b.write(room, order)
			b.run(room)
			got := b.await(order, id, "sent", func(l store.Letter) bool { b.mourn(d); return l.State == store.LetterSent })
			if taken := b.notify.Taken(); len(taken) != 1 || got.Attempts < 2 || got.PostReference != taken[0].ID {
				t.Errorf("%d letters after %d attempts", len(taken), got.Attempts)
			}
		})
	}
}

// TestKilledWithTheFolder: its files are named by the letter.
func TestKilledWithTheFolder(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	folder, err := post.Open(post.Config{Kind: post.KindFolder, Folder: t.TempDir(), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	d := &dying{Outbound: folder, before: times(1), after: times(2)}
	b.cfg.Outbound = d
	room := b.room()
	order := anOrder()
	id := b.write(room, order)
	b.run(room)
	if got := b.await(order, id, "sent", func(l store.Letter) bool { b.mourn(d); return l.State == store.LetterSent }); got.PostReference != id.String()+".letter.pdf" {
		t.Errorf("%+v", got)
	}
}

// TestLostAnswersSendNoSecondLetter: Notify has it and could not say so.
func TestLostAnswersSendNoSecondLetter(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.notify.Fail(notifytest.Fault{Lose: true}, notifytest.Fault{Garble: true}, notifytest.Fault{Status: 504})
	room := b.room()
	for range 3 {
		order := anOrder()
		id := b.write(room, order)
		stop := b.run(room)
		b.await(order, id, "sent", inState(store.LetterSent))
		stop()
	}
	if taken := b.notify.Taken(); len(taken) != 3 {
		t.Errorf("%d letters", len(taken))
	}
}

// TestASlowPostIsAskedLater: it takes the letter when the sender has given up waiting, and is asked only after
// it can have done so.
func TestASlowPostIsAskedLater(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.cfg.Limit, b.cfg.Settle = 2*time.Second, 6*time.Second
	b.notify.Fail(notifytest.Fault{Late: 5 * time.Second})
	room := b.room()
	order := anOrder()
	id := b.write(room, order)
	b.run(room)
	b.await(order, id, "sent", inState(store.LetterSent))
	b.until("the late one is done", b.notify.Idle)
	if taken := b.notify.Taken(); len(taken) != 1 {
		t.Errorf("%d letters", len(taken))
	}
}

// TestAskedTooLate: an attempt whose outcome nobody can tell any more is left to a person, who has it sent.
func TestAskedTooLate(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	room := b.room()
	order := anOrder()
	id := b.write(room, order)
	b.exec(`UPDATE optout.letter SET attempts = 1, tried_at = now() - interval '7 days' WHERE id = $1`, id)
	b.run(room)
	if got := b.await(order, id, "failed", inState(store.LetterFailed)); got.Failure != post.ReasonUnknown || len(b.notify.Taken()) != 0 {
		t.Fatalf("%+v", got)
	}
	b.retry(room, order, id)
	b.await(order, id, "sent", inState(store.LetterSent))
	if taken := b.notify.Taken(); len(taken) != 1 {
		t.Errorf("%d letters", len(taken))
	}
}

// TestGivingUpKeepsTheDoubt: a letter that was given up with its outcome unknown is asked for when a person
// tries it again.
func TestGivingUpKeepsTheDoubt(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.notify.Fail(notifytest.Fault{Lose: true})
	room := b.room()
	order := anOrder()
	id := b.write(room, order)
	b.exec(`UPDATE optout.letter SET give_up_at = now() WHERE id = $1`, id)
	b.run(room)
	if got := b.await(order, id, "failed", inState(store.LetterFailed)); got.Failure != post.ReasonUnanswered {
		t.Fatalf("%+v", got)
	}
	b.retry(room, order, id)
	b.await(order, id, "found", inState(store.LetterSent))
	if taken := b.notify.Taken(); len(taken) != 1 {
		t.Errorf("%d letters", len(taken))
	}
}

// TestNoLetterTwiceAndNoneLost: three replicas, a Notify that fails in every way it knows, and senders that
// die at every step. In the end each letter was taken once.
func TestNoLetterTwiceAndNoneLost(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	one := func(in int) func() bool { return func() bool { return rand.IntN(in) == 0 } }
	d := &dying{Outbound: b.cfg.Outbound, before: one(12), after: one(12)}
	b.cfg.Outbound = d
	const letters = 40
	for range letters {
		b.notify.Fail(notifytest.Fault{}, [...]notifytest.Fault{
			{Lose: true}, {Garble: true}, {Status: 500}, {Status: 403}, {Status: 404},
		}[rand.IntN(5)])
	}
	orders, ids := make([]Order, letters), make([]uuid.UUID, letters)
	writer := b.room()
	for i := range orders {
		orders[i] = anOrder()
		ids[i] = b.write(writer, orders[i])
	}
	for range 3 {
		b.run(b.room())
	}
	seen := map[string]int{}
	for i, id := range ids {
		b.await(orders[i], id, "sent", func(l store.Letter) bool { b.mourn(d); return l.State == store.LetterSent })
	}
	for _, n := range b.notify.Taken() {
		seen[n.Reference]++
	}
	for _, id := range ids {
		if n := seen[id.String()]; n != 1 {
			t.Errorf("letter %s was taken %d times", id, n)
		}
	}
	if len(seen) != letters {
		t.Errorf("%d letters, want %d", len(seen), letters)
	}
}

// TestAStopLetsAnAttemptFinish: and records it, so that the next start has nothing to ask.
func TestAStopLetsAnAttemptFinish(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	hold := make(chan struct{})
	b.notify.Fail(notifytest.Fault{Hold: hold})
	room := b.room()
	order := anOrder()
	id := b.write(room, order)
	stop := b.run(room)
	b.await(order, id, "claimed", func(l store.Letter) bool { return l.Attempts == 1 })
	stopped := make(chan struct{})
	go func() { stop(); close(stopped) }()
	close(hold)
	<-stopped
	if got := b.letter(order, id); got.State != store.LetterSent {
		t.Errorf("%+v", got)
	}
}
