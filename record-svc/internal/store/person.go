package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jmoiron/sqlx"

	"github.com/dorsetcarerecord/dcr/internal/nhsnumber"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/bundle"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/person"
)

// Person is the row that ingest locks.
type Person struct {
	Sequence   int64  `db:"sequence"`
	FamilyName string `db:"family_name"`
	GivenName  string `db:"given_name"`
	BirthDate  string `db:"birth_date"`
	GPODSCode  string `db:"gp_ods_code"`
	Restricted bool   `db:"restricted"`
	// Postcode of the home, as the newest Patient has it.
	Postcode string `db:"postcode"`
	// Retired is true for a number that was merged into another one.
	Retired bool `db:"retired"`
	// Held closes the record until optout-svc has checked the person.
	Held bool `db:"held"`
	// Rules is the version of the never-shared code sets that the ready JSON was rendered under.
	Rules string `db:"rules"`
}

// Known are the demographics for matching; nil for a person of whom nothing was accepted yet.
func (p Person) Known() *person.Demographics {
	if p.Sequence == 0 {
		return nil
	}
	return &person.Demographics{Family: p.FamilyName, Given: []string{p.GivenName}, BirthDate: p.BirthDate}
}

const lockPersonSQL = `
SELECT sequence, family_name, given_name, birth_date, gp_ods_code, restricted, rules, postcode, retired, held
  FROM person WHERE nhs_number = $1 FOR UPDATE`

const insertPersonSQL = `
INSERT INTO person (nhs_number, sequence, family_name, given_name, birth_date, family_fold, given_fold, gp_ods_code, restricted, rules, held, updated_at)
VALUES ($1, 0, '', '', '', '', '', '', false, '', true, $2)
ON CONFLICT (nhs_number) DO NOTHING`

// LockPerson locks a person's row until the transaction ends, so that bundles about one person take turns. It
// makes the row when there is none; the person of a new one is held.
func (s *Store) LockPerson(ctx context.Context, tx *sqlx.Tx, number nhsnumber.Number) (Person, error) {
	var p Person
	err := s.stmt.Get(ctx, tx, &p, lockPersonSQL, string(number))
	if !errors.Is(err, sql.ErrNoRows) {
		return p, wrap("lock person", err)
	}
	if _, err := s.stmt.Exec(ctx, tx, insertPersonSQL, string(number), s.now()); err != nil {
		return p, fmt.Errorf("make person: %w", err)
	}
	return p, wrap("lock new person", s.stmt.Get(ctx, tx, &p, lockPersonSQL, string(number)))
}

const updatePersonSQL = `
UPDATE person SET sequence = $2, family_name = $3, given_name = $4, birth_date = $5, family_fold = $6, given_fold = $7,
       gp_ods_code = $8, restricted = $9, rules = $10, updated_at = $11, postcode = $12, held = $13
 WHERE nhs_number = $1`

// UpdatePerson writes a person after a bundle.
func (s *Store) UpdatePerson(ctx context.Context, tx *sqlx.Tx, number nhsnumber.Number, p Person) error {
	_, err := s.stmt.Exec(ctx, tx, updatePersonSQL, string(number), p.Sequence, p.FamilyName, p.GivenName, p.BirthDate,
		person.Fold(p.FamilyName), person.Fold(p.GivenName), p.GPODSCode, p.Restricted, p.Rules, s.now(), p.Postcode, p.Held)
	if err != nil {
		return fmt.Errorf("update person: %w", err)
	}
	return nil
}

const twinsSQL = `
SELECT family_name, given_name, birth_date FROM person
 WHERE family_fold = $1 AND birth_date = $2 AND nhs_number <> $3 AND sequence > 0 LIMIT 50`

// Twins are the persons under other numbers with this family name and birth date.
func (s *Store) Twins(ctx context.Context, tx *sqlx.Tx, number nhsnumber.Number, d person.Demographics) ([]person.Demographics, error) {
	var rows []Person
	if err := s.stmt.Select(ctx, tx, &rows, twinsSQL, person.Fold(d.Family), d.BirthDate, string(number)); err != nil {
		return nil, fmt.Errorf("look for twins: %w", err)
	}
	others := make([]person.Demographics, len(rows))
	for i, r := range rows {
		others[i] = person.Demographics{Family: r.FamilyName, Given: []string{r.GivenName}, BirthDate: r.BirthDate}
	}
	return others, nil
}

// ownersSQL looks over all persons: a sender's resource may lie under somebody else. A practitioner lies under
// everybody of whom a bundle named them, and one of these is as good as another; so no more than one row is
// read for a resource, one that is not deleted (store.State 2) if there is any.
const ownersSQL = `
SELECT w.type, w.key_id, e.nhs_number, e.state
  FROM unnest($2::text[], $3::text[]) AS w (type, key_id)
 CROSS JOIN LATERAL (
       SELECT nhs_number, state FROM entry
        WHERE source_ods_code = $1 AND type = w.type AND key_id = w.key_id ORDER BY (state = 2) LIMIT 1) e`

// Owners tells to whom the wanted resources of a sender belong. Where one lies under several people, all
// but one deleted there, the living one counts.
func (s *Store) Owners(ctx context.Context, tx *sqlx.Tx, ods string, wanted []bundle.Key) (map[bundle.Key]bundle.Stored, error) {
	types, ids := make([]string, len(wanted)), make([]string, len(wanted))
	for i, k := range wanted {
		types[i], ids[i] = k.Type, k.ID
	}
	var rows []struct {
		Type      string `db:"type"`
		KeyID     string `db:"key_id"`
		NHSNumber string `db:"nhs_number"`
		State     State  `db:"state"`
	}
	if err := s.stmt.Select(ctx, tx, &rows, ownersSQL, ods, array(types), array(ids)); err != nil {
		return nil, fmt.Errorf("look for owners: %w", err)
	}
	known := make(map[bundle.Key]bundle.Stored, len(rows))
	for _, r := range rows {
		known[bundle.Key{Type: r.Type, ID: r.KeyID}] = bundle.Stored{NHSNumber: nhsnumber.Number(r.NHSNumber), Deleted: r.State == Deleted}
	}
	return known, nil
}
