package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"

	"github.com/dorsetcarerecord/dcr/internal/outbox"
	"github.com/dorsetcarerecord/dcr/internal/postgres"
	"github.com/dorsetcarerecord/dcr/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

const topic = "audit"

var errDown = errors.New("receiver is down")

func database(t *testing.T) testkit.Handles {
	t.Helper()
	return testkit.Database(t, "record", fstest.MapFS{"00001_outbox.sql": {Data: []byte(
		"-- +goose Up\nSET lock_timeout = '5s';\n" + outbox.SchemaSQL + fmt.Sprintf(outbox.GrantSQL, "dcr_record_app") + "\n-- +goose Down\nDROP TABLE outbox;\n")}})
}

func limit(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// receiver stands for the other service.
type receiver struct {
	mu   sync.Mutex
	got  []outbox.Message
	fail func(outbox.Message) error // nil: accept
}

func (r *receiver) handle(ctx context.Context, m outbox.Message) error {
	r.mu.Lock()
	fail := r.fail
	r.mu.Unlock()
	if fail != nil {
		if err := fail(m); err != nil {
			return err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got = append(r.got, m)
	return ctx.Err()
}

func (r *receiver) failWith(fail func(outbox.Message) error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fail = fail
}

// payloads are what arrived about a key, in order.
func (r *receiver) payloads(key string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for _, m := range r.got {
		if m.Key == key {
			out = append(out, string(m.Payload))
		}
	}
	return out
}

// dispatcher makes one with short times.
func dispatcher(t *testing.T, db *sqlx.DB, handler outbox.Handler, change func(*outbox.Config)) *outbox.Dispatcher {
	t.Helper()
	cfg := outbox.Config{
		DB: db, Handlers: map[string]outbox.Handler{topic: handler}, Log: slog.New(slog.DiscardHandler),
		Poll: 20 * time.Millisecond, FirstBackoff: 10 * time.Millisecond, MaxBackoff: 50 * time.Millisecond,
	}
	if change != nil {
		change(&cfg)
	}
	d, err := outbox.New(limit(t), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

// run runs a worker until the returned function is called, or the test ends.
func run(t *testing.T, d *outbox.Dispatcher) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("worker: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// put commits one message and gives its id.
func put(t *testing.T, db *sqlx.DB, key, payload string) uuid.UUID {
	t.Helper()
	id := uuid.New()
	err := postgres.InTx(limit(t), db, func(tx *sqlx.Tx) error {
		return outbox.Put(limit(t), tx, outbox.Message{ID: id, Topic: topic, Key: key, Payload: []byte(payload)})
	})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// await waits until a question to the database is answered with true.
func await(t *testing.T, db *sqlx.DB, question string) {
	t.Helper()
	ctx := limit(t)
	for {
		var yes bool
		if err := db.GetContext(ctx, &yes, question); err != nil {
			t.Fatalf("%s: %v", question, err)
		}
		if yes {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("never: %s", question)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

const isEmpty = "SELECT count(*) = 0 FROM outbox"
