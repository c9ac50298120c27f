package app

import (
	"context"
	"os"
	"sync"
	"testing"
	"time"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	"github.com/lib/pq"

	"github.com/dorsetcarerecord/dcr/internal/pgserver"
	"github.com/dorsetcarerecord/dcr/internal/postgres"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/store"
)

const crashPassword = "crash-test-only"

// crashServer is a PostgreSQL of its own, durable, with the schema in it.
func crashServer(t testing.TB) (server *pgserver.Server, app, owner string) {
	t.Helper()
	ctx := limit(t)
	dir, err := os.MkdirTemp("", "dcr-audit-crash-") // not TempDir: another user must be able to reach it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if server, err = pgserver.Start(ctx, pgserver.Config{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop(limit(t)) })
	super := server.URL("postgres")
	passwords := map[string]string{postgres.AppRole(store.Schema): crashPassword, postgres.OwnerRole(store.Schema): crashPassword}
	if err := postgres.Bootstrap(ctx, super, passwords); err != nil {
		t.Fatal(err)
	}
	app, owner = withRole(t, super, postgres.AppRole(store.Schema)), withRole(t, super, postgres.OwnerRole(store.Schema))
	if err := (&Migrate{Owner{URL: owner}}).Run(ctx); err != nil {
		t.Fatal(err)
	}
	return server, app, owner
}

// TestKilledDatabaseLosesNoAcknowledgedEvent kills the server (SIGKILL) under load, three times. Every
// event that was acknowledged is there afterwards; appends go on by themselves once it is back.
func TestKilledDatabaseLosesNoAcknowledgedEvent(t *testing.T) {
	t.Parallel()
	server, appURL, ownerURL := crashServer(t)
	c := serveTest(t, appURL, 1).appender(t, gateway)
	load := startLoad(t, c, 16)
	for range 3 {
		load.awaitMore(200)
		if err := server.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := server.Restart(limit(t)); err != nil {
			t.Fatal(err)
		}
	}
	load.awaitMore(200)
	acknowledged := load.stop()

	db, err := postgres.OpenOwner(limit(t), ownerURL, store.Schema)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	var found int
	if err := db.GetContext(limit(t), &found, "SELECT count(*) FROM event WHERE id = ANY ($1)", pq.StringArray(acknowledged)); err != nil {
		t.Fatal(err)
	}
	if found != len(acknowledged) {
		t.Errorf("%d of %d acknowledged events are lost", len(acknowledged)-found, len(acknowledged))
	}
}

// load is writers that append single events until it is stopped.
type load struct {
	t       *testing.T
	cancel  context.CancelFunc
	writers sync.WaitGroup

	mu           sync.Mutex
	acknowledged []string
}

func startLoad(t *testing.T, c auditv1.AppendServiceClient, writers int) *load {
	t.Helper()
	ctx, cancel := context.WithCancel(limit(t))
	l := &load{t: t, cancel: cancel}
	for range writers {
		l.writers.Go(func() {
			for ctx.Err() == nil {
				e := newEvent()
				if _, err := c.Append(ctx, &auditv1.AppendRequest{Events: []*auditv1.Event{e}}); err == nil {
					l.mu.Lock()
					l.acknowledged = append(l.acknowledged, e.GetId())
					l.mu.Unlock()
				}
			}
		})
	}
	return l
}

// awaitMore waits until n more events are acknowledged than now.
func (l *load) awaitMore(n int) {
	l.t.Helper()
	want, ctx := l.size()+n, limit(l.t)
	for l.size() < want {
		select {
		case <-ctx.Done():
			l.t.Fatalf("only %d of %d events were acknowledged", l.size(), want)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func (l *load) size() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.acknowledged)
}

func (l *load) stop() []string {
	l.cancel()
	l.writers.Wait()
	return l.acknowledged
}
