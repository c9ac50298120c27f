package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/dorsetcarerecord/dcr/internal/postgres"
)

const (
	// settleAfter is how long a case must have been closed before it takes nothing more: a finding of the same
	// key then opens another. It is far above the 28 days that an outbox may be late (event.MaxDelay).
	settleAfter = 90 * 24 * time.Hour
	// keepRuns is for how long it is kept which leaves were judged when, and by which rules.
	keepRuns = 30 * 24 * time.Hour
	// keepTallies is for how long volumes are kept; no rule compares with more than a year (watch.Peers).
	keepTallies = 400 * 24 * time.Hour
)

// Settled is what Settle did.
type Settled struct {
	Cases, Runs, Tallies int64
}

const settleCases = `
UPDATE watch_case c SET settled = true
WHERE NOT c.settled
  AND (SELECT s.state = 'closed' AND s.made_at < $1 FROM case_step s WHERE s.case_id = c.id ORDER BY s.number DESC LIMIT 1)`

// deleteRuns leaves the last run, which says how far was watched.
const deleteRuns = `
DELETE FROM watch_run WHERE made_at < $1 AND first_index < (SELECT max(first_index) FROM watch_run)`

const deleteTallies = `DELETE FROM watch_tally WHERE day < ($1::timestamptz)::date`

// Settle marks cases that were closed long ago, so that lists of what is open stay short, and takes away what
// watching no longer needs. Cases and their steps stay for ever. It needs the owner's role. Nobody watches
// meanwhile, so that no case is opened again while it is being settled; that is a moment's lag.
func Settle(ctx context.Context, owner *sqlx.DB, now time.Time) (Settled, error) {
	var did Settled
	err := postgres.InTx(ctx, owner, func(tx *sqlx.Tx) error {
		if _, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock($1)", int64(watchLock)); err != nil {
			return err
		}
		for _, part := range []struct {
			text   string
			before time.Time
			count  *int64
		}{
			{settleCases, now.Add(-settleAfter), &did.Cases},
			{deleteRuns, now.Add(-keepRuns), &did.Runs},
			{deleteTallies, now.Add(-keepTallies), &did.Tallies},
		} {
			done, err := tx.ExecContext(ctx, part.text, instant(part.before))
			if err != nil {
				return err
			}
			if *part.count, err = done.RowsAffected(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return Settled{}, fmt.Errorf("settle cases: %w", err)
	}
	return did, nil
}
