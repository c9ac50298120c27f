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

// LockPerson makes the transactions that change one person's choice take turns, and gives the choice in force.
// Without it two channels could number their choice alike, or both find the person not opted out. Everybody whose
// number is linked with theirs is locked too, since a choice binds them all. People are locked after requests,
// several of them by number.
func (s *Store) LockPerson(ctx context.Context, tx *sqlx.Tx, nhsNumber string) (choice.Standing, error) {
	group, err := s.LockGroup(ctx, tx, nhsNumber)
	if err != nil {
		return choice.Standing{}, err
	}
	for _, m := range group {
		if m.NHSNumber == nhsNumber {
			return m.Standing, nil
		}
	}
	return choice.Standing{}, fmt.Errorf("lock person: %w", ErrNotFound)
}

const updateInForce = `UPDATE choice_in_force SET choice_number = $2, sealed = $3 WHERE nhs_number = $1`

// SetInForce writes the choice in force of a person that was locked.
func (s *Store) SetInForce(ctx context.Context, tx *sqlx.Tx, nhsNumber string, now choice.Standing) error {
	if _, err := s.stmt.Exec(ctx, tx, updateInForce, nhsNumber, now.Number, now.Sealed); err != nil {
		return fmt.Errorf("write choice in force: %w", err)
	}
	return nil
}
