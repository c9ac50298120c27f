package postgres_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/dorsetcarerecord/dcr/internal/fault"
	"github.com/dorsetcarerecord/dcr/internal/postgres"
	"github.com/dorsetcarerecord/dcr/internal/testkit"
)

// TestLostStatementIsNotRepeated breaks the connection when the server has the statement but the caller
// has no answer. database/sql would send it again, and it would happen twice.
func TestLostStatementIsNotRepeated(t *testing.T) {
	t.Parallel()
	ctx := limit(t)
	h := testkit.Database(t, "record", migrations("record", dml))
	mustExec(t, h.Owner, "CREATE TABLE record.happened (n serial)")
	mustExec(t, h.Owner, "GRANT INSERT, SELECT ON record.happened TO dcr_record_app; GRANT USAGE ON SEQUENCE record.happened_n_seq TO dcr_record_app")
	db, p := through(t, h, postgres.Config{MaxConnections: 1})
	// The statement waits for this lock, so it is certainly under way when the connection breaks.
	tx, err := h.Owner.Beginx()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec("LOCK TABLE record.happened IN ACCESS EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { _, err := db.ExecContext(ctx, "INSERT INTO happened DEFAULT VALUES"); done <- err }()
	await(ctx, t, h.Owner, "SELECT count(*) > 0 FROM pg_locks WHERE relation = 'record.happened'::regclass AND NOT granted")
	p.cut()
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := postgres.Translate(<-done); fault.ReasonOf(err) != postgres.ReasonUnreachable {
		t.Errorf("got %v, want %s", err, postgres.ReasonUnreachable)
	}
	await(ctx, t, h.Owner, "SELECT count(*) = 1 FROM record.happened")
	if err := db.PingContext(ctx); err != nil {
		t.Errorf("the pool did not recover: %v", err)
	}
}

// TestIdleConnectionsEnd lets the server end idle connections, as a restart does: no caller notices.
func TestIdleConnectionsEnd(t *testing.T) {
	t.Parallel()
	ctx := limit(t)
	h := testkit.Database(t, "record", migrations("record", dml))
	db, err := postgres.Open(ctx, postgres.Config{URL: h.AppURL, MaxConnections: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	for i := range 5 {
		var pid int
		if err := db.Get(&pid, "SELECT pg_backend_pid()"); err != nil {
			t.Fatalf("round %d: %v", i, err)
		}
		super := connect(t, h.SuperURL)
		mustExec(t, super, "SELECT pg_terminate_backend($1, 5000)", pid)
		if _, err := db.ExecContext(ctx, "INSERT INTO thing VALUES ($1, 'n')", i); err != nil {
			t.Errorf("round %d: %v", i, err)
		}
	}
}

// await polls until a question is answered with true.
func await(ctx context.Context, t *testing.T, db *sqlx.DB, question string) {
	t.Helper()
	for {
		var yes bool
		if err := db.GetContext(ctx, &yes, question); err != nil && !errors.Is(err, sql.ErrNoRows) {
			t.Fatalf("%s: %v", question, err)
		}
		if yes {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("never: %s", question)
		case <-time.After(10 * time.Millisecond):
		}
	}
}
