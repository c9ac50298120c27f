package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/dorsetcarerecord/dcr/internal/postgres"
)

// Held is a person whose record is closed until optout-svc has checked them.
type Held struct {
	NHSNumber string `db:"nhs_number"`
	// Sequence of the last bundle that this was read after.
	Sequence   int64  `db:"sequence"`
	FamilyName string `db:"family_name"`
	BirthDate  string `db:"birth_date"`
	Postcode   string `db:"postcode"`
}

// askable are held people whom identity-svc knows already: no message of facts about them waits. So a request to
// opt out that came too late for the check finds the person in identity-svc, and none falls between the two.
const askable = `
SELECT p.nhs_number, p.sequence, p.family_name, p.birth_date, p.postcode
  FROM person p
 WHERE p.held AND p.sequence > 0
   AND NOT EXISTS (SELECT FROM outbox o WHERE o.key = p.nhs_number AND o.topic = $1 AND o.parked_at IS NULL)`

const (
	heldOfSQL = askable + ` AND p.nhs_number = ANY ($2::text[])`
	heldSQL   = askable + ` AND p.nhs_number > $2 ORDER BY p.nhs_number LIMIT $3`
)

// HeldOf gives those of some people who are held and may be asked about; factsTopic is the topic of the messages
// to identity-svc.
func (s *Store) HeldOf(ctx context.Context, factsTopic string, numbers []string) ([]Held, error) {
	var found []Held
	if err := s.stmt.Select(ctx, nil, &found, heldOfSQL, factsTopic, array(numbers)); err != nil {
		return nil, fmt.Errorf("read held people: %w", postgres.Translate(err))
	}
	return found, nil
}

// Held gives at most limit people who are held and may be asked about, by number, after the given one.
func (s *Store) Held(ctx context.Context, factsTopic, after string, limit int) ([]Held, error) {
	var found []Held
	if err := s.stmt.Select(ctx, nil, &found, heldSQL, factsTopic, after, limit); err != nil {
		return nil, fmt.Errorf("read held people: %w", postgres.Translate(err))
	}
	return found, nil
}

// releaseSQL opens people about whom nothing new was accepted since they were asked about.
const releaseSQL = `
UPDATE person p SET held = false
  FROM unnest($1::text[], $2::bigint[]) AS c (nhs_number, sequence)
 WHERE p.nhs_number = c.nhs_number AND p.sequence = c.sequence AND p.held`

// Release opens the records of people that were checked as they are now. Those of whom a bundle was accepted
// meanwhile stay held, to be asked about again: the bundle may have said who they are.
func (s *Store) Release(ctx context.Context, checked []Held) error {
	// Always in the same order, so that two replicas do not wait for each other.
	checked = slices.SortedFunc(slices.Values(checked), func(a, b Held) int { return strings.Compare(a.NHSNumber, b.NHSNumber) })
	numbers, sequences := make([]string, len(checked)), make([]int64, len(checked))
	for i, h := range checked {
		numbers[i], sequences[i] = h.NHSNumber, h.Sequence
	}
	return s.InTx(ctx, func(tx *sqlx.Tx) error {
		if _, err := s.stmt.Exec(ctx, tx, releaseSQL, array(numbers), pq.Array(sequences)); err != nil {
			return fmt.Errorf("release people: %w", err)
		}
		return nil
	})
}
