package store

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"
)

// Claim is what a request says of the person and of the requester, checked and evened out.
type Claim struct {
	// ClaimedNumber is the NHS number that was given; empty when none was.
	ClaimedNumber string `db:"claimed_nhs_number"`
	FamilyName    string `db:"family_name"`
	// FamilyKey is the family name folded, for comparing.
	FamilyKey  string `db:"family_key"`
	GivenNames string `db:"given_names"`
	BirthDate  string `db:"birth_date"`
	Postcode   string `db:"postcode"`

	RequesterFamilyName string `db:"requester_family_name"`
	RequesterGivenNames string `db:"requester_given_names"`
	RequesterBirthDate  string `db:"requester_birth_date"`
	Relation            string `db:"relation"`
	Authority           string `db:"authority"`
}

const insertClaim = `
INSERT INTO claim (opt_out_id, nhs_number, family_name, family_key, given_names, birth_date, postcode, requester_family_name,
                   requester_given_names, requester_birth_date, relation, authority)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`

// InsertClaim keeps what a request says.
func (s *Store) InsertClaim(ctx context.Context, tx *sqlx.Tx, id uuid.UUID, c Claim) error {
	_, err := s.stmt.Exec(ctx, tx, insertClaim, id, c.ClaimedNumber, c.FamilyName, c.FamilyKey, c.GivenNames, c.BirthDate, c.Postcode,
		c.RequesterFamilyName, c.RequesterGivenNames, c.RequesterBirthDate, c.Relation, c.Authority)
	if err != nil {
		return fmt.Errorf("insert claim: %w", err)
	}
	return nil
}

const deleteClaim = `DELETE FROM claim WHERE opt_out_id = $1`

// ForgetClaim forgets what a request said that nobody ever confirmed.
func (s *Store) ForgetClaim(ctx context.Context, tx *sqlx.Tx, id uuid.UUID) error {
	if _, err := s.stmt.Exec(ctx, tx, deleteClaim, id); err != nil {
		return fmt.Errorf("forget claim: %w", err)
	}
	return nil
}
