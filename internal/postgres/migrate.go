package postgres

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"regexp"

	"github.com/jmoiron/sqlx"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// versionTable records, in the schema itself, which migrations were applied.
const versionTable = "schema_version"

const (
	lockEvery    = 1   // seconds between two attempts to take the migration lock: the library's least
	lockAttempts = 300 // so a migrator waits five minutes for the others
)

// setsLockTimeout is the first thing that a migration must say: how long it may wait for a lock, while
// every query on that table waits behind it.
var setsLockTimeout = regexp.MustCompile(`(?im)^\s*SET\s+(LOCAL\s+)?lock_timeout\b`)

// Migrate brings a schema to the newest of migrations, NNNNN_name.sql files at the root of the file
// system or in its folder "migrations". It connects as the schema's owner, with search_path set to
// the schema, under a lock per schema, so that any number of replicas may call it at once.
//
// Migrations work with the previous release still running and begin with SET lock_timeout; one
// that does not is refused before anything is applied.
func Migrate(ctx context.Context, ownerURL, schema string, migrations fs.FS) error {
	migrations, err := checkMigrations(migrations)
	if err != nil {
		return fmt.Errorf("migrate %s: %w", schema, err)
	}
	db, err := OpenOwner(ctx, ownerURL, schema)
	if err != nil {
		return fmt.Errorf("migrate %s: %w", schema, err)
	}
	defer func() { _ = db.Close() }()
	return migrate(ctx, db, schema, migrations)
}

func migrate(ctx context.Context, db *sqlx.DB, schema string, migrations fs.FS) error {
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockID(lockID(schema)), lock.WithLockTimeout(lockEvery, lockAttempts))
	if err != nil {
		return fmt.Errorf("migrate %s: %w", schema, err)
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db.DB, migrations,
		goose.WithSessionLocker(locker), goose.WithTableName(versionTable), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("migrate %s: %w", schema, err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate %s: %w", schema, err)
	}
	return nil
}

// checkMigrations finds the files and reads each.
func checkMigrations(migrations fs.FS) (fs.FS, error) {
	files, err := fs.Glob(migrations, "*.sql")
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		if migrations, err = fs.Sub(migrations, "migrations"); err != nil {
			return nil, err
		}
		if files, err = fs.Glob(migrations, "*.sql"); err != nil {
			return nil, err
		}
	}
	if len(files) == 0 {
		return nil, errors.New("no migrations were found")
	}
	for _, name := range files {
		text, err := fs.ReadFile(migrations, name)
		if err != nil {
			return nil, err
		}
		if !setsLockTimeout.Match(text) {
			return nil, fmt.Errorf("%s must begin with SET lock_timeout (say, SET lock_timeout = '5s')", name)
		}
	}
	return migrations, nil
}

// lockID is the advisory lock of a schema's migrations; locks are per database, so it names the schema.
func lockID(schema string) int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte("dcr migrate " + schema)) // never fails: documented
	return int64(h.Sum64() >> 1)
}
