package fsck

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/lib/pq"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/event"
	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

// eventRow is an event as it is stored. stored_at and stored_in are not compared: they are the service's own
// notes, nothing that is hashed follows from them, and nothing is claimed of them.
type eventRow struct {
	ID               string         `db:"id"`
	OccurredAt       time.Time      `db:"occurred_at"`
	Action           string         `db:"action"`
	Outcome          int32          `db:"outcome"`
	Reason           string         `db:"reason"`
	NHSNumber        string         `db:"nhs_number"`
	StaffID          string         `db:"staff_id"`
	ODSCode          string         `db:"ods_code"`
	RelationshipKind *string        `db:"relationship_kind"`
	Marks            pq.StringArray `db:"marks"`
	NoMarks          bool           `db:"no_marks"`
	Nonce            []byte         `db:"nonce"`
	Body             []byte         `db:"body"`
	LeafHash         []byte         `db:"leaf_hash"`
}

const eventColumns = `e.id::text AS id, e.occurred_at, e.action, e.outcome, e.reason, e.nhs_number, e.staff_id, e.ods_code,
  e.relationship_kind, e.marks, e.marks IS NULL AS no_marks, e.nonce, e.body, e.leaf_hash`

const selectEvents = `SELECT ` + eventColumns + ` FROM event e WHERE e.id = ANY ($1::uuid[])`

// eventsOf reads the events of some leaves. An id may have more than one row when somebody took the key away.
func (r *run) eventsOf(ctx context.Context, leaves []leafRow) (map[string][]eventRow, error) {
	ids := make(pq.StringArray, len(leaves))
	for i, l := range leaves {
		ids[i] = l.EventID
	}
	var rows []eventRow
	if err := r.events.SelectContext(ctx, &rows, ids); err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	byID := make(map[string][]eventRow, len(rows))
	for _, e := range rows {
		byID[e.ID] = append(byID[e.ID], e)
	}
	return byID, nil
}

// event compares a stored event with itself.
func (r *run) event(place string, e *eventRow) error {
	if err := verify.CheckLeaf(e.Nonce, e.Body, e.LeafHash); err != nil {
		if err := r.differ(Bytes, place, "its hash is not that of its nonce and bytes"); err != nil {
			return err
		}
	}
	decoded, err := event.Decode(e.Body)
	if err != nil {
		return r.differ(Column, place, "its bytes are no event")
	}
	if decoded.GetId() != e.ID {
		if err := r.differ(Column, place, "its bytes are those of event %s", cleanID(decoded.GetId())); err != nil {
			return err
		}
	}
	if column := unlike(e, event.ColumnsOf(decoded)); column != "" {
		return r.differ(Column, place, "column %s is not what its bytes say", column)
	}
	return nil
}

// unlike is the first column that does not say what the bytes say; empty when all do. A column without a
// value would hide the event from a search, so it is a difference as well.
func unlike(e *eventRow, want event.Columns) string {
	for _, c := range []struct {
		name string
		same bool
	}{
		{"occurred_at", e.OccurredAt.Equal(want.OccurredAt)},
		{"action", e.Action == want.Action},
		{"outcome", e.Outcome == want.Outcome},
		{"reason", e.Reason == want.Reason},
		{"nhs_number", e.NHSNumber == want.NHSNumber},
		{"staff_id", e.StaffID == want.StaffID},
		{"ods_code", e.ODSCode == want.ODSCode},
		{"relationship_kind", e.RelationshipKind != nil && *e.RelationshipKind == want.RelationshipKind},
		{"marks", !e.NoMarks && slices.Equal(e.Marks, want.Marks)},
	} {
		if !c.same {
			return c.name
		}
	}
	return ""
}

// cleanID is an id that may be printed: whatever is no id might be anything.
func cleanID(id string) string {
	if _, err := verify.Time(id); err != nil {
		return "without an id"
	}
	return id
}
