package stack

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"

	_ "github.com/lib/pq" // the driver of the look at a database before it is touched

	"github.com/dorsetcarerecord/dcr/internal/pgserver"
	"github.com/dorsetcarerecord/dcr/internal/postgres"
)

// databaseName is the suite's database on a private server.
const databaseName = "dcr"

// errForeignDatabase refuses to put demonstration data where somebody else's may be.
var errForeignDatabase = errors.New("the database of DATABASE_URL is neither empty nor marked as a demonstration: " +
	"name an empty one, or unset DATABASE_URL to have a private server")

// database is the PostgreSQL of a run: a private server, or one that was named.
type database struct {
	server *pgserver.Server // nil when it was named
	super  *url.URL
	log    *os.File
}

// openDatabase starts a private server below dir, or takes the one of externalURL.
func openDatabase(ctx context.Context, dir, externalURL string, out io.Writer) (*database, error) {
	if externalURL != "" {
		u, err := url.Parse(externalURL)
		if err != nil {
			return nil, errors.New("DATABASE_URL is no URL")
		}
		fmt.Fprintln(out, "  using the PostgreSQL of DATABASE_URL")
		return &database{super: u}, nil
	}
	log, err := os.OpenFile(filepath.Join(dir, "log", "postgresql.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	server, err := pgserver.Start(ctx, pgserver.Config{
		Dir: filepath.Join(dir, "postgres"), Log: log, Install: true,
		Settings: map[string]string{"max_connections": "300"},
	})
	if err != nil {
		log.Close()
		return nil, err
	}
	d := &database{server: server, log: log}
	if err := d.create(ctx); err != nil {
		return nil, errors.Join(err, d.stop(ctx))
	}
	fmt.Fprintf(out, "  private PostgreSQL on port %d\n", server.Port())
	return d, nil
}

// create makes the suite's database on the private server, unless an earlier run did.
func (d *database) create(ctx context.Context) error {
	u, err := url.Parse(d.server.URL(databaseName))
	if err != nil {
		return err
	}
	d.super = u
	db, err := sql.Open("postgres", d.server.URL("postgres"))
	if err != nil {
		return err
	}
	defer db.Close()
	var there bool
	if err := db.QueryRowContext(ctx, `SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)`, databaseName).Scan(&there); err != nil {
		return fmt.Errorf("look for the database: %w", err)
	}
	if there {
		return nil
	}
	if _, err := db.ExecContext(ctx, "CREATE DATABASE "+databaseName); err != nil {
		return fmt.Errorf("create the database: %w", err)
	}
	return nil
}

// prepare marks the database as a demonstration, makes roles and schemas, and sets the roles' passwords.
// A database that holds anything else is refused untouched.
func (d *database) prepare(ctx context.Context, passwords map[string]string) error {
	db, err := sql.Open("postgres", d.super.String())
	if err != nil {
		return err
	}
	defer db.Close()
	if err := claim(ctx, db); err != nil {
		return err
	}
	return postgres.Bootstrap(ctx, d.super.String(), passwords)
}

// claim accepts an empty database, or one that carries the mark, and leaves the mark.
func claim(ctx context.Context, db *sql.DB) error {
	const marked = `SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'dcr_demonstration')`
	const inUse = `SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg_toast%')`
	var isMarked, used bool
	if err := db.QueryRowContext(ctx, marked).Scan(&isMarked); err != nil {
		return fmt.Errorf("look for the demonstration's mark: %w", err)
	}
	if isMarked {
		return nil
	}
	if err := db.QueryRowContext(ctx, inUse).Scan(&used); err != nil {
		return fmt.Errorf("look whether the database is empty: %w", err)
	}
	if used {
		return errForeignDatabase
	}
	const mark = `CREATE SCHEMA dcr_demonstration`
	if _, err := db.ExecContext(ctx, mark); err != nil {
		return fmt.Errorf("mark the database as a demonstration: %w", err)
	}
	return nil
}

// url of the database for a role.
func (d *database) url(role, password string) string {
	u := *d.super
	u.User = url.UserPassword(role, password)
	return u.String()
}

func (d *database) stop(ctx context.Context) error {
	if d.server == nil {
		return nil
	}
	return errors.Join(d.server.Stop(ctx), d.log.Close())
}

// forget drops what a run made in a database that carries the mark; any other is left alone.
func forget(ctx context.Context, databaseURL string) (bool, error) {
	db, err := sql.Open("postgres", databaseURL)
	if err != nil {
		return false, err
	}
	defer db.Close()
	var marked bool
	if err := db.QueryRowContext(ctx, `SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'dcr_demonstration')`).Scan(&marked); err != nil || !marked {
		return false, err
	}
	const drop = `DROP SCHEMA IF EXISTS identity, record, optout, audit, dcr_demonstration CASCADE`
	if _, err := db.ExecContext(ctx, drop); err != nil {
		return false, fmt.Errorf("drop the demonstration's schemas: %w", err)
	}
	return true, nil
}

// DatabasePID is the process of the private PostgreSQL; 0 when the server was named.
func (s *Stack) DatabasePID() int {
	if s.db.server == nil {
		return 0
	}
	return s.db.server.PID()
}
