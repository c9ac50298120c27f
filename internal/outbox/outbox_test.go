package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"

	"github.com/dorsetcarerecord/dcr/internal/fault"
	"github.com/dorsetcarerecord/dcr/internal/outbox"
	"github.com/dorsetcarerecord/dcr/internal/postgres"
)

func TestOnlyCommittedMessagesExist(t *testing.T) {
	t.Parallel()
	h, to := database(t), &receiver{}
	d := dispatcher(t, h.App, to.handle, nil)
	undo := errors.New("undo")
	id := uuid.New()
	err := postgres.InTx(limit(t), h.App, func(tx *sqlx.Tx) error {
		return errors.Join(outbox.Put(limit(t), tx, outbox.Message{ID: id, Topic: topic, Key: "p"}), undo)
	})
	if !errors.Is(err, undo) {
		t.Fatal(err)
	}
	if err := d.Flush(limit(t), id); err != nil || len(to.payloads("p")) != 0 {
		t.Errorf("a message of a change that was undone arrived: %v, %v", to.payloads("p"), err)
	}
}

// TestCrashAfterHandler lets a replica die between the receiver's yes and its own note of it: the message
// comes again once the claim has expired. At least once, never lost.
func TestCrashAfterHandler(t *testing.T) {
	t.Parallel()
	h, to := database(t), &receiver{}
	put(t, h.App, "p", "one")
	dying, err := postgres.Open(limit(t), postgres.Config{URL: h.AppURL})
	if err != nil {
		t.Fatal(err)
	}
	var once sync.Once
	d1 := dispatcher(t, dying, func(ctx context.Context, m outbox.Message) error {
		err := to.handle(ctx, m)
		once.Do(func() { _ = dying.Close() }) // nothing more of this replica reaches the database
		return err
	}, func(c *outbox.Config) { c.Lease, c.HandlerTimeout = 500*time.Millisecond, 400*time.Millisecond })
	stop := run(t, d1)
	await(t, h.App, "SELECT attempts = 1 AND claimed_until < now() FROM outbox")
	stop()
	d2 := dispatcher(t, h.App, to.handle, nil)
	run(t, d2)
	await(t, h.App, isEmpty)
	if diff := cmp.Diff([]string{"one", "one"}, to.payloads("p")); diff != "" {
		t.Errorf("deliveries (-want +got):\n%s", diff)
	}
}

// TestClaimIsRespected lets a second replica look while the first is delivering.
func TestClaimIsRespected(t *testing.T) {
	t.Parallel()
	h, to := database(t), &receiver{}
	id := put(t, h.App, "p", "one")
	entered, leave := make(chan struct{}), make(chan struct{})
	slow := dispatcher(t, h.App, func(ctx context.Context, m outbox.Message) error {
		close(entered)
		<-leave
		return to.handle(ctx, m)
	}, nil)
	run(t, slow)
	<-entered
	other := dispatcher(t, h.App, to.handle, nil)
	soon, cancel := context.WithTimeout(limit(t), 100*time.Millisecond)
	defer cancel()
	if err := other.Flush(soon, id); fault.ReasonOf(err) != outbox.ReasonUndelivered {
		t.Errorf("flush of a message that another is delivering: %v, want %s", err, outbox.ReasonUndelivered)
	}
	close(leave)
	if err := other.Flush(limit(t), id); err != nil {
		t.Errorf("flush after the other has delivered: %v", err)
	}
	if got := to.payloads("p"); len(got) != 1 {
		t.Errorf("delivered %d times", len(got))
	}
}

// TestOrderPerKey has writers put numbered messages of few keys at once, two replicas dispatch and a
// receiver fail now and then. Within a key, what arrived must be in the order of commits: here, of numbers
// that are drawn under the same lock.
func TestOrderPerKey(t *testing.T) {
	t.Parallel()
	const keys, each = 4, 25
	h, to := database(t), &receiver{}
	var calls atomic.Int64
	to.failWith(func(outbox.Message) error {
		if calls.Add(1)%5 == 0 {
			return errDown
		}
		return nil
	})
	other, err := postgres.Open(limit(t), postgres.Config{URL: h.AppURL})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = other.Close() })
	stop1 := run(t, dispatcher(t, h.App, to.handle, nil))
	stop2 := run(t, dispatcher(t, other, to.handle, nil))

	var writers sync.WaitGroup
	numbers := make([]atomic.Int64, keys)
	for range 3 {
		writers.Go(func() {
			for i := range keys * each {
				if err := putNumbered(limit(t), h.App, i%keys, &numbers[i%keys]); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	await(t, h.App, isEmpty)
	stop1()
	stop2()
	for k := range keys {
		var want []string
		for n := range numbers[k].Load() {
			want = append(want, fmt.Sprint(n+1))
		}
		if diff := cmp.Diff(want, to.payloads(fmt.Sprint(k))); diff != "" {
			t.Errorf("key %d (-want +got):\n%s", k, diff)
		}
	}
}

// putNumbered puts two messages; the numbers are drawn while the key's row lock of Put is held.
func putNumbered(ctx context.Context, db *sqlx.DB, key int, number *atomic.Int64) error {
	return postgres.InTx(ctx, db, func(tx *sqlx.Tx) error {
		name := fmt.Sprint(key)
		// Any lock per key serialises the drawing; the service's row lock on the person is this one.
		if _, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock($1)", key); err != nil {
			return err
		}
		first := outbox.Message{ID: uuid.New(), Topic: topic, Key: name, Payload: []byte(fmt.Sprint(number.Add(1)))}
		second := outbox.Message{ID: uuid.New(), Topic: topic, Key: name, Payload: []byte(fmt.Sprint(number.Add(1)))}
		return outbox.Put(ctx, tx, first, second)
	})
}

// TestPutWaitsForItsKey proves that turns are given in the order of commits: the second transaction of a
// key cannot put, and so cannot commit, before the first one ends; another key is not held up.
func TestPutWaitsForItsKey(t *testing.T) {
	t.Parallel()
	ctx := limit(t)
	h := database(t)
	tx, err := h.App.BeginTxx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := outbox.Put(ctx, tx, outbox.Message{ID: uuid.New(), Topic: topic, Key: "p", Payload: []byte("first")}); err != nil {
		t.Fatal(err)
	}
	put(t, h.App, "q", "other key")
	done := make(chan error, 1)
	go func() {
		done <- postgres.InTx(ctx, h.App, func(tx *sqlx.Tx) error {
			return outbox.Put(ctx, tx, outbox.Message{ID: uuid.New(), Topic: topic, Key: "p", Payload: []byte("second")})
		})
	}()
	await(t, h.App, "SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())")
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	var order []string
	if err := h.App.Select(&order, "SELECT convert_from(payload, 'UTF8') FROM outbox WHERE key = 'p' ORDER BY turn"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"first", "second"}, order); diff != "" {
		t.Errorf("turns (-want +got):\n%s", diff)
	}
}

func TestBackoffResumes(t *testing.T) {
	t.Parallel()
	h, to := database(t), &receiver{}
	to.failWith(func(outbox.Message) error { return errDown })
	put(t, h.App, "p", "one")
	put(t, h.App, "p", "two")
	put(t, h.App, "q", "three")
	stop := run(t, dispatcher(t, h.App, to.handle, nil))
	await(t, h.App, "SELECT count(*) = 2 FROM outbox WHERE attempts > 3")
	var touched int
	if err := h.App.Get(&touched, "SELECT attempts FROM outbox WHERE key = 'p' AND turn = 2"); err != nil || touched != 0 {
		t.Errorf("a later message was tried %d times before the earlier one, %v", touched, err)
	}
	stop()
	to.failWith(nil)
	run(t, dispatcher(t, h.App, to.handle, nil)) // another process, later
	await(t, h.App, isEmpty)
	if diff := cmp.Diff([]string{"one", "two"}, to.payloads("p")); diff != "" {
		t.Errorf("arrived (-want +got):\n%s", diff)
	}
}

func TestWake(t *testing.T) {
	t.Parallel()
	h, to := database(t), &receiver{}
	d := dispatcher(t, h.App, to.handle, func(c *outbox.Config) { c.Poll = time.Hour })
	first := put(t, h.App, "p", "one")
	run(t, d)
	await(t, h.App, isEmpty)
	_ = first
	put(t, h.App, "p", "two")
	d.Wake()
	await(t, h.App, isEmpty)
}

func TestHandlerPanicStopsNothing(t *testing.T) {
	t.Parallel()
	h, to := database(t), &receiver{}
	var calls atomic.Int64
	to.failWith(func(outbox.Message) error {
		if calls.Add(1) == 1 {
			panic("bug")
		}
		return nil
	})
	put(t, h.App, "p", "one")
	run(t, dispatcher(t, h.App, to.handle, nil))
	await(t, h.App, isEmpty)
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	h, to := database(t), &receiver{}
	_, err := outbox.New(limit(t), outbox.Config{DB: h.App, Handlers: map[string]outbox.Handler{topic: to.handle}})
	if err == nil {
		t.Error("no log, no refusal")
	}
	cfg := outbox.Config{DB: h.App, Handlers: map[string]outbox.Handler{topic: to.handle}, Lease: time.Second, HandlerTimeout: time.Second}
	if _, err := outbox.New(limit(t), cfg); err == nil {
		t.Error("a delivery may outlast its claim")
	}
}
