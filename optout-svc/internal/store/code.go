package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"

	"github.com/dorsetcarerecord/dcr/internal/postgres"
)

// Code is what a one-time code is compared with.
type Code struct {
	Hash       []byte    `db:"hash"`
	ValidUntil time.Time `db:"valid_until"`
	// Attempts with a wrong code so far.
	Attempts int `db:"attempts"`
	// Sent codes of this request, this one included.
	Sent int `db:"sent"`
}

const putCode = `
INSERT INTO code (opt_out_id, hash, valid_until, sent) VALUES ($1, $2, $3, 1)
ON CONFLICT (opt_out_id) DO UPDATE SET hash = excluded.hash, valid_until = excluded.valid_until, attempts = 0, sent = code.sent + 1`

// PutCode keeps a new code of a request that is locked; the one before is void.
func (s *Store) PutCode(ctx context.Context, tx *sqlx.Tx, id uuid.UUID, hash []byte, validUntil time.Time) error {
	if _, err := s.stmt.Exec(ctx, tx, putCode, id, hash, validUntil); err != nil {
		return fmt.Errorf("put code: %w", err)
	}
	return nil
}

const selectCode = `SELECT hash, valid_until, attempts, sent FROM code WHERE opt_out_id = $1`

// CodeOf reads the code of a request; ErrNotFound when none was made. tx may be nil.
func (s *Store) CodeOf(ctx context.Context, tx *sqlx.Tx, id uuid.UUID) (Code, error) {
	var c Code
	err := s.stmt.Get(ctx, tx, &c, selectCode, id)
	if errors.Is(err, sql.ErrNoRows) {
		return c, ErrNotFound
	}
	if err != nil {
		return c, fmt.Errorf("read code: %w", postgres.Translate(err))
	}
	return c, nil
}

const voidCode = `DELETE FROM code WHERE opt_out_id = $1`

// VoidCode forgets the code of a request that was matched anew or has ended.
func (s *Store) VoidCode(ctx context.Context, tx *sqlx.Tx, id uuid.UUID) error {
	if _, err := s.stmt.Exec(ctx, tx, voidCode, id); err != nil {
		return fmt.Errorf("void code: %w", err)
	}
	return nil
}

// countWrongCode is one statement whether or not there is such a request or code: to whoever measures, an
// unknown reference must be like a known one with a wrong code.
const countWrongCode = `
UPDATE code SET attempts = code.attempts + 1 FROM opt_out o WHERE o.reference = $1 AND code.opt_out_id = o.id`

// CountWrongCode counts a wrong code for a reference, known or not.
func (s *Store) CountWrongCode(ctx context.Context, reference string) error {
	if _, err := s.stmt.Exec(ctx, nil, countWrongCode, reference); err != nil {
		return fmt.Errorf("count wrong code: %w", postgres.Translate(err))
	}
	return nil
}

const countTry = `
INSERT INTO attempt (reference_hash, since, tries) VALUES ($1, $2, 1)
ON CONFLICT (reference_hash) DO UPDATE
SET since = CASE WHEN attempt.since <= $3 THEN excluded.since ELSE attempt.since END,
    tries = CASE WHEN attempt.since <= $3 THEN 1 ELSE attempt.tries + 1 END
RETURNING tries`

// CountTry counts a question or a code for a reference, whether there is such a reference or not, and gives
// how many there were within the period that began after the given instant.
func (s *Store) CountTry(ctx context.Context, referenceHash []byte, now, periodBegan time.Time) (int, error) {
	var tries int
	if err := s.stmt.Get(ctx, nil, &tries, countTry, referenceHash, now, periodBegan); err != nil {
		return 0, fmt.Errorf("count try: %w", postgres.Translate(err))
	}
	return tries, nil
}

const forgetTries = `DELETE FROM attempt WHERE since <= $1`

// ForgetTries forgets counts that ended before.
func (s *Store) ForgetTries(ctx context.Context, before time.Time) error {
	if _, err := s.stmt.Exec(ctx, nil, forgetTries, before); err != nil {
		return fmt.Errorf("forget tries: %w", postgres.Translate(err))
	}
	return nil
}
