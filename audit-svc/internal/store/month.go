package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/dorsetcarerecord/dcr/internal/postgres"

	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

// monthBatch is how many events of a month are read at once.
const monthBatch = 512

// MonthFacts is what is known of a month without reading its events.
type MonthFacts struct {
	Events int64 `db:"events"`
	// Waiting are events without a leaf.
	Waiting int64 `db:"waiting"`
	// Last is the largest index of a leaf of the month; -1 without any.
	Last int64 `db:"last"`
	// AboutPeople tells whether any event is about a person.
	AboutPeople bool `db:"about_people"`
}

const selectMonthFacts = `
SELECT count(*) AS events, count(*) FILTER (WHERE l.leaf_index IS NULL) AS waiting, coalesce(max(l.leaf_index), -1) AS last,
  coalesce(bool_or(e.nhs_number <> ''), false) AS about_people
FROM event e LEFT JOIN leaf l ON l.event_id = e.id WHERE e.id >= $1::uuid AND e.id < $2::uuid`

// MonthEvent is an event of a month with its place.
type MonthEvent struct {
	Index int64  `db:"leaf_index"`
	Nonce []byte `db:"nonce"`
	Body  []byte `db:"body"`
	// Leaf is the hash in the tree.
	Leaf []byte `db:"leaf_hash"`
}

// monthCursor reads the events of a month in the order of the tree, from behind an index on.
const monthCursor = `
DECLARE month_events NO SCROLL CURSOR FOR
SELECT l.leaf_index, e.nonce, e.body, l.leaf_hash FROM event e JOIN leaf l ON l.event_id = e.id
WHERE e.id >= $1::uuid AND e.id < $2::uuid AND l.leaf_index > $3 ORDER BY l.leaf_index`

// MonthReader reads one month inside one snapshot.
type MonthReader struct {
	tx    *sqlx.Tx
	month time.Time
}

// ReadMonth runs work on one snapshot of the month of an instant. Any role of the schema may.
func ReadMonth(ctx context.Context, db *sqlx.DB, month time.Time, work func(*MonthReader) error) error {
	tx, err := db.BeginTxx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return fmt.Errorf("read month: %w", postgres.Translate(err))
	}
	defer func() { _ = tx.Rollback() }() // nothing was written
	// Sorting a month takes its time.
	if _, err := tx.ExecContext(ctx, `SET LOCAL statement_timeout = 0`); err != nil {
		return fmt.Errorf("read month: %w", postgres.Translate(err))
	}
	return work(&MonthReader{tx: tx, month: monthOf(month)})
}

// bounds are the ids of the month: from the first, before the second.
func (r *MonthReader) bounds() (from, to string) {
	return verify.FirstID(r.month), verify.FirstID(r.month.AddDate(0, 1, 0))
}

// Facts are counted anew.
func (r *MonthReader) Facts(ctx context.Context) (MonthFacts, error) {
	var f MonthFacts
	from, to := r.bounds()
	if err := r.tx.GetContext(ctx, &f, selectMonthFacts, from, to); err != nil {
		return f, fmt.Errorf("count the events of the month: %w", postgres.Translate(err))
	}
	return f, nil
}

// Each gives the events that have a leaf above an index, in the order of the tree.
func (r *MonthReader) Each(ctx context.Context, after int64, each func(MonthEvent) error) error {
	from, to := r.bounds()
	if _, err := r.tx.ExecContext(ctx, monthCursor, from, to, after); err != nil {
		return fmt.Errorf("read the events of the month: %w", postgres.Translate(err))
	}
	for {
		var rows []MonthEvent
		if err := r.tx.SelectContext(ctx, &rows, fmt.Sprintf("FETCH FORWARD %d FROM month_events", monthBatch)); err != nil {
			return fmt.Errorf("read the events of the month: %w", postgres.Translate(err))
		}
		if len(rows) == 0 {
			_, err := r.tx.ExecContext(ctx, "CLOSE month_events")
			return err
		}
		for _, row := range rows {
			if err := each(row); err != nil {
				return err
			}
		}
	}
}
