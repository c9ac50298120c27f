package export

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

// ErrNoCheckpoint is returned for a log that has signed nothing yet.
var ErrNoCheckpoint = errors.New("the log has no signed checkpoint yet: try again in a second")

// Config is what an export needs.
type Config struct {
	// DB is the database, as a role that may read the schema.
	DB *sqlx.DB
	// Dir is the folder to write. It must not exist.
	Dir string
	// From and To bound the events by the time in their ids, To exclusive; the zero time is no bound.
	From, To time.Time
	// Trust holds the log's keys: what is exported must be signed with one of them.
	Trust *verify.Trust
	// Account is called with the number of events before the first of them is written; an error ends the export.
	Account func(ctx context.Context, events int64) error
	// Progress, if not nil, is told how many were written.
	Progress func(events, of int64)
}

// Report is what was written.
type Report struct {
	// Checkpoint that the export stands under.
	Checkpoint *verify.Signed
	// Events that were written.
	Events int64
}

// Write writes an export. On an error nothing of that name is left behind.
func Write(ctx context.Context, cfg Config) (report *Report, err error) {
	if cfg.DB == nil || cfg.Dir == "" || cfg.Trust == nil || cfg.Account == nil {
		return nil, errors.New("export: database, folder, keys and account are needed")
	}
	if _, err := os.Lstat(cfg.Dir); !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("export: %s exists already", cfg.Dir)
	}
	unfinished := cfg.Dir + ".unfinished"
	if err := os.Mkdir(unfinished, 0o700); err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(unfinished))
		}
	}()
	tx, err := cfg.DB.BeginTxx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // nothing was written
	if report, err = write(ctx, tx, cfg, unfinished); err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	if err := os.Rename(unfinished, cfg.Dir); err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	return report, nil
}

// write fills a folder.
func write(ctx context.Context, tx *sqlx.Tx, cfg Config, dir string) (*Report, error) {
	// Counting and sorting a large table take their time.
	if _, err := tx.ExecContext(ctx, `SET LOCAL statement_timeout = 0`); err != nil {
		return nil, err
	}
	note, err := checkpoint(ctx, tx)
	if err != nil {
		return nil, err
	}
	signed, err := cfg.Trust.Open([]byte(note))
	if err != nil {
		return nil, err
	}
	bounds := boundsOf(cfg, signed.Size)
	of, err := count(ctx, tx, bounds)
	if err != nil {
		return nil, err
	}
	if err := cfg.Account(ctx, of); err != nil {
		return nil, fmt.Errorf("account for the export: %w", err)
	}
	if err := save(filepath.Join(dir, verify.ExportCheckpoint), []byte(note)); err != nil {
		return nil, err
	}
	w := newWriter(ctx, tx, dir, signed.Checkpoint)
	w.progress = func(events int64) {
		if cfg.Progress != nil {
			cfg.Progress(events, of)
		}
	}
	if err := w.all(bounds); err != nil {
		return nil, err
	}
	return &Report{Checkpoint: signed, Events: w.events}, nil
}

// save writes a file for its owner alone, and its folder.
func save(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		return errors.Join(err, f.Close())
	}
	return errors.Join(f.Sync(), f.Close())
}
