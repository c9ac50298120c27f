package store

import (
	"context"
	"fmt"
	"time"

	"github.com/dorsetcarerecord/dcr/internal/postgres"
)

// Cosigned is the largest checkpoint that a witness has cosigned.
type Cosigned struct {
	Size int64     `db:"tree_size"`
	At   time.Time `db:"cosigned_at"` // by the clock of the witness
}

const selectCosigned = `
SELECT tree_size, cosigned_at FROM cosignature WHERE witness = $1 ORDER BY tree_size DESC LIMIT 1`

// Cosigned is the largest checkpoint that a witness (name and id of its key) has cosigned; the zero value when
// none.
func (s *Store) Cosigned(ctx context.Context, witness string) (Cosigned, error) {
	var found []Cosigned
	if err := s.stmt.Select(ctx, nil, &found, selectCosigned, witness); err != nil {
		return Cosigned{}, fmt.Errorf("read cosignature: %w", postgres.Translate(err))
	}
	if len(found) == 0 {
		return Cosigned{}, nil
	}
	found[0].At = found[0].At.UTC()
	return found[0], nil
}

// insertCosignature keeps the first of a witness for a checkpoint: each bears its own time.
const insertCosignature = `
INSERT INTO cosignature (tree_size, witness, line, cosigned_at, stored_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING`

// AddCosignature keeps what a witness said of a checkpoint. At is the time inside it, now our own.
func (s *Store) AddCosignature(ctx context.Context, size int64, witness, line string, at, now time.Time) error {
	if _, err := s.stmt.Exec(ctx, nil, insertCosignature, size, witness, line, instant(at), instant(now)); err != nil {
		return fmt.Errorf("keep cosignature: %w", postgres.Translate(err))
	}
	return nil
}
