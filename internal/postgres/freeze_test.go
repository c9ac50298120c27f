package postgres_test

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"net"
	"net/url"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/dorsetcarerecord/dcr/internal/fault"
	"github.com/dorsetcarerecord/dcr/internal/postgres"
	"github.com/dorsetcarerecord/dcr/internal/testkit"
)

const (
	patience = 300 * time.Millisecond // of the caller
	tooLong  = 2 * time.Second        // patience, grace and a busy machine
)

// proxy stands between a pool and its server. Frozen, it keeps its connections open and passes nothing
// on, as a paused virtual machine or a dropped route does.
type proxy struct {
	listener net.Listener
	target   string

	mu     sync.Mutex
	thawed chan struct{} // closed while bytes flow
	conns  []net.Conn
	group  sync.WaitGroup
}

func newProxy(t *testing.T, target string) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: listener, target: target, thawed: make(chan struct{})}
	close(p.thawed)
	p.group.Go(p.serve)
	t.Cleanup(func() {
		_ = listener.Close()
		p.thaw()
		p.cut()
		p.group.Wait()
	})
	return p
}

func (p *proxy) serve() {
	for {
		in, err := p.listener.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", p.target)
		if err != nil {
			_ = in.Close()
			continue
		}
		p.mu.Lock()
		p.conns = append(p.conns, in, out)
		p.mu.Unlock()
		p.group.Go(func() { p.pass(in, out) })
		p.group.Go(func() { p.pass(out, in) })
	}
}

func (p *proxy) pass(to io.WriteCloser, from io.ReadCloser) {
	defer func() { _, _ = to.Close(), from.Close() }()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		p.mu.Lock()
		thawed := p.thawed
		p.mu.Unlock()
		<-thawed
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (p *proxy) freeze() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.thawed = make(chan struct{})
}

func (p *proxy) thaw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.thawed:
	default:
		close(p.thawed)
	}
}

// cut breaks all connections.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		_ = c.Close()
	}
	p.conns = nil
}

// through opens a pool over a proxy.
func through(t *testing.T, h testkit.Handles, cfg postgres.Config) (*sqlx.DB, *proxy) {
	t.Helper()
	u, err := url.Parse(h.AppURL)
	if err != nil {
		t.Fatal(err)
	}
	p := newProxy(t, u.Host)
	u.Host = p.listener.Addr().String()
	cfg.URL = u.String()
	db, err := postgres.Open(limit(t), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db, p
}

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
			_, err := db.PreparexContext(ctx, "SELECT 2")
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
			rows, err := db.QueryContext(ctx, "SELECT repeat('x', 1000), n FROM generate_series(1, 100000) AS n")
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
