package testkit

import (
	"context"
	"io/fs"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/dorsetcarerecord/dcr/internal/postgres"
)

const databaseLimit = time.Minute

// Handles are the ways into a test's own database. The URLs carry passwords.
type Handles struct {
	AppURL   string // as the service
	OwnerURL string // as the migrator
	SuperURL string // as superuser

	App   *sqlx.DB // opened with postgres.Open, as the service does
	Owner *sqlx.DB // for arranging what the service itself may not do

	store *templates
	name  string
}

// URL is the way in as any role of the suite, for tests that try what a role may not do.
func (h Handles) URL(role string) string { return h.store.url(role, h.name) }

// Database makes a database of its own for a test: roles as in production, and the schema with its
// migrations applied. It is a copy of a template that is made once per test process, so it costs some ten
// milliseconds, and tests may run in parallel. It is dropped, and the pools are closed, when the test ends.
func Database(t testing.TB, schema string, migrations fs.FS) Handles {
	t.Helper()
	store, err := serverTemplates()
	if err != nil {
		t.Fatalf("testkit: %v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), databaseLimit)
	defer cancel()
	name, err := store.clone(ctx, schema, migrations)
	if err != nil {
		t.Fatalf("testkit: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), databaseLimit)
		defer cancel()
		if err := store.dropDatabase(ctx, name); err != nil {
			t.Errorf("testkit: %v", err)
		}
	})
	h := Handles{
		AppURL:   store.url(postgres.AppRole(schema), name),
		OwnerURL: store.url(postgres.OwnerRole(schema), name),
		SuperURL: store.superURL(name),
		store:    store,
		name:     name,
	}
	h.App = openApp(ctx, t, h.AppURL)
	h.Owner = openOwner(ctx, t, h.OwnerURL)
	return h
}

func openApp(ctx context.Context, t testing.TB, url string) *sqlx.DB {
	t.Helper()
	db, err := postgres.Open(ctx, postgres.Config{URL: url, StatementTimeout: 30 * time.Second})
	if err != nil {
		t.Fatalf("testkit: %v", err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func openOwner(ctx context.Context, t testing.TB, url string) *sqlx.DB {
	t.Helper()
	db, err := sqlx.ConnectContext(ctx, "postgres", url)
	if err != nil {
		t.Fatalf("testkit: connect as owner: %v", err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}
