package postgres

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/XSAM/otelsql"
	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
)

// randomPageCost tells the planner that a page out of order costs hardly more than the next one, as it is
// in memory and on solid state. With the server's default, meant for discs that turn, it reads small tables
// from end to end: the facts of an access decision took 126 µs of server CPU in place of 73.
const randomPageCost = "1.1"

// Open connects a service to its database and refuses to when the role or the server could break a
// promise: see admission. The context bounds the first connection. The caller closes the pool.
//
// The errors of the pool's calls are the driver's; pass them to Translate before they leave the store.
func Open(ctx context.Context, cfg Config) (*sqlx.DB, error) {
	cfg = cfg.withDefaults()
	driverCfg, err := driverConfig(cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("DCR_DATABASE_URL: %w", err)
	}
	setDefault(driverCfg.Runtime, "statement_timeout", milliseconds(cfg.StatementTimeout))
	setDefault(driverCfg.Runtime, "random_page_cost", randomPageCost)
	// Our statements take microseconds; a plan that looks dear, with a table not analysed yet, would be compiled
	// for longer than it runs.
	setDefault(driverCfg.Runtime, "jit", "off")
	setDefault(driverCfg.Runtime, "idle_in_transaction_session_timeout", milliseconds(idleInTransaction))
	db := pool(driverCfg, cfg)
	if err := admit(ctx, db, cfg.Schema, len(driverCfg.Multi) > 0); err != nil {
		return nil, errors.Join(fmt.Errorf("open database (DCR_DATABASE_URL): %w", err), db.Close())
	}
	return db, nil
}

// pool makes the pool, with spans and metrics that carry neither SQL text nor values nor error texts.
func pool(driverCfg pq.Config, cfg Config) *sqlx.DB {
	// The driver's own connect timeout would lift our deadline when it is done; ours does the same work.
	timeout := cfg.ConnectTimeout
	if driverCfg.ConnectTimeout > 0 {
		timeout = driverCfg.ConnectTimeout
		driverCfg.ConnectTimeout = 0
	}
	limit := time.Duration(0)
	if cfg.StatementTimeout > 0 {
		limit = cfg.StatementTimeout + grace
	}
	options := []otelsql.Option{
		otelsql.WithAttributes(attribute.String("db.system.name", "postgresql")),
		otelsql.WithSpanOptions(otelsql.SpanOptions{
			DisableQuery:         true,
			DisableErrSkip:       true,
			OmitConnResetSession: true,
			OmitRows:             true,
			SpanFilter:           insideTrace,
			RecordError:          func(error) bool { return false }, // an error's text may quote a value
		}),
	}
	if cfg.TracerProvider != nil {
		options = append(options, otelsql.WithTracerProvider(cfg.TracerProvider))
	}
	if cfg.MeterProvider != nil {
		options = append(options, otelsql.WithMeterProvider(cfg.MeterProvider))
	}
	db := sqlx.NewDb(otelsql.OpenDB(&connector{cfg: driverCfg, timeout: timeout, limit: limit}, options...), "postgres")
	db.SetMaxOpenConns(cfg.MaxConnections)
	db.SetMaxIdleConns(cfg.MaxConnections)
	db.SetConnMaxLifetime(connectionLifetime)
	db.SetConnMaxIdleTime(connectionIdleTime)
	return db
}

// insideTrace keeps workers that poll from starting a trace with every look.
func insideTrace(ctx context.Context, _ otelsql.Method, _ string, _ []driver.NamedValue) bool {
	return trace.SpanContextFromContext(ctx).IsValid()
}

func setDefault(settings map[string]string, name, value string) {
	if settings[name] == "" {
		settings[name] = value
	}
}
