package store

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"

	"github.com/dorsetcarerecord/dcr/internal/postgres"
)

// Evidence is a proof that a privacy officer has seen.
type Evidence struct {
	OptOutID       uuid.UUID `db:"opt_out_id"`
	Number         int       `db:"number"`
	Kind           string    `db:"kind"`
	Note           string    `db:"note"`
	SeenOn         string    `db:"seen_on"`
	DocumentSHA256 string    `db:"document_sha256"`
	StaffID        string    `db:"staff_id"`
	StaffDisplay   string    `db:"staff_display"`
	RecordedAt     time.Time `db:"recorded_at"`
}

const insertEvidence = `
INSERT INTO evidence (opt_out_id, number, kind, note, seen_on, document_sha256, staff_id, staff_display, recorded_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`

// InsertEvidence adds proofs to a request that is locked.
func (s *Store) InsertEvidence(ctx context.Context, tx *sqlx.Tx, items ...Evidence) error {
	for _, e := range items {
		_, err := s.stmt.Exec(ctx, tx, insertEvidence, e.OptOutID, e.Number, e.Kind, e.Note, e.SeenOn, e.DocumentSHA256, e.StaffID,
			e.StaffDisplay, e.RecordedAt)
		if err != nil {
			return fmt.Errorf("insert evidence: %w", err)
		}
	}
	return nil
}

const selectEvidence = `
SELECT opt_out_id, number, kind, note, seen_on, document_sha256, staff_id, staff_display, recorded_at
FROM evidence WHERE opt_out_id = $1 ORDER BY number`

// Evidence of a request, oldest first. tx may be nil.
func (s *Store) Evidence(ctx context.Context, tx *sqlx.Tx, id uuid.UUID) ([]Evidence, error) {
	var all []Evidence
	if err := s.stmt.Select(ctx, tx, &all, selectEvidence, id); err != nil {
		return nil, fmt.Errorf("read evidence: %w", postgres.Translate(err))
	}
	return all, nil
}
