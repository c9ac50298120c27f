package store

import (
	"context"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/dorsetcarerecord/dcr/identity-svc/internal/search"
	"github.com/dorsetcarerecord/dcr/internal/postgres"
)

// Patient is one person, with the practice as our registry has it.
type Patient struct {
	NHSNumber    string         `db:"nhs_number"`
	FamilyName   string         `db:"family_name"`
	GivenNames   pq.StringArray `db:"given_names"`
	BirthDate    string         `db:"birth_date"`
	Gender       string         `db:"gender"`
	Deceased     bool           `db:"deceased"`
	DeceasedOn   string         `db:"deceased_on"`
	AddressLines pq.StringArray `db:"address_lines"`
	Postcode     string         `db:"postcode"`
	Telephones   pq.StringArray `db:"telephones"`
	GPODSCode    string         `db:"gp_ods_code"`
	GPName       string         `db:"gp_name"`
	Restricted   bool           `db:"restricted"`
	UpdatedAt    time.Time      `db:"updated_at"`

	// From the registry, null when the practice is not in it.
	GPRegistryName *string    `db:"gp_registry_name"`
	GPState        *int16     `db:"gp_state"`
	GPActiveFrom   *time.Time `db:"gp_active_from"`

	// Mobiles and Emails are written, and read by Contact alone.
	Mobiles pq.StringArray `db:"-"`
	Emails  pq.StringArray `db:"-"`
}

const patientColumns = `p.nhs_number, p.family_name, p.given_names, p.birth_date, p.gender, p.deceased, p.deceased_on,
       p.address_lines, p.postcode, p.telephones, p.gp_ods_code, p.gp_name, p.restricted, p.updated_at,
       g.name AS gp_registry_name, g.state AS gp_state, g.active_from AS gp_active_from`

// inForce finds the person by a number, through the number that superseded it. An invalidated number
// is not found.
const inForce = `
FROM patient a
JOIN patient p ON p.nhs_number = coalesce(a.superseded_by, a.nhs_number) AND NOT p.invalidated
LEFT JOIN organisation g ON g.ods_code = p.gp_ods_code
WHERE a.nhs_number = $1 AND NOT a.invalidated`

const (
	selectPatient          = `SELECT ` + patientColumns + inForce
	selectPatientForUpdate = `SELECT ` + patientColumns + inForce + ` FOR UPDATE OF p`
)

// Patient reads the person in force under a number; ErrNone when there is none.
func (s *Store) Patient(ctx context.Context, nhsNumber string) (Patient, error) {
	var p Patient
	err := s.get(ctx, nil, "read patient", &p, selectPatient, nhsNumber)
	return p, postgres.Translate(err)
}

// LockPatient reads the person in force and keeps the row as it is until the transaction ends.
func (s *Store) LockPatient(ctx context.Context, tx *sqlx.Tx, nhsNumber string) (Patient, error) {
	var p Patient
	err := s.get(ctx, tx, "lock patient", &p, selectPatientForUpdate, nhsNumber)
	return p, err
}

// upsertPatient takes the fields of a newer message only, and leaves a superseded person as they were.
const upsertPatient = `
INSERT INTO patient (nhs_number, family_name, given_names, family_fold, given_fold, birth_date, gender, deceased, deceased_on,
                     address_lines, postcode, postcode_fold, telephones, gp_ods_code, gp_name, restricted, updated_at, sequence,
                     mobiles, emails)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
ON CONFLICT (nhs_number) DO UPDATE SET
  family_name = excluded.family_name, given_names = excluded.given_names,
  family_fold = excluded.family_fold, given_fold = excluded.given_fold,
  birth_date = excluded.birth_date, gender = excluded.gender,
  deceased = excluded.deceased, deceased_on = excluded.deceased_on,
  address_lines = excluded.address_lines, postcode = excluded.postcode, postcode_fold = excluded.postcode_fold,
  telephones = excluded.telephones, gp_ods_code = excluded.gp_ods_code, gp_name = excluded.gp_name,
  restricted = excluded.restricted, updated_at = excluded.updated_at, sequence = excluded.sequence,
  mobiles = excluded.mobiles, emails = excluded.emails, invalidated = patient.invalidated AND patient.sequence > 0
WHERE patient.sequence < excluded.sequence AND patient.superseded_by IS NULL`

// PutPatient takes what a feed says of a person, unless a newer message said otherwise already.
func (s *Store) PutPatient(ctx context.Context, tx *sqlx.Tx, p Patient, sequence int64) error {
	_, err := s.exec(ctx, tx, "put patient", upsertPatient,
		p.NHSNumber, p.FamilyName, p.GivenNames, search.Fold(p.FamilyName), pq.StringArray(search.FoldAll(p.GivenNames)),
		p.BirthDate, p.Gender, p.Deceased, p.DeceasedOn, p.AddressLines, p.Postcode, search.FoldPostcode(p.Postcode),
		p.Telephones, p.GPODSCode, p.GPName, p.Restricted, p.UpdatedAt, sequence,
		stringArray(p.Mobiles), stringArray(p.Emails))
	return err
}
