package store

import (
	"context"
	"strings"

	"github.com/dorsetcarerecord/dcr/identity-svc/internal/search"
	"github.com/dorsetcarerecord/dcr/internal/postgres"
)

// matching is what both searches check. $2, $3 bounds of the family name; $4 given name; $5 birth date;
// $6 gender; $7 postcode; $8 practice; $9 whether restricted people may be found; $10 limit.
const matching = `
  AND ($2 = '' OR (p.family_fold >= $2 AND p.family_fold <= $3))
  AND ($4 = '' OR EXISTS (SELECT FROM unnest(p.given_fold) AS given WHERE given LIKE $4))
  AND ($5 = '' OR p.birth_date = $5)
  AND ($6 = '' OR p.gender = $6)
  AND ($7 = '' OR p.postcode_fold = $7)
  AND ($8 = '' OR p.gp_ods_code = $8)
  AND ($9 OR NOT p.restricted)
ORDER BY p.family_fold, p.given_fold, p.nhs_number
LIMIT $10`

const searchByNumber = `SELECT ` + patientColumns + inForce + matching

// searchByName goes by birth date first: of all of a county, some twenty people share one.
const searchByName = `
SELECT ` + patientColumns + `
FROM patient p
LEFT JOIN organisation g ON g.ods_code = p.gp_ods_code
WHERE p.superseded_by IS NULL AND NOT p.invalidated AND $1 = ''
  AND p.birth_date = $5 AND p.family_fold >= $2 AND p.family_fold <= $3` + matching

// SearchPatients gives at most limit matches, by family name, given names and NHS number.
func (s *Store) SearchPatients(ctx context.Context, t search.Terms, limit int) ([]Patient, error) {
	text := searchByNumber
	if t.NHSNumber == "" {
		text = searchByName
	}
	var found []Patient
	err := s.list(ctx, nil, "search patients", &found, text,
		t.NHSNumber, t.Family.Text, upTo(t.Family), like(t.Given), t.BirthDate, t.Gender, t.Postcode, t.GPODSCode,
		t.WithRestricted, limit)
	return found, postgres.Translate(err)
}

// upTo is the last text that a pattern matches in byte order.
func upTo(p search.Pattern) string {
	if p.Prefix {
		return p.Text + "\U0010FFFF"
	}
	return p.Text
}

// like is a pattern for LIKE.
func like(p search.Pattern) string {
	escaped := strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(p.Text)
	if p.Prefix {
		return escaped + "%"
	}
	return escaped
}
