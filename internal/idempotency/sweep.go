package idempotency

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/dorsetcarerecord/dcr/internal/fault"
	"github.com/dorsetcarerecord/dcr/internal/postgres"
)

const (
	// Keep is the shortest time for which requests are remembered: a sender that was cut off may come back
	// after weeks.
	Keep = 30 * 24 * time.Hour

	sweepBatch = 1000 // rows per transaction, so that nobody waits long for a lock
	sweepEvery = 6 * time.Hour
)

const deleteOld = `
DELETE FROM request WHERE (request_id, caller, method) IN (
  SELECT request_id, caller, method FROM request WHERE created_at < $1 ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED)`

// Sweep forgets requests that were made before a time, in batches, and tells how many. It refuses a time
// less than Keep before now.
func Sweep(ctx context.Context, db *sqlx.DB, now, before time.Time) (int64, error) {
	if now.Sub(before) < Keep {
		return 0, fmt.Errorf("forget requests: they are kept for at least %v", Keep)
	}
	var total int64
	for {
		result, err := db.ExecContext(ctx, deleteOld, before, sweepBatch)
		if err != nil {
			return total, fmt.Errorf("forget requests: %w", postgres.Translate(err))
		}
		deleted, err := result.RowsAffected()
		if err != nil {
			return total, fmt.Errorf("forget requests: %w", err)
		}
		total += deleted
		if deleted < sweepBatch {
			return total, nil
		}
	}
}

// Sweeper forgets old requests while a service runs.
type Sweeper struct {
	DB  *sqlx.DB
	Log *slog.Logger
	Now func() time.Time
}

// Run sweeps now and every six hours until the context ends. Trouble is logged and waited out: nothing
// depends on a sweep but the size of a table.
func (s Sweeper) Run(ctx context.Context) error {
	if s.DB == nil || s.Log == nil || s.Now == nil {
		return errors.New("sweep requests: DB, Log and Now are all needed")
	}
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	for {
		now := s.Now()
		if _, err := Sweep(ctx, s.DB, now, now.Add(-Keep)); err != nil && ctx.Err() == nil {
			s.Log.WarnContext(ctx, "old requests could not be forgotten", slog.String("cause", fault.Trail(err)))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}
