package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/dorsetcarerecord/dcr/internal/failpoint"
	"github.com/dorsetcarerecord/dcr/internal/fault"
	"github.com/dorsetcarerecord/dcr/internal/postgres"
)

// Result is what became of one group of rows.
type Result struct {
	// Leaves of the group, in its order; nil in a conflict.
	Leaves []Leaf
	// Conflict is true when an id of the group is stored with other content. Nothing of it was stored.
	Conflict bool
}

var (
	// ErrTorn says that one group of several is in conflict after rows of it were written, so that
	// nothing at all was stored: append the groups one by one.
	ErrTorn = errors.New("a group of several events is in conflict")
	// ErrNoPartition says that nobody made room for the month of an event.
	ErrNoPartition = errors.New("no partition for the month of an event: run audit-svc maintain")
)

// Append stores groups of rows in one commit, each group as a whole or not at all, and returns when they
// are durable, one Result per group in order. Ids must not repeat over the groups. A row that is already
// stored with the same content counts as stored, and its first leaf is returned.
//
// On an error nothing is known to be stored. It is a fault of kind Unavailable when the database cannot
// answer now; ErrTorn, ErrNoPartition or another error when a row is at fault, which may be one of many.
func (s *Store) Append(ctx context.Context, groups [][]Row) ([]Result, error) {
	results, err := s.appendAll(ctx, groups)
	if err != nil {
		return nil, fmt.Errorf("append events: %w", classify(err))
	}
	return results, nil
}

func (s *Store) appendAll(ctx context.Context, groups [][]Row) ([]Result, error) {
	if !slices.ContainsFunc(groups, func(g []Row) bool { return len(g) > 1 }) {
		// A statement is a transaction of its own: with nothing to take back, two round trips are saved.
		return s.write(ctx, nil, groups)
	}
	var results []Result
	err := postgres.InTx(ctx, s.db, func(tx *sqlx.Tx) error {
		var err error
		if results, err = s.write(ctx, tx, groups); err != nil {
			return err
		}
		for i, r := range results {
			if r.Conflict && len(groups[i]) > 1 {
				return ErrTorn
			}
		}
		failpoint.Hit("audit.append.before_commit")
		return nil
	})
	if errors.Is(err, ErrTorn) && len(groups) == 1 {
		return results, nil
	}
	return results, err
}

// write inserts what is new and compares what is not.
func (s *Store) write(ctx context.Context, tx *sqlx.Tx, groups [][]Row) ([]Result, error) {
	failpoint.Hit("audit.append.before_insert")
	fresh, err := s.insert(ctx, tx, slices.Concat(groups...))
	failpoint.Hit("audit.append.after_insert")
	if err != nil {
		return nil, err
	}
	known, err := s.find(ctx, tx, groups, fresh)
	if err != nil {
		return nil, err
	}
	results := make([]Result, len(groups))
	for i, g := range groups {
		results[i] = s.settle(g, fresh, known)
	}
	return results, nil
}

// settle says what became of a group.
func (s *Store) settle(group []Row, fresh map[string]bool, known map[string]storedLeaf) Result {
	leaves := make([]Leaf, len(group))
	for i, row := range group {
		if fresh[row.ID] {
			leaves[i] = Leaf{ID: row.ID, Hash: row.Leaf, StoredAt: row.StoredAt}
			continue
		}
		first := known[row.ID]
		if !s.same(first.Body, row.Body) {
			return Result{Conflict: true}
		}
		leaves[i] = Leaf{ID: row.ID, Hash: first.Hash, StoredAt: first.StoredAt.UTC()}
	}
	return Result{Leaves: leaves}
}

// insertEvents adds the rows that are new in one statement and names them. It waits for whoever is
// storing one of the ids at this moment, so that a row that it leaves out is committed.
const insertEvents = `
INSERT INTO event (id, occurred_at, stored_at, action, outcome, reason, nhs_number, staff_id, ods_code, nonce, body, leaf_hash,
                   relationship_kind, marks)
SELECT id, occurred_at, stored_at, action, outcome, reason, nhs_number, staff_id, ods_code, nonce, body, leaf_hash,
       relationship_kind, marks::text[]
FROM unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[], $4::text[], $5::smallint[], $6::text[],
            $7::text[], $8::text[], $9::text[], $10::bytea[], $11::bytea[], $12::bytea[], $13::text[], $14::text[])
     AS row (id, occurred_at, stored_at, action, outcome, reason, nhs_number, staff_id, ods_code, nonce, body, leaf_hash,
             relationship_kind, marks)
ON CONFLICT (id) DO NOTHING
RETURNING id::text`

// insert gives the ids of the rows that it added. Rows go in the order of their ids, so that two batches
// with ids in common wait for each other in one direction only.
func (s *Store) insert(ctx context.Context, tx *sqlx.Tx, rows []Row) (map[string]bool, error) {
	slices.SortFunc(rows, func(a, b Row) int { return cmp.Compare(a.ID, b.ID) })
	var ids []string
	if err := s.stmt.Select(ctx, tx, &ids, insertEvents, columns(rows)...); err != nil {
		return nil, fmt.Errorf("insert: %w", err)
	}
	fresh := make(map[string]bool, len(ids))
	for _, id := range ids {
		fresh[id] = true
	}
	return fresh, nil
}

// columns turns rows into the arrays of insertEvents.
func columns(rows []Row) []any {
	n := len(rows)
	var (
		id, occurred, stored      = make(pq.StringArray, n), make(pq.StringArray, n), make(pq.StringArray, n)
		action, reason, nhsNumber = make(pq.StringArray, n), make(pq.StringArray, n), make(pq.StringArray, n)
		staff, ods, kind, marks   = make(pq.StringArray, n), make(pq.StringArray, n), make(pq.StringArray, n), make(pq.StringArray, n)
		nonce, body, leaf         = make(pq.ByteaArray, n), make(pq.ByteaArray, n), make(pq.ByteaArray, n)
		outcome                   = make(pq.Int32Array, n)
	)
	for i, r := range rows {
		id[i], occurred[i], stored[i] = r.ID, instant(r.OccurredAt), instant(r.StoredAt)
		action[i], outcome[i], reason[i], nhsNumber[i] = r.Action, r.Outcome, r.Reason, r.NHSNumber
		staff[i], ods[i] = r.StaffID, r.ODSCode
		nonce[i], body[i], leaf[i] = r.Nonce, r.Body, r.Leaf
		kind[i], marks[i] = r.RelationshipKind, list(r.Marks)
	}
	return []any{id, occurred, stored, action, outcome, reason, nhsNumber, staff, ods, nonce, body, leaf, kind, marks}
}

// list writes words as PostgreSQL writes an array, each in quotes: without them the word null would be none.
func list(words []string) string {
	if len(words) == 0 {
		return "{}"
	}
	return `{"` + strings.Join(words, `","`) + `"}`
}

// instant writes a time for PostgreSQL, cut (not rounded) to the microsecond that it keeps.
func instant(t time.Time) string {
	return t.UTC().Truncate(time.Microsecond).Format("2006-01-02T15:04:05.999999Z07:00")
}

// storedLeaf is a row that was there before.
type storedLeaf struct {
	ID       string    `db:"id"`
	StoredAt time.Time `db:"stored_at"`
	Body     []byte    `db:"body"`
	Hash     []byte    `db:"leaf_hash"`
}

const selectLeaves = `
SELECT id::text AS id, stored_at, body, leaf_hash FROM event WHERE id = ANY ($1::uuid[])`

// find reads the rows that insert left out. They are committed, and so durable: a row becomes visible to
// others only after its commit reached the disk.
func (s *Store) find(ctx context.Context, tx *sqlx.Tx, groups [][]Row, fresh map[string]bool) (map[string]storedLeaf, error) {
	var missing pq.StringArray
	for _, g := range groups {
		for _, row := range g {
			if !fresh[row.ID] {
				missing = append(missing, row.ID)
			}
		}
	}
	if len(missing) == 0 {
		return nil, nil
	}
	var found []storedLeaf
	if err := s.stmt.Select(ctx, tx, &found, selectLeaves, missing); err != nil {
		return nil, fmt.Errorf("find: %w", err)
	}
	known := make(map[string]storedLeaf, len(found))
	for _, f := range found {
		known[f.ID] = f
	}
	for _, id := range missing {
		if _, ok := known[id]; !ok {
			return nil, fault.Internal(errors.New("an event is neither new nor stored"))
		}
	}
	return known, nil
}

// classify separates a missing partition, which PostgreSQL reports as a check without a name, from rows
// that are wrong in themselves.
func classify(err error) error {
	var pqErr *pq.Error
	if errors.As(err, &pqErr) && pqErr.Code == "23514" && pqErr.Constraint == "" {
		return ErrNoPartition
	}
	return postgres.Translate(err)
}
