package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jmoiron/sqlx"

	"github.com/dorsetcarerecord/dcr/internal/postgres"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/choice"
)

// selectInForce is on the way of every view: one statement, one row by key.
const selectInForce = `SELECT choice_number, sealed FROM choice_in_force WHERE nhs_number = $1`

// standing is a row of choice_in_force.
type standing struct {
	Number int64 `db:"choice_number"`
	Sealed bool  `db:"sealed"`
}

// InForce reads the choice in force of a person; the zero Standing when they never chose.
func (s *Store) InForce(ctx context.Context, nhsNumber string) (choice.Standing, error) {
	var row standing
	err := s.stmt.Get(ctx, nil, &row, selectInForce, nhsNumber)
	if errors.Is(err, sql.ErrNoRows) {
		return choice.Standing{}, nil
	}
	if err != nil {
		return choice.Standing{}, fmt.Errorf("read choice in force: %w", postgres.Translate(err))
	}
	return choice.Standing(row), nil
}

const insertPerson = `
INSERT INTO choice_in_force (nhs_number, choice_number, sealed) VALUES ($1, 0, false)
ON CONFLICT (nhs_number) DO NOTHING`

const lockPerson = `SELECT choice_number, sealed FROM choice_in_force WHERE nhs_number = $1 FOR UPDATE`

// Lock makes the transactions that change one person's choice take turns, and gives the choice in force.
// Without it two channels could number their choice alike, or both find the person not opted out.
func (s *Store) Lock(ctx context.Context, tx *sqlx.Tx, nhsNumber string) (choice.Standing, error) {
	if _, err := s.stmt.Exec(ctx, tx, insertPerson, nhsNumber); err != nil {
		return choice.Standing{}, fmt.Errorf("enter person: %w", err)
	}
	var row standing
	if err := s.stmt.Get(ctx, tx, &row, lockPerson, nhsNumber); err != nil {
		return choice.Standing{}, fmt.Errorf("lock person: %w", err)
	}
	return choice.Standing(row), nil
}

const updateInForce = `UPDATE choice_in_force SET choice_number = $2, sealed = $3 WHERE nhs_number = $1`

// SetInForce writes the choice in force of a person that was locked.
func (s *Store) SetInForce(ctx context.Context, tx *sqlx.Tx, nhsNumber string, now choice.Standing) error {
	if _, err := s.stmt.Exec(ctx, tx, updateInForce, nhsNumber, now.Number, now.Sealed); err != nil {
		return fmt.Errorf("write choice in force: %w", err)
	}
	return nil
}
