package store

import (
	"context"
	"fmt"
	"time"

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

// lockPersonSQL makes the row when it is not there, and locks it until the transaction ends.
const lockPersonSQL = `
INSERT INTO person AS p (nhs_number, sequence, family_name, given_name, birth_date, family_fold, given_fold, gp_ods_code, restricted, rules, updated_at)
VALUES ($1, 0, '', '', '', '', '', '', false, '', $2)
ON CONFLICT (nhs_number) DO UPDATE SET nhs_number = p.nhs_number
RETURNING sequence, family_name, given_name, birth_date, gp_ods_code, restricted, rules`

// LockPerson locks a person's row, so that bundles about one person take turns.
func (s *Store) LockPerson(ctx context.Context, tx *sqlx.Tx, number nhsnumber.Number) (Person, error) {
	var p Person
	if err := s.stmt.Get(ctx, tx, &p, lockPersonSQL, string(number), s.now()); err != nil {
		return p, fmt.Errorf("lock person: %w", err)
	}
	return p, nil
}

const updatePersonSQL = `
UPDATE person SET sequence = $2, family_name = $3, given_name = $4, birth_date = $5, family_fold = $6, given_fold = $7,
       gp_ods_code = $8, restricted = $9, rules = $10, updated_at = $11
 WHERE nhs_number = $1`

// UpdatePerson writes a person after a bundle.
func (s *Store) UpdatePerson(ctx context.Context, tx *sqlx.Tx, number nhsnumber.Number, p Person) error {
	_, err := s.stmt.Exec(ctx, tx, updatePersonSQL, string(number), p.Sequence, p.FamilyName, p.GivenName, p.BirthDate,
		person.Fold(p.FamilyName), person.Fold(p.GivenName), p.GPODSCode, p.Restricted, p.Rules, s.now())
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

// ownersSQL looks over all persons: a sender's resource may lie under somebody else.
const ownersSQL = `
SELECT e.type, e.key_id, e.nhs_number, e.state
  FROM unnest($2::text[], $3::text[]) AS w (type, key_id)
  JOIN entry e ON e.source_ods_code = $1 AND e.type = w.type AND e.key_id = w.key_id`

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
		key := bundle.Key{Type: r.Type, ID: r.KeyID}
		stored := bundle.Stored{NHSNumber: nhsnumber.Number(r.NHSNumber), Deleted: r.State == Deleted}
		if before, ok := known[key]; !ok || before.Deleted && !stored.Deleted {
			known[key] = stored
		}
	}
	return known, nil
}

const touchSourceSQL = `
INSERT INTO source AS s (ods_code, name, kind, last_received_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (ods_code) DO UPDATE SET name = excluded.name, kind = excluded.kind,
       last_received_at = greatest(s.last_received_at, excluded.last_received_at)`

const acceptedSQL = `
INSERT INTO accepted (nhs_number, source_ods_code, accepted_at) VALUES ($1, $2, $3)
ON CONFLICT (nhs_number, source_ods_code) DO UPDATE SET accepted_at = excluded.accepted_at`

// Accepted notes that a bundle of a source about a person was accepted. It belongs at the end of the
// transaction: bundles of one source for different people share the source's row.
func (s *Store) Accepted(ctx context.Context, tx *sqlx.Tx, number nhsnumber.Number, from Source, at time.Time) error {
	if _, err := s.stmt.Exec(ctx, tx, acceptedSQL, string(number), from.ODSCode, at); err != nil {
		return fmt.Errorf("note accepted bundle: %w", err)
	}
	if _, err := s.stmt.Exec(ctx, tx, touchSourceSQL, from.ODSCode, from.Name, from.Kind, at); err != nil {
		return fmt.Errorf("note source: %w", err)
	}
	return nil
}
