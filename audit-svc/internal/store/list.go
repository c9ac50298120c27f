package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/lib/pq"

	"github.com/dorsetcarerecord/dcr/internal/postgres"

	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

// lastID is above every UUIDv7.
const lastID = "ffffffff-ffff-ffff-ffff-ffffffffffff"

// ErrNone says that no event has this id.
var ErrNone = errors.New("no such event")

// Filter narrows a list; an empty part narrows nothing.
type Filter struct {
	NHSNumber        string
	StaffID          string
	ODSCode          string
	Outcome          int32
	Action           string
	From             time.Time     // inclusive
	To               time.Time     // exclusive
	Skew             time.Duration // how far an event's own time may be from that of its id
	Reason           string
	RelationshipKind string
	Marks            []string // the event has all of them
	Actions          []string // the event has one of them
	ExceptActions    []string // the event has none of them
	Outcomes         []int32  // the event has one of them
}

// matches is the condition of a filter. It is planned anew each time with its values (it is not prepared),
// so that parts which narrow nothing vanish from the plan, partitions outside the ids are not opened, and the
// indexes of what is rare (migration 00010) are found. The line after the marks is what leads to their index.
const matches = `
    id >= $1::uuid AND id < $2::uuid
AND ($3 = '' OR nhs_number = $3 AND nhs_number <> '')
AND ($4 = '' OR staff_id = $4 AND staff_id <> '')
AND ($5 = '' OR ods_code = $5 AND ods_code <> '')
AND ($6::smallint = 0 OR outcome = $6::smallint)
AND ($7 = '' OR action = $7)
AND ($8::timestamptz IS NULL OR occurred_at >= $8::timestamptz)
AND ($9::timestamptz IS NULL OR occurred_at < $9::timestamptz)
AND ($10 = '' OR reason = $10 AND reason <> '')
AND ($11 = '' OR relationship_kind = $11)
AND ($12::text[] = '{}' OR marks @> $12::text[])
AND ($12::text[] <@ '{own_number_unknown}' OR marks <> '{}' AND marks <> '{own_number_unknown}')
AND ($13::text[] = '{}' OR action = ANY ($13::text[]))
AND ($14::text[] = '{}' OR action <> ALL ($14::text[]))
AND ($15::smallint[] = '{}' OR outcome = ANY ($15::smallint[]))`

// selectBodies orders by the column: its name alone would mean the text beside it, and a sort of the month.
const selectBodies = `
SELECT id::text AS id, body, leaf_hash, stored_at FROM event WHERE ` + matches + `
ORDER BY event.id DESC LIMIT $16`

// Body is a stored event.
type Body struct {
	ID       string    `db:"id"`
	Body     []byte    `db:"body"`
	Hash     []byte    `db:"leaf_hash"`
	StoredAt time.Time `db:"stored_at"`
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

const selectBody = `
SELECT id::text AS id, body, leaf_hash, stored_at FROM event WHERE id = $1::uuid`

// Get gives one event. Errors: ErrNone. The id must be a UUIDv7.
func (s *Store) Get(ctx context.Context, id string) (Body, error) {
	var found Body
	err := s.stmt.Get(ctx, nil, &found, selectBody, id)
	if errors.Is(err, sql.ErrNoRows) {
		return Body{}, ErrNone
	}
	if err != nil {
		return Body{}, fmt.Errorf("read event: %w", postgres.Translate(err))
	}
	return found, nil
}

const selectMatch = `
SELECT true FROM event WHERE ` + matches + ` AND id = $16::uuid`

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
	return []any{low, high, f.NHSNumber, f.StaffID, f.ODSCode, f.Outcome, f.Action, from, to, f.Reason, f.RelationshipKind,
		words(f.Marks), words(f.Actions), words(f.ExceptActions), numbers(f.Outcomes)}
}

// words is an array that is empty and never null.
func words(w []string) pq.StringArray { return append(pq.StringArray{}, w...) }

func numbers(n []int32) pq.Int32Array { return append(pq.Int32Array{}, n...) }
