package postgres

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

const (
	txAttempts   = 5
	firstBackoff = 5 * time.Millisecond
)

// InTx runs work in a read-committed transaction, commits when it returns nil and rolls back otherwise,
// also when it panics. When the server gave up because of others (could not serialise, deadlock) the
// whole of work runs again, up to five times in all; so work must change nothing but the database and
// values that it sets anew. Work must not call another service: no transaction spans an RPC (DESIGN 6).
//
// The error is Translated. An error of the commit itself leaves the outcome unknown when it is
// ReasonUnreachable; the caller's request id settles it (package idempotency).
func InTx(ctx context.Context, db *sqlx.DB, work func(*sqlx.Tx) error) error {
	backoff := firstBackoff
	for attempt := 1; ; attempt++ {
		err := once(ctx, db, work)
		if err == nil {
			return nil
		}
		if attempt == txAttempts || !retryable(err) {
			return Translate(err)
		}
		select {
		case <-ctx.Done():
			return Translate(err)
		case <-time.After(backoff + rand.N(backoff)):
			backoff *= 2
		}
	}
}

// once is one attempt.
func once(ctx context.Context, db *sqlx.DB, work func(*sqlx.Tx) error) error {
	tx, err := db.BeginTxx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	// After a commit this does nothing; its own error adds nothing to the one that led here.
	defer func() { _ = tx.Rollback() }()
	if err := work(tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// retryable tells whether the server rolled back for a reason that another attempt may not meet.
func retryable(err error) bool {
	var pqErr *pq.Error
	return errors.As(err, &pqErr) && (pqErr.Code == "40001" || pqErr.Code == "40P01")
}
