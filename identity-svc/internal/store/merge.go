package store

import (
	"context"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/dorsetcarerecord/dcr/internal/postgres"
)

// Merge is a merge of two numbers. State is that of package merge; Actor is dcr.audit.v1.Actor, serialised.
type Merge struct {
	ID          string     `db:"id"`
	NHSNumber   string     `db:"nhs_number"`
	Superseded  string     `db:"superseded_nhs_number"`
	State       int16      `db:"state"`
	Reason      string     `db:"reason"`
	Actor       []byte     `db:"actor"`
	BegunAt     time.Time  `db:"begun_at"`
	LinkedAt    *time.Time `db:"linked_at"`
	PublishedAt *time.Time `db:"published_at"`
	UnmergedAt  *time.Time `db:"unmerged_at"`
	Version     int64      `db:"version"`
}

// lockMerges makes the beginnings of merges take turns, so that none overlooks another that is under way.
const lockMerges = `SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || '.number_merge', 0))`

const mergeColumns = `
SELECT m.id, m.nhs_number, m.superseded_nhs_number, m.state, m.reason, m.actor, m.begun_at, m.linked_at, m.published_at, m.unmerged_at, m.version
FROM number_merge m`

const (
	selectMerge          = mergeColumns + ` WHERE m.id = $1`
	lockMerge            = selectMerge + ` FOR UPDATE`
	selectStandingMerges = mergeColumns + ` WHERE m.state <> 5 AND (m.nhs_number IN ($1, $2) OR m.superseded_nhs_number IN ($1, $2))`
	selectMerges         = mergeColumns + `
WHERE ($1 = '' OR m.nhs_number = $1 OR m.superseded_nhs_number = $1) AND m.id < $2::uuid ORDER BY m.id DESC LIMIT $3`
)

// StandingMerges gives the merges of either of two numbers that are not undone, and makes other beginnings of
// merges wait until the transaction ends.
func (s *Store) StandingMerges(ctx context.Context, tx *sqlx.Tx, one, other string) ([]Merge, error) {
	if _, err := s.exec(ctx, tx, "lock merges", lockMerges); err != nil {
		return nil, err
	}
	var found []Merge
	err := s.list(ctx, tx, "read merges", &found, selectStandingMerges, one, other)
	return found, err
}

// Merge reads one; ErrNone when there is none.
func (s *Store) Merge(ctx context.Context, id string) (Merge, error) {
	var m Merge
	err := s.get(ctx, nil, "read merge", &m, selectMerge, id)
	return m, postgres.Translate(err)
}

// LockMerge reads one for a change; ErrNone when there is none.
func (s *Store) LockMerge(ctx context.Context, tx *sqlx.Tx, id string) (Merge, error) {
	var m Merge
	err := s.get(ctx, tx, "lock merge", &m, lockMerge, id)
	return m, err
}

// Merges gives at most limit merges, newest first, of either number (empty: all), before that one.
func (s *Store) Merges(ctx context.Context, nhsNumber, before string, limit int) ([]Merge, error) {
	var found []Merge
	err := s.list(ctx, nil, "list merges", &found, selectMerges, nhsNumber, before, limit)
	return found, postgres.Translate(err)
}

const insertMerge = `
INSERT INTO number_merge (id, nhs_number, superseded_nhs_number, state, reason, actor, begun_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`

// AddMerge adds one that has begun.
func (s *Store) AddMerge(ctx context.Context, tx *sqlx.Tx, m Merge) error {
	_, err := s.exec(ctx, tx, "add merge", insertMerge, m.ID, m.NHSNumber, m.Superseded, m.State, m.Reason, m.Actor, m.BegunAt)
	return err
}

const updateMerge = `
UPDATE number_merge SET state = $2, actor = $3, linked_at = $4, published_at = $5, unmerged_at = $6, version = version + 1 WHERE id = $1`

// PutMerge writes how far one is.
func (s *Store) PutMerge(ctx context.Context, tx *sqlx.Tx, m Merge) error {
	_, err := s.exec(ctx, tx, "put merge", updateMerge, m.ID, m.State, m.Actor, m.LinkedAt, m.PublishedAt, m.UnmergedAt)
	return err
}

const (
	supersede = `
INSERT INTO patient (nhs_number, updated_at, superseded_by) VALUES ($1, $3, $2)
ON CONFLICT (nhs_number) DO UPDATE SET superseded_by = excluded.superseded_by`
	// A number of which no feed ever spoke has a row for the merge's sake alone; it is unknown again.
	unsupersede = `
UPDATE patient SET superseded_by = NULL, invalidated = invalidated OR sequence = 0 WHERE nhs_number = $1 AND superseded_by = $2`
)

// Supersede has whoever looks a number up find another one.
func (s *Store) Supersede(ctx context.Context, tx *sqlx.Tx, nhsNumber, by string, at time.Time) error {
	_, err := s.exec(ctx, tx, "supersede number", supersede, nhsNumber, by, at)
	return err
}

// Unsupersede has a number found under itself again.
func (s *Store) Unsupersede(ctx context.Context, tx *sqlx.Tx, nhsNumber, by string) error {
	_, err := s.exec(ctx, tx, "unsupersede number", unsupersede, nhsNumber, by)
	return err
}
