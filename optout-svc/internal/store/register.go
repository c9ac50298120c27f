package store

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/dorsetcarerecord/dcr/internal/postgres"
)

// Row is a row of a register that was taken.
type Row struct {
	RowID     string    `db:"row_id"`
	RowHash   []byte    `db:"row_hash"`
	ID        uuid.UUID `db:"id"`
	Reference string    `db:"reference"`
}

const lockRegister = `SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || '.register.' || $1, 0))`

// LockRegister makes imports of one register take turns, so that none takes a row that another is taking.
func (s *Store) LockRegister(ctx context.Context, tx *sqlx.Tx, register string) error {
	if _, err := s.stmt.Exec(ctx, tx, lockRegister, register); err != nil {
		return fmt.Errorf("lock register: %w", err)
	}
	return nil
}

const selectRows = `SELECT row_id, row_hash, id, reference FROM opt_out WHERE register = $1 AND register <> '' AND row_id = ANY ($2)`

// Rows gives those of the named rows that were taken before. tx may be nil.
func (s *Store) Rows(ctx context.Context, tx *sqlx.Tx, register string, rowIDs []string) ([]Row, error) {
	var all []Row
	if err := s.stmt.Select(ctx, tx, &all, selectRows, register, pq.StringArray(rowIDs)); err != nil {
		return nil, fmt.Errorf("read rows of register: %w", postgres.Translate(err))
	}
	return all, nil
}

// signable is a candidate that waits for nothing but its sign-off, as package request has it.
const signable = `
state = 'needs_evidence' AND nhs_number IS NOT NULL AND signed_off_at IS NULL AND asked = '{}'
AND (requester = 1 OR checked_at IS NOT NULL) AND (NOT protected_child OR safeguarding_allowed_at IS NOT NULL)`

// Progress of a register.
type Progress struct {
	Candidates int32      `db:"candidates"`
	Ready      int32      `db:"ready"`
	Open       int32      `db:"open"`
	Effective  int32      `db:"effective"`
	FirstAt    *time.Time `db:"first_at"`
	LastAt     *time.Time `db:"last_at"`
}

const selectProgress = `
SELECT count(*) AS candidates, count(*) FILTER (WHERE ` + signable + `) AS ready,
       count(*) FILTER (WHERE state IN ('received', 'needs_matching', 'needs_evidence', 'ready')) AS open,
       count(*) FILTER (WHERE state = 'effective') AS effective, min(registered_at) AS first_at, max(registered_at) AS last_at
FROM opt_out WHERE register = $1 AND register <> ''`

// ProgressOf a register. tx may be nil.
func (s *Store) ProgressOf(ctx context.Context, tx *sqlx.Tx, register string) (Progress, error) {
	var p Progress
	if err := s.stmt.Get(ctx, tx, &p, selectProgress, register); err != nil {
		return p, fmt.Errorf("count candidates: %w", postgres.Translate(err))
	}
	return p, nil
}

const selectSignable = `SELECT id FROM opt_out WHERE register = $1 AND register <> '' AND ` + signable + ` ORDER BY id LIMIT $2`

// Signable gives candidates of a register that wait for nothing but their sign-off, in the order of receipt.
func (s *Store) Signable(ctx context.Context, register string, limit int) ([]uuid.UUID, error) {
	var ids []uuid.UUID
	if err := s.stmt.Select(ctx, nil, &ids, selectSignable, register, limit); err != nil {
		return nil, fmt.Errorf("list candidates: %w", postgres.Translate(err))
	}
	return ids, nil
}

// Exported is a person who is opted out now.
type Exported struct {
	NHSNumber  string    `db:"nhs_number"`
	Reference  string    `db:"reference"`
	Channel    int32     `db:"channel"`
	Evidence   string    `db:"evidence"`
	Requester  int32     `db:"requester"`
	ReceivedAt time.Time `db:"received_at"`
	FamilyName string    `db:"family_name"`
	GivenNames string    `db:"given_names"`
	BirthDate  string    `db:"birth_date"`
	Postcode   string    `db:"postcode"`
}

// selectSealed: a choice without a request (two numbers were linked) has the words of none.
const selectSealed = `
SELECT f.nhs_number, coalesce(o.reference, '') AS reference, coalesce(o.channel, 0) AS channel, coalesce(o.evidence, '') AS evidence,
       coalesce(o.requester, 0) AS requester, coalesce(o.received_at, c.made_at) AS received_at,
       coalesce(m.family_name, '') AS family_name, coalesce(m.given_names, '') AS given_names,
       coalesce(m.birth_date, '') AS birth_date, coalesce(m.postcode, '') AS postcode
FROM choice_in_force f
JOIN choice c ON c.nhs_number = f.nhs_number AND c.choice_number = f.choice_number
LEFT JOIN opt_out o ON o.id = c.opt_out_id
LEFT JOIN claim m ON m.opt_out_id = o.id
WHERE f.sealed AND f.nhs_number > $1
ORDER BY f.nhs_number LIMIT $2`

// Sealed gives people who are opted out now, by number, beginning after that one.
func (s *Store) Sealed(ctx context.Context, after string, limit int) ([]Exported, error) {
	var all []Exported
	if err := s.stmt.Select(ctx, nil, &all, selectSealed, after, limit); err != nil {
		return nil, fmt.Errorf("list sealed: %w", postgres.Translate(err))
	}
	return all, nil
}
