package store

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"

	"github.com/dorsetcarerecord/dcr/internal/postgres"
)

// Unlinked is one side of a link that was undone, about which nothing is decided yet.
type Unlinked struct {
	NHSNumber  string    `db:"nhs_number"`
	LinkID     uuid.UUID `db:"link_id"`
	Other      string    `db:"other_nhs_number"`
	UnlinkedAt time.Time `db:"unlinked_at"`
}

const selectUnlinked = `
SELECT nhs_number, link_id, other_nhs_number, unlinked_at FROM unlinked
WHERE decided_at IS NULL AND (nhs_number, link_id) > ($1, $2::uuid)
ORDER BY nhs_number, link_id LIMIT $3`

// UnlinkedPeople gives at most limit people about whom nothing is decided, after that one.
func (s *Store) UnlinkedPeople(ctx context.Context, nhsNumber string, link uuid.UUID, limit int) ([]Unlinked, error) {
	var all []Unlinked
	if err := s.stmt.Select(ctx, nil, &all, selectUnlinked, nhsNumber, link, limit); err != nil {
		return nil, fmt.Errorf("list unlinked people: %w", postgres.Translate(err))
	}
	return all, nil
}

const selectUndecided = `SELECT EXISTS (SELECT FROM unlinked WHERE nhs_number = $1 AND decided_at IS NULL)`

// Undecided tells whether a person's numbers were parted and no privacy officer has decided what comes of it.
func (s *Store) Undecided(ctx context.Context, tx *sqlx.Tx, nhsNumber string) (bool, error) {
	var open bool
	if err := s.stmt.Get(ctx, tx, &open, selectUndecided, nhsNumber); err != nil {
		return false, fmt.Errorf("look for undecided links: %w", err)
	}
	return open, nil
}

const decideUnlinked = `
UPDATE unlinked SET decided_at = $2, staff_id = $3, note = $4 WHERE nhs_number = $1 AND decided_at IS NULL`

// DecideUnlinked notes that a privacy officer has decided about a person, and tells whether there was anything
// to decide.
func (s *Store) DecideUnlinked(ctx context.Context, tx *sqlx.Tx, nhsNumber string, at time.Time, staffID, note string) (bool, error) {
	done, err := s.stmt.Exec(ctx, tx, decideUnlinked, nhsNumber, at, staffID, note)
	if err != nil {
		return false, fmt.Errorf("decide about unlinked person: %w", err)
	}
	n, err := done.RowsAffected()
	if err != nil {
		return false, fmt.Errorf("decide about unlinked person: %w", err)
	}
	return n > 0, nil
}
