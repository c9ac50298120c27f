package store

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"

	"github.com/dorsetcarerecord/dcr/internal/postgres"
)

// HeldPerson is a person who is new to the record, and one waiting request that could mean them.
type HeldPerson struct {
	NHSNumber string    `db:"nhs_number"`
	OptOutID  uuid.UUID `db:"opt_out_id"`
	Reference string    `db:"reference"`
	State     string    `db:"state"`
	NoticedAt time.Time `db:"noticed_at"`
}

// selectHeld leaves out what is decided: the request went on, or was matched to somebody else.
const selectHeld = `
SELECT n.nhs_number, n.opt_out_id, n.noticed_at, o.reference, o.state
FROM new_person n JOIN opt_out o ON o.id = n.opt_out_id AND ` + isWaiting + ` AND (o.nhs_number IS NULL OR o.nhs_number = n.nhs_number)
WHERE n.dismissed_at IS NULL AND (n.nhs_number, n.opt_out_id) > ($1, $2::uuid)
ORDER BY n.nhs_number, n.opt_out_id LIMIT $3`

// HeldPeople gives at most limit of them, after that one.
func (s *Store) HeldPeople(ctx context.Context, nhsNumber string, optOut uuid.UUID, limit int) ([]HeldPerson, error) {
	var all []HeldPerson
	if err := s.stmt.Select(ctx, nil, &all, selectHeld, nhsNumber, optOut, limit); err != nil {
		return nil, fmt.Errorf("list held people: %w", postgres.Translate(err))
	}
	return all, nil
}

const dismissPerson = `
UPDATE new_person SET dismissed_at = $3, staff_id = $4, note = $5
WHERE nhs_number = $1 AND opt_out_id = $2 AND dismissed_at IS NULL`

// Dismiss notes that a request does not mean a person, and tells whether that was open.
func (s *Store) Dismiss(ctx context.Context, tx *sqlx.Tx, p Pair, at time.Time, staffID, note string) (bool, error) {
	done, err := s.stmt.Exec(ctx, tx, dismissPerson, p.NHSNumber, p.OptOutID, at, staffID, note)
	if err != nil {
		return false, fmt.Errorf("dismiss held person: %w", err)
	}
	n, err := done.RowsAffected()
	if err != nil {
		return false, fmt.Errorf("dismiss held person: %w", err)
	}
	return n == 1, nil
}
