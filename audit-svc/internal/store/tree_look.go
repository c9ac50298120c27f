package store

import (
	"context"
	"fmt"
	"strconv"

	"github.com/dorsetcarerecord/dcr/internal/postgres"
)

// NoID is below every id of an event.
const NoID = "00000000-0000-0000-0000-000000000000"

// Candidate is a stored event, as the sequencer sees it.
type Candidate struct {
	ID string `db:"id"`
	// StoredIn is the transaction that stored it; 0 for one of a release that did not say.
	StoredIn uint64 `db:"stored_in"`
	Leaf     []byte `db:"leaf_hash"`
	// Taken is true when it has a leaf already.
	Taken bool `db:"taken"`
}

// selectSnapshot says which transactions are finished. Whoever reads events after it sees at least theirs.
const selectSnapshot = `SELECT pg_current_snapshot()::text`

// Snapshot is the transactions that are finished now, as PostgreSQL prints them.
func (l *Lead) Snapshot(ctx context.Context) (string, error) {
	var text string
	if err := l.selectRow(ctx, &text, selectSnapshot); err != nil {
		return "", fmt.Errorf("read snapshot: %w", postgres.Translate(err))
	}
	return text, nil
}

// selectStored reads events in the order of the index by transaction, month by month side by side; the
// number of rows that it touches is bounded whether they have leaves or not.
const selectStored = `
SELECT e.id::text AS id, e.stored_in::text AS stored_in, e.leaf_hash, l.event_id IS NOT NULL AS taken
FROM (SELECT id, stored_in, leaf_hash FROM event
      WHERE (stored_in, id) > ($1::xid8, $2::uuid) AND stored_in < $3::xid8
      ORDER BY stored_in, id LIMIT $4) e
LEFT JOIN leaf l ON l.event_id = e.id
ORDER BY e.stored_in, e.id`

// Stored are at most limit events of the transactions from from to before to, in the order of transaction and
// id, beginning after id of the first one.
func (l *Lead) Stored(ctx context.Context, from uint64, after string, to uint64, limit int) ([]Candidate, error) {
	var found []Candidate
	err := l.selectRows(ctx, &found, selectStored, number(from), after, number(to), limit)
	if err != nil {
		return nil, fmt.Errorf("read stored events: %w", postgres.Translate(err))
	}
	return found, nil
}

// selectUnsequenced looks at a stretch of all events, and gives those without a leaf, and the last one looked at.
const selectUnsequenced = `
SELECT e.id::text AS id, coalesce(e.stored_in::text, '0') AS stored_in, e.leaf_hash, l.event_id IS NOT NULL AS taken
FROM (SELECT id, stored_in, leaf_hash, row_number() OVER (ORDER BY event.id DESC) AS from_the_end
      FROM (SELECT id, stored_in, leaf_hash FROM event WHERE id > $1::uuid ORDER BY id LIMIT $2) event) e
LEFT JOIN leaf l ON l.event_id = e.id
WHERE l.event_id IS NULL OR e.from_the_end = 1
ORDER BY e.id`

// Sweep looks at the limit events with the next ids after one, whatever stored them, and gives those that
// have no leaf; last is the id of the last event looked at, empty when there was none.
func (l *Lead) Sweep(ctx context.Context, after string, limit int) (open []Candidate, last string, err error) {
	var found []Candidate
	if err := l.selectRows(ctx, &found, selectUnsequenced, after, limit); err != nil {
		return nil, "", fmt.Errorf("sweep events: %w", postgres.Translate(err))
	}
	for _, c := range found {
		last = c.ID
		if !c.Taken {
			open = append(open, c)
		}
	}
	return open, last, nil
}

// number writes the number of a transaction for PostgreSQL.
func number(n uint64) string { return strconv.FormatUint(n, 10) }
