package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/dorsetcarerecord/dcr/internal/postgres"
)

// SequencerLock is the advisory lock that elects the sequencer of a database: "auditseq".
const SequencerLock int64 = 0x6175646974736571

// Lead is the session of the elected sequencer. The lock belongs to the session, and all its work is done
// within it: who loses the session loses lock and work together. It is for one goroutine.
type Lead struct {
	conn *sqlx.Conn
	stmt map[string]*sqlx.Stmt
}

// tryLock takes the lock for the session, or says at once that somebody else has it.
const tryLock = `SELECT pg_try_advisory_lock($1)`

// bindSession lets the server end the session when nothing comes from it for that many milliseconds, also
// inside a transaction: a process that is frozen holds the lock no longer than that. And all that the session
// ever does is to follow keys; a planner without statistics of a new month must not think otherwise, nor compile
// a plan that runs for a millisecond.
const bindSession = `
SELECT set_config('idle_session_timeout', $1, false), set_config('idle_in_transaction_session_timeout', $1, false),
       set_config('enable_seqscan', 'off', false), set_config('enable_hashjoin', 'off', false),
       set_config('enable_mergejoin', 'off', false), set_config('jit', 'off', false)`

// Elect tries to become the sequencer; nil without an error when somebody else is. The session ends by
// itself when it is idle for that long, so whoever leads must speak more often.
func (s *Store) Elect(ctx context.Context, lock int64, idle time.Duration) (*Lead, error) {
	conn, err := s.db.Connx(ctx)
	if err != nil {
		return nil, fmt.Errorf("elect sequencer: %w", postgres.Translate(err))
	}
	var elected bool
	if err := conn.GetContext(ctx, &elected, tryLock, lock); err != nil {
		return nil, errors.Join(fmt.Errorf("elect sequencer: %w", postgres.Translate(err)), drop(conn))
	}
	if !elected {
		return nil, conn.Close()
	}
	l := &Lead{conn: conn, stmt: map[string]*sqlx.Stmt{}}
	if err := l.prepare(ctx, idle); err != nil {
		return nil, errors.Join(fmt.Errorf("elect sequencer: %w", postgres.Translate(err)), l.Close())
	}
	return l, nil
}

func (l *Lead) prepare(ctx context.Context, idle time.Duration) error {
	if _, err := l.conn.ExecContext(ctx, bindSession, fmt.Sprint(idle.Milliseconds())); err != nil {
		return fmt.Errorf("bound the session: %w", err)
	}
	for _, text := range []string{
		selectHead, selectSnapshot, selectStored, selectUnsequenced, insertLeaves, insertTiles, insertHead,
		selectSigners, insertCheckpoint, insertSignatures,
	} {
		made, err := l.conn.PreparexContext(ctx, text) //nolint:sqlclosecheck // ends with the session
		if err != nil {
			return fmt.Errorf("prepare statement: %w", err)
		}
		l.stmt[text] = made
	}
	return nil
}

// Close ends the session, and with it the lock. The connection does not go back to the pool, where others
// would be ended for being idle.
func (l *Lead) Close() error { return drop(l.conn) }

// drop closes a connection for good.
func drop(conn *sqlx.Conn) error {
	err := conn.Raw(func(any) error { return driver.ErrBadConn })
	if err != nil && !errors.Is(err, driver.ErrBadConn) {
		return fmt.Errorf("drop session: %w", err)
	}
	return nil
}

// selectRow and selectRows run a prepared statement, within tx when there is one.
func (l *Lead) selectRow(ctx context.Context, dest any, text string, args ...any) error {
	return l.stmt[text].GetContext(ctx, dest, args...)
}

func (l *Lead) selectRows(ctx context.Context, dest any, text string, args ...any) error {
	return l.stmt[text].SelectContext(ctx, dest, args...)
}
