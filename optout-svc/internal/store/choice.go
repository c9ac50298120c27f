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

// Cause is why a choice was made.
type Cause string

// The causes.
const (
	// CauseRequest: a request took effect.
	CauseRequest Cause = "request"
	// CauseReversal: a request had taken effect on the wrong person.
	CauseReversal Cause = "reversal"
	// CauseLink and CauseUnlink: two numbers of one person were linked or parted.
	CauseLink   Cause = "link"
	CauseUnlink Cause = "unlink"
)

// Choice is one numbered choice of a person.
type Choice struct {
	NHSNumber string `db:"nhs_number"`
	Number    int64  `db:"choice_number"`
	// ID is that of the message that tells record-svc.
	ID     uuid.UUID `db:"id"`
	Sealed bool      `db:"sealed"`
	// OptOutID is the request that it came of; nil where none did.
	OptOutID    *uuid.UUID `db:"opt_out_id"`
	Cause       Cause      `db:"cause"`
	MadeAt      time.Time  `db:"made_at"`
	ConfirmedAt *time.Time `db:"confirmed_at"`
}

const insertChoice = `
INSERT INTO choice (nhs_number, choice_number, id, sealed, opt_out_id, cause, made_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`

// InsertChoice adds a choice of a person that was locked.
func (s *Store) InsertChoice(ctx context.Context, tx *sqlx.Tx, c Choice) error {
	_, err := s.stmt.Exec(ctx, tx, insertChoice, c.NHSNumber, c.Number, c.ID, c.Sealed, c.OptOutID, c.Cause, c.MadeAt)
	if err != nil {
		return fmt.Errorf("insert choice: %w", err)
	}
	return nil
}

const (
	choiceColumns  = `SELECT nhs_number, choice_number, id, sealed, opt_out_id, cause, made_at, confirmed_at FROM choice`
	selectByNumber = choiceColumns + ` WHERE nhs_number = $1 AND choice_number = $2`
	selectChoices  = choiceColumns + ` WHERE nhs_number = $1 ORDER BY choice_number`
)

// ByNumber reads a person's choice with that number; ErrNotFound when there is none.
func (s *Store) ByNumber(ctx context.Context, tx *sqlx.Tx, nhsNumber string, number int64) (Choice, error) {
	var c Choice
	err := s.stmt.Get(ctx, tx, &c, selectByNumber, nhsNumber, number)
	if errors.Is(err, sql.ErrNoRows) {
		return c, ErrNotFound
	}
	if err != nil {
		return c, fmt.Errorf("read choice: %w", postgres.Translate(err))
	}
	return c, nil
}

// Choices are all choices of a person, oldest first.
func (s *Store) Choices(ctx context.Context, nhsNumber string) ([]Choice, error) {
	var all []Choice
	if err := s.stmt.Select(ctx, nil, &all, selectChoices, nhsNumber); err != nil {
		return nil, fmt.Errorf("read choices: %w", postgres.Translate(err))
	}
	return all, nil
}

const confirmChoice = `
UPDATE choice SET confirmed_at = $3 WHERE nhs_number = $1 AND choice_number = $2 AND confirmed_at IS NULL`

// Confirm notes when record-svc had a choice, and tells whether it did so now: the first time counts.
func (s *Store) Confirm(ctx context.Context, tx *sqlx.Tx, nhsNumber string, number int64, at time.Time) (first bool, err error) {
	done, err := s.stmt.Exec(ctx, tx, confirmChoice, nhsNumber, number, at)
	if err != nil {
		return false, fmt.Errorf("confirm choice: %w", err)
	}
	n, err := done.RowsAffected()
	if err != nil {
		return false, fmt.Errorf("confirm choice: %w", err)
	}
	return n == 1, nil
}
