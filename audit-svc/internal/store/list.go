package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/dorsetcarerecord/dcr/internal/postgres"

	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

// lastID is above every UUIDv7.
const lastID = "ffffffff-ffff-ffff-ffff-ffffffffffff"

// Filter narrows a list; an empty part narrows nothing.
type Filter struct {
	NHSNumber string
	StaffID   string
	ODSCode   string
	Outcome   int32
	Action    string
	From      time.Time     // inclusive
	To        time.Time     // exclusive
	Skew      time.Duration // how far an event's own time may be from that of its id
}

// matches is the condition of a filter. It is planned anew each time with its values (it is not prepared),
// so that parts which narrow nothing vanish from the plan, and partitions outside the ids are not opened.
const matches = `
    id >= $1::uuid AND id < $2::uuid
AND ($3 = '' OR nhs_number = $3)
AND ($4 = '' OR staff_id = $4)
AND ($5 = '' OR ods_code = $5)
AND ($6::smallint = 0 OR outcome = $6::smallint)
AND ($7 = '' OR action = $7)
AND ($8::timestamptz IS NULL OR occurred_at >= $8::timestamptz)
AND ($9::timestamptz IS NULL OR occurred_at < $9::timestamptz)`

// selectBodies orders by the column: its name alone would mean the text beside it, and a sort of the month.
const selectBodies = `
SELECT id::text AS id, body FROM event WHERE ` + matches + `
ORDER BY event.id DESC LIMIT $10`

// Body is a stored event.
type Body struct {
	ID   string `db:"id"`
	Body []byte `db:"body"`
}

// List gives at most limit events that match, newest first, beginning after the one with id after (empty:
// with the newest). Newest means by id, which is by the time of the attempt.
func (s *Store) List(ctx context.Context, f Filter, after string, limit int) ([]Body, error) {
	args := f.args()
	if after != "" && after < args[1].(string) {
		args[1] = after
	}
	var found []Body
	if err := s.db.SelectContext(ctx, &found, selectBodies, append(args, limit)...); err != nil {
		return nil, fmt.Errorf("list events: %w", postgres.Translate(err))
	}
	return found, nil
}

const selectMatch = `
SELECT true FROM event WHERE ` + matches + ` AND id = $10::uuid`

// Has tells whether the event with this id is stored and matches.
func (s *Store) Has(ctx context.Context, f Filter, id string) (bool, error) {
	var found bool
	err := s.db.GetContext(ctx, &found, selectMatch, append(f.args(), id)...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for event: %w", postgres.Translate(err))
	}
	return found, nil
}

// args are the parameters of matches.
func (f Filter) args() []any {
	low, high := verify.FirstID(time.Time{}), lastID
	var from, to any
	if !f.From.IsZero() {
		low, from = verify.FirstID(f.From.Add(-f.Skew)), instant(f.From)
	}
	if !f.To.IsZero() {
		high, to = verify.FirstID(f.To.Add(f.Skew+time.Millisecond)), instant(f.To)
	}
	return []any{low, high, f.NHSNumber, f.StaffID, f.ODSCode, f.Outcome, f.Action, from, to}
}
