package postgres_test

import (
	"context"
	"errors"
	"syscall"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/dorsetcarerecord/dcr/internal/postgres"
	"github.com/dorsetcarerecord/dcr/internal/testkit"
)

const (
	patience = 300 * time.Millisecond // of the caller
	tooLong  = 2 * time.Second        // patience, grace and a busy machine
)

// TestFrozenServer lets every kind of call meet a server that answers nothing more: each must return soon
// after its context ended, by deadline or by cancellation (STACK.md: bare lib/pq was still blocked after 20 s).
func TestFrozenServer(t *testing.T) {
	t.Parallel()
	h := testkit.Database(t, "record", migrations("record", dml))
	ends := map[string]func() (context.Context, context.CancelFunc){
		"deadline": func() (context.Context, context.CancelFunc) {
			return context.WithTimeout(context.Background(), patience)
		},
		"cancellation": func() (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(context.Background())
			timer := time.AfterFunc(patience, cancel)
			return ctx, func() { timer.Stop(); cancel() }
		},
	}
	for name, call := range frozenCalls() {
		for how, end := range ends {
			t.Run(name+" by "+how, func(t *testing.T) {
				t.Parallel()
				db, p := through(t, h, postgres.Config{MaxConnections: 1})
				stmt, err := db.Preparex("SELECT 1")
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := end()
				defer cancel()
				run, err := call(ctx, db, stmt)
				if err != nil {
					t.Fatal(err)
				}
				p.freeze()
				mustReturn(t, run)
				p.thaw()
				if err := db.PingContext(limit(t)); err != nil {
					t.Errorf("the pool did not recover: %v", err)
				}
			})
		}
	}
}

// call prepares something before the freeze and returns what is done after it.
type call func(context.Context, *sqlx.DB, *sqlx.Stmt) (func() error, error)

func frozenCalls() map[string]call {
	inTx := func(work func(*sqlx.Tx, context.Context) error) call {
		return func(ctx context.Context, db *sqlx.DB, _ *sqlx.Stmt) (func() error, error) {
			tx, err := db.BeginTxx(ctx, nil)
			return func() error { return work(tx, ctx) }, err
		}
	}
	plain := func(work func(context.Context, *sqlx.DB, *sqlx.Stmt) error) call {
		return func(ctx context.Context, db *sqlx.DB, stmt *sqlx.Stmt) (func() error, error) {
			return func() error { return work(ctx, db, stmt) }, nil
		}
	}
	return map[string]call{
		"exec": plain(func(ctx context.Context, db *sqlx.DB, _ *sqlx.Stmt) error {
			_, err := db.ExecContext(ctx, "SELECT 1")
			return err
		}),
		"query": plain(func(ctx context.Context, db *sqlx.DB, _ *sqlx.Stmt) error {
			return db.GetContext(ctx, new(int), "SELECT 1")
		}),
		"ping": plain(func(ctx context.Context, db *sqlx.DB, _ *sqlx.Stmt) error { return db.PingContext(ctx) }),
		"begin": plain(func(ctx context.Context, db *sqlx.DB, _ *sqlx.Stmt) error {
			_, err := db.BeginTxx(ctx, nil)
			return err
		}),
		"prepare": plain(func(ctx context.Context, db *sqlx.DB, _ *sqlx.Stmt) error {
			_, err := db.PreparexContext(ctx, "SELECT 2") //nolint:sqlclosecheck // there is none
			return err
		}),
		"statement query": plain(func(ctx context.Context, _ *sqlx.DB, stmt *sqlx.Stmt) error { return stmt.GetContext(ctx, new(int)) }),
		"statement exec": plain(func(ctx context.Context, _ *sqlx.DB, stmt *sqlx.Stmt) error {
			_, err := stmt.ExecContext(ctx)
			return err
		}),
		"commit": inTx(func(tx *sqlx.Tx, _ context.Context) error { return tx.Commit() }),
		"rollback": inTx(func(tx *sqlx.Tx, ctx context.Context) error {
			if err := tx.Rollback(); err != nil {
				return err
			}
			return context.Cause(ctx) // rolled back by the context's end: fine as well
		}),
		"query in transaction": inTx(func(tx *sqlx.Tx, ctx context.Context) error {
			return errors.Join(tx.GetContext(ctx, new(int), "SELECT 1"), tx.Rollback())
		}),
		"rows": func(ctx context.Context, db *sqlx.DB, _ *sqlx.Stmt) (func() error, error) {
			// More than the buffers between hold, so that the freeze falls into the reading.
			rows, err := db.QueryContext(ctx, "SELECT repeat('x', 1000), n FROM generate_series(1, 100000) AS n") //nolint:rowserrcheck,sqlclosecheck // both below, after the freeze
			return func() error {
				defer func() { _ = rows.Close() }()
				for rows.Next() {
				}
				return rows.Err()
			}, err
		},
	}
}

// mustReturn wants an error, and in time.
func mustReturn(t *testing.T, run func() error) {
	t.Helper()
	begun := time.Now()
	done := make(chan error, 1)
	go func() { done <- run() }()
	select {
	case err := <-done:
		if err == nil {
			t.Error("succeeded on a frozen server")
		}
		if took := time.Since(begun); took > tooLong {
			t.Errorf("returned after %v", took)
		}
	case <-time.After(5 * tooLong):
		t.Fatalf("still blocked after %v", 5*tooLong)
	}
}

// TestFrozenBackend stops the server's own process in the middle of a connection's life.
func TestFrozenBackend(t *testing.T) {
	t.Parallel()
	h := testkit.Database(t, "record", migrations("record", dml))
	db, err := postgres.Open(limit(t), postgres.Config{URL: h.AppURL, MaxConnections: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	var pid int
	if err := db.Get(&pid, "SELECT pg_backend_pid()"); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGCONT) })
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	mustReturn(t, func() error { return db.GetContext(ctx, new(int), "SELECT 1") })
}

// TestFrozenWithoutDeadline relies on the statement timeout alone.
func TestFrozenWithoutDeadline(t *testing.T) {
	t.Parallel()
	h := testkit.Database(t, "record", migrations("record", dml))
	db, p := through(t, h, postgres.Config{StatementTimeout: patience, MaxConnections: 1})
	p.freeze()
	mustReturn(t, func() error { _, err := db.Exec("SELECT 1"); return err })
}

// TestFrozenConnect meets a server that accepts and then says nothing.
func TestFrozenConnect(t *testing.T) {
	t.Parallel()
	h := testkit.Database(t, "record", migrations("record", dml))
	db, p := through(t, h, postgres.Config{ConnectTimeout: patience, MaxConnections: 2})
	held, err := db.Connx(limit(t)) // so that the next call needs a new connection
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = held.Close() }()
	p.freeze()
	mustReturn(t, func() error { return db.Ping() })
}
