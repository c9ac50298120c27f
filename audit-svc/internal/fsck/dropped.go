package fsck

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"maps"
	"slices"
	"time"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/event"
	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

// monthLayout is how a month is named.
const monthLayout = "2006-01"

// droppedRow is a month whose events were deleted when their time was over.
type droppedRow struct {
	Month    time.Time `db:"month"`
	Events   int64     `db:"events"`
	Leaves   []byte    `db:"leaves_sha256"`
	Manifest []byte    `db:"manifest_sha256"`
	EventID  string    `db:"event_id"`

	hash hash.Hash // over the leaves that were met
	met  int64
}

const selectDropped = `SELECT month, events, leaves_sha256, manifest_sha256, event_id::text AS event_id FROM dropped_month ORDER BY month`

// dropped reads which months have hashes only.
func (r *run) dropped(ctx context.Context) error {
	var rows []*droppedRow
	if err := r.tx.SelectContext(ctx, &rows, selectDropped); err != nil {
		return fmt.Errorf("read deleted months: %w", err)
	}
	r.gone = make(map[string]*droppedRow, len(rows))
	for _, d := range rows {
		d.hash = sha256.New()
		r.gone[d.Month.Format(monthLayout)] = d
	}
	r.report.DroppedMonths = int64(len(rows))
	return nil
}

// droppedAt is the deleted month that an event's id lies in; nil when that month was not deleted.
func (r *run) droppedAt(id string) *droppedRow {
	at, err := verify.Time(id)
	if err != nil {
		return nil
	}
	return r.gone[at.Format(monthLayout)]
}

// withoutEvent counts a leaf whose event was deleted with its month.
func (r *run) withoutEvent(d *droppedRow, l *leafRow) {
	var at [8]byte
	binary.BigEndian.PutUint64(at[:], uint64(l.Index)) //nolint:gosec // compared with the tree's size before
	d.hash.Write(at[:])
	d.hash.Write(l.Hash)
	d.met++
	r.report.Dropped++
}

// deletions compares what was noted of each deleted month with its leaves, and with the log: a month that somebody
// deleted in silence has no event that says so.
func (r *run) deletions(ctx context.Context) error {
	for _, name := range slices.Sorted(maps.Keys(r.gone)) {
		d := r.gone[name]
		place := "deleted month " + name
		if d.met != d.Events || !bytes.Equal(d.hash.Sum(nil), d.Leaves) {
			if err := r.differ(Dropped, place, "its leaves are not those that its archive was compared with"); err != nil {
				return err
			}
		}
		if r.droppedAt(d.EventID) != nil {
			continue // deleted in its own time; its leaf stands
		}
		said, err := r.says(ctx, d, name)
		if err != nil {
			return err
		}
		if !said {
			if err := r.differ(Dropped, place, "no event of the log says that it was deleted"); err != nil {
				return err
			}
		}
	}
	return nil
}

// says tells whether the event of a deletion is in the log and says what was noted.
func (r *run) says(ctx context.Context, d *droppedRow, name string) (bool, error) {
	var bodies [][]byte
	if err := r.tx.SelectContext(ctx, &bodies, `SELECT body FROM event WHERE id = $1::uuid`, d.EventID); err != nil {
		return false, fmt.Errorf("read the event of a deletion: %w", err)
	}
	if len(bodies) != 1 {
		return false, nil
	}
	e, err := event.Decode(bodies[0])
	if err != nil {
		return false, nil //nolint:nilerr // it is no event, and so says nothing
	}
	c := e.GetChange()
	return e.GetAction() == event.DropMonth && c.GetResource() == event.MonthResource && c.GetId() == name &&
		c.GetSummary() == event.DropSummary(d.Events, hex.EncodeToString(d.Manifest)), nil
}
