package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/dorsetcarerecord/dcr/internal/postgres"

	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

const (
	// MonthsAhead is how many months after the present one get their partition ahead of time.
	MonthsAhead = 12
	// FewMonths is the number of months ahead below which we are loud: a month without a partition would
	// close every record.
	FewMonths = 3

	partitionName = "event_2006_01" // in Go's notation of time
	partitionLock = 0x6175646974    // advisory lock of Maintain: "audit"
)

// Maintain makes the partitions that are missing, from the month before now's (an outbox may deliver
// late) to MonthsAhead after it, and gives the names of those that it made. It needs the owner's role; any
// number may run at once, and none of them stops an append: a partition is made as a table by itself and
// then attached, which locks out neither readers nor writers.
func Maintain(ctx context.Context, owner *sqlx.DB, now time.Time) ([]string, error) {
	var made []string
	month := monthOf(now).AddDate(0, -1, 0)
	for range MonthsAhead + 2 {
		fresh, err := makePartition(ctx, owner, month)
		if err != nil {
			return made, fmt.Errorf("make partition %s: %w", month.Format(partitionName), err)
		}
		if fresh {
			made = append(made, month.Format(partitionName))
		}
		month = month.AddDate(0, 1, 0)
	}
	return made, nil
}

// makePartition makes one month's partition unless it is there. The lock orders those who maintain, not
// those who append.
func makePartition(ctx context.Context, owner *sqlx.DB, month time.Time) (bool, error) {
	fresh := false
	err := postgres.InTx(ctx, owner, func(tx *sqlx.Tx) error {
		fresh = false
		if _, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock($1)", int64(partitionLock)); err != nil {
			return err
		}
		var names []string
		if err := tx.SelectContext(ctx, &names, selectPartitions); err != nil {
			return err
		}
		if slices.Contains(names, month.Format(partitionName)) {
			return nil
		}
		fresh = true
		for _, text := range partitionSQL(month) {
			if _, err := tx.ExecContext(ctx, text); err != nil {
				return err
			}
		}
		return nil
	})
	return fresh, err
}

// partitionSQL is what makes a month. Names and bounds are ours; a definition takes no parameters.
func partitionSQL(month time.Time) []string {
	name := pq.QuoteIdentifier(month.Format(partitionName))
	from := pq.QuoteLiteral(verify.FirstID(month))
	to := pq.QuoteLiteral(verify.FirstID(month.AddDate(0, 1, 0)))
	return []string{
		"SET LOCAL lock_timeout = '5s'",
		"CREATE TABLE " + name + " (LIKE event INCLUDING ALL)",
		"ALTER TABLE event ATTACH PARTITION " + name + " FOR VALUES FROM (" + from + ") TO (" + to + ")",
	}
}

const selectPartitions = `
SELECT c.relname::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = to_regclass('event') ORDER BY 1`

// Room says for how long there is room.
type Room struct {
	// Now is true when events of this moment have a partition.
	Now bool
	// Ahead is the number of coming months without a gap that have one.
	Ahead int
}

// Room asks for how long there is room from now on.
func (s *Store) Room(ctx context.Context, now time.Time) (Room, error) {
	var names []string
	if err := s.stmt.Select(ctx, nil, &names, selectPartitions); err != nil {
		return Room{}, fmt.Errorf("list partitions: %w", postgres.Translate(err))
	}
	month := monthOf(now)
	room := Room{Now: slices.Contains(names, month.Format(partitionName))}
	for room.Now {
		month = month.AddDate(0, 1, 0)
		if !slices.Contains(names, month.Format(partitionName)) {
			break
		}
		room.Ahead++
	}
	return room, nil
}

// monthOf is the first instant of a time's month in UTC.
func monthOf(t time.Time) time.Time {
	t = t.UTC()
	return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
}
