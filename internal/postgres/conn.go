package postgres

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/lib/pq"
)

// errLost says that the connection broke after a statement was sent: it may or may not have happened.
// The driver calls this driver.ErrBadConn, upon which database/sql would send the statement again.
var errLost = errors.New("connection to the database was lost during a statement")

// connector makes connections that obey their contexts.
type connector struct {
	cfg     pq.Config
	timeout time.Duration // of connecting, per host
	limit   time.Duration // of one call whose context has no deadline; 0 for none
}

// Connect implements driver.Connector.
func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	inner, err := pq.NewConnectorConfig(c.cfg.Clone())
	if err != nil {
		return nil, err
	}
	d := &dialer{ctx: ctx, timeout: c.timeout}
	inner.Dialer(d)
	made, err := inner.Connect(ctx)
	w := d.seal()
	if err != nil {
		return nil, err
	}
	full, ok := made.(driverConn)
	if !ok || w == nil {
		_ = made.Close()
		return nil, fmt.Errorf("driver connection %T lacks an interface that this package relies on", made)
	}
	w.disarm()
	return &conn{driverConn: full, wire: w, limit: c.limit}, nil
}

// Driver implements driver.Connector.
func (c *connector) Driver() driver.Driver { return &pq.Driver{} }

// driverConn is what lib/pq's connections offer.
type driverConn interface {
	driver.Conn
	driver.Pinger
	driver.ExecerContext
	driver.QueryerContext
	driver.ConnPrepareContext
	driver.ConnBeginTx
	driver.SessionResetter
	driver.Validator
	driver.NamedValueChecker
}

// conn is a driver connection whose calls end with their contexts.
type conn struct {
	driverConn
	wire  *wire
	limit time.Duration
}

// arm bounds the call that follows.
func (c *conn) arm(ctx context.Context) {
	if _, ok := ctx.Deadline(); ok {
		c.wire.arm(ctx, 0)
		return
	}
	c.wire.arm(ctx, c.limit)
}

// once turns the driver's request to try again into an error when the statement had been sent.
func (c *conn) once(err error) error {
	if errors.Is(err, driver.ErrBadConn) && c.wire.wrote.Load() {
		return errLost
	}
	return err
}

// Ping implements driver.Pinger.
func (c *conn) Ping(ctx context.Context) error {
	c.arm(ctx)
	return c.driverConn.Ping(ctx)
}

// ExecContext implements driver.ExecerContext.
func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	c.arm(ctx)
	result, err := c.driverConn.ExecContext(ctx, query, args)
	return result, c.once(err)
}

// QueryContext implements driver.QueryerContext.
func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	c.arm(ctx)
	rows, err := c.driverConn.QueryContext(ctx, query, args)
	return rows, c.once(err)
}

// PrepareContext implements driver.ConnPrepareContext.
func (c *conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	c.arm(ctx)
	made, err := c.driverConn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	full, ok := made.(driverStmt)
	if !ok { // COPY, which has no use for contexts
		return made, nil
	}
	return &stmt{driverStmt: full, conn: c}, nil
}

// BeginTx implements driver.ConnBeginTx.
func (c *conn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	c.arm(ctx)
	made, err := c.driverConn.BeginTx(ctx, opts)
	if err != nil {
		return nil, err
	}
	return &tx{inner: made, conn: c, ctx: ctx}, nil
}

// ResetSession implements driver.SessionResetter: a connection that ended while it was idle is replaced
// before anything is sent on it.
func (c *conn) ResetSession(ctx context.Context) error {
	c.wire.disarm()
	if c.wire.stale() {
		return driver.ErrBadConn
	}
	return c.driverConn.ResetSession(ctx)
}

// Close implements driver.Conn.
func (c *conn) Close() error {
	c.wire.arm(context.Background(), closing)
	return c.driverConn.Close()
}

// driverStmt is what lib/pq's prepared statements offer.
type driverStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// stmt is a prepared statement whose calls end with their contexts.
type stmt struct {
	driverStmt
	conn *conn
}

// ExecContext implements driver.StmtExecContext.
func (s *stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	s.conn.arm(ctx)
	result, err := s.driverStmt.ExecContext(ctx, args)
	return result, s.conn.once(err)
}

// QueryContext implements driver.StmtQueryContext.
func (s *stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	s.conn.arm(ctx)
	rows, err := s.driverStmt.QueryContext(ctx, args)
	return rows, s.conn.once(err)
}

// Close implements driver.Stmt.
func (s *stmt) Close() error {
	s.conn.wire.arm(context.Background(), closing)
	return s.driverStmt.Close()
}

// tx is a transaction whose end is bound by the context of its beginning, the only one there is.
type tx struct {
	inner driver.Tx
	conn  *conn
	ctx   context.Context //nolint:containedctx // driver.Tx has calls without one, and this type lives as long as it
}

// Commit implements driver.Tx.
func (t *tx) Commit() error {
	t.conn.arm(t.ctx)
	return t.conn.once(t.inner.Commit())
}

// Rollback implements driver.Tx.
func (t *tx) Rollback() error {
	t.conn.arm(t.ctx)
	return t.inner.Rollback()
}
