package fsck

import (
	"context"
	"fmt"
)

// waitingRow is an event without a leaf.
type waitingRow struct {
	eventRow
	// Seen tells whether the newest head claims to have seen the transaction that stored it.
	Seen bool `db:"seen"`
	// Future tells whether that transaction has not begun yet.
	Future bool `db:"future"`
}

// selectWaiting finds events without a leaf. Rows of an old release do not say which transaction stored them;
// the sequencer finds these by looking at all.
const selectWaiting = `
SELECT ` + eventColumns + `,
  coalesce(pg_visible_in_snapshot(e.stored_in, $1::pg_snapshot), false) AS seen,
  coalesce(e.stored_in >= greatest(pg_snapshot_xmax(pg_current_snapshot()), pg_snapshot_xmax($1::pg_snapshot)), false) AS future
FROM event e WHERE NOT EXISTS (SELECT FROM leaf l WHERE l.event_id = e.id) ORDER BY e.id`

// waiting looks at events without a leaf: they are whole, and the sequencer will still take them.
func (r *run) waiting(ctx context.Context) error {
	if r.newest.Future {
		if err := r.differ(Sequenced, fmt.Sprintf("head of %d leaves", r.newest.Size), "it claims to have seen transactions that have not begun"); err != nil {
			return err
		}
	}
	rows, err := openCursor[waitingRow](ctx, r.tx, "waiting", selectWaiting, r.newest.Seen)
	if err != nil {
		return err
	}
	for {
		e, err := rows.one(ctx)
		if err != nil || e == nil {
			return err
		}
		r.report.Waiting++
		place := "event " + e.ID
		if e.Seen {
			if err := r.differ(Sequenced, place, "it has no leaf, and the newest head claims to have seen it"); err != nil {
				return err
			}
		}
		if e.Future {
			if err := r.differ(Sequenced, place, "it has no leaf, and will not be seen: its transaction has not begun"); err != nil {
				return err
			}
		}
		if err := r.event(place, &e.eventRow); err != nil {
			return err
		}
	}
}

// selectCounts tells how many events and leaves there are.
const selectCounts = `SELECT (SELECT count(*) FROM event) AS events, (SELECT count(*) FROM leaf) AS leaves`

// selectTwice finds an event with two leaves; it is slow, and only asked when the numbers say that there is one.
const selectTwice = `
SELECT event_id::text FROM leaf GROUP BY event_id HAVING count(*) > 1 ORDER BY min(leaf_index) LIMIT 1`

// twice looks for an event with more than one leaf. Every leaf has its event by now, so the numbers tell.
func (r *run) twice(ctx context.Context) error {
	var n struct {
		Events int64 `db:"events"`
		Leaves int64 `db:"leaves"`
	}
	if err := r.tx.GetContext(ctx, &n, selectCounts); err != nil {
		return fmt.Errorf("count events and leaves: %w", err)
	}
	sequenced := n.Events - r.report.Waiting + r.report.Dropped
	if n.Leaves == sequenced {
		return nil
	}
	var id []string
	if err := r.tx.SelectContext(ctx, &id, selectTwice); err != nil {
		return fmt.Errorf("look for events with two leaves: %w", err)
	}
	if len(id) == 0 {
		return r.differ(Sequenced, "tree", "there are %d leaves for %d events", n.Leaves, sequenced)
	}
	return r.differ(Sequenced, "event "+id[0], "it has more than one leaf")
}
