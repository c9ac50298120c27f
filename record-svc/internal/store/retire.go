package store

import (
	"context"
	"fmt"

	"github.com/jmoiron/sqlx"

	"github.com/dorsetcarerecord/dcr/internal/nhsnumber"
	"github.com/dorsetcarerecord/dcr/internal/postgres"
)

const (
	retireSQL  = `UPDATE person SET retired = true WHERE nhs_number = $1 AND sequence = 0`
	restoreSQL = `UPDATE person SET retired = false WHERE nhs_number = $1 AND retired`
)

// Retire has feeds that name a number refused from now on, unless something was received about it; then it
// changes nothing, and answers false.
func (s *Store) Retire(ctx context.Context, number nhsnumber.Number) (retired bool, err error) {
	err = s.InTx(ctx, func(tx *sqlx.Tx) error {
		if _, err := s.LockPerson(ctx, tx, number); err != nil {
			return err
		}
		done, err := s.stmt.Exec(ctx, tx, retireSQL, string(number))
		if err != nil {
			return fmt.Errorf("retire number: %w", err)
		}
		n, err := done.RowsAffected()
		retired = n == 1
		return wrap("retire number", err)
	})
	return retired, err
}

// Restore lets feeds name a number again.
func (s *Store) Restore(ctx context.Context, number nhsnumber.Number) error {
	if _, err := s.stmt.Exec(ctx, nil, restoreSQL, string(number)); err != nil {
		return fmt.Errorf("restore number: %w", postgres.Translate(err))
	}
	return nil
}
