package store

import (
	"context"

	"github.com/lib/pq"

	"github.com/dorsetcarerecord/dcr/identity-svc/internal/match"
	"github.com/dorsetcarerecord/dcr/internal/postgres"
)

// selectMeant gives everybody in force who could be meant: the one under the number $1, through the number that
// superseded it, and all who share the birth date, or as much of it as a feed knows: $2 are the day, the month
// and the year. Some twenty people of a county share a day. It is one statement whatever comes of it, so that
// nobody learns from its time whether somebody was found.
const selectMeant = `
SELECT p.nhs_number, p.family_name, p.given_names, p.birth_date, p.postcode, p.restricted, p.deceased,
       p.nhs_number = coalesce(a.superseded_by, a.nhs_number, '') AS by_number
FROM (SELECT 1) AS always
LEFT JOIN patient a ON a.nhs_number = $1 AND NOT a.invalidated
JOIN patient p ON p.superseded_by IS NULL AND NOT p.invalidated
     AND (p.nhs_number = coalesce(a.superseded_by, a.nhs_number) OR p.birth_date = ANY ($2::text[]))`

// meantRow is one of them.
type meantRow struct {
	NHSNumber  string         `db:"nhs_number"`
	FamilyName string         `db:"family_name"`
	GivenNames pq.StringArray `db:"given_names"`
	BirthDate  string         `db:"birth_date"`
	Postcode   string         `db:"postcode"`
	Restricted bool           `db:"restricted"`
	Deceased   bool           `db:"deceased"`
	ByNumber   bool           `db:"by_number"`
}

// Meant gives all who could be meant by a request, for match.Decide.
func (s *Store) Meant(ctx context.Context, asked match.Asked) ([]match.Person, error) {
	var rows []meantRow
	births := stringArray(nil)
	if d := asked.BirthDate; len(d) == len("2006-01-02") {
		births = pq.StringArray{d, d[:len("2006-01")], d[:len("2006")]}
	}
	if err := s.list(ctx, nil, "read who could be meant", &rows, selectMeant, asked.NHSNumber, births); err != nil {
		return nil, postgres.Translate(err)
	}
	people := make([]match.Person, len(rows))
	for i, r := range rows {
		people[i] = match.Person{
			NHSNumber: r.NHSNumber, ByNumber: r.ByNumber, FamilyName: r.FamilyName, GivenNames: r.GivenNames,
			BirthDate: r.BirthDate, Postcode: r.Postcode, Restricted: r.Restricted, Deceased: r.Deceased,
		}
	}
	return people, nil
}

// Contact is where a person can be reached.
type Contact struct {
	NHSNumber    string         `db:"nhs_number"`
	FamilyName   string         `db:"family_name"`
	GivenNames   pq.StringArray `db:"given_names"`
	AddressLines pq.StringArray `db:"address_lines"`
	Postcode     string         `db:"postcode"`
	Mobiles      pq.StringArray `db:"mobiles"`
	Emails       pq.StringArray `db:"emails"`
	Restricted   bool           `db:"restricted"`
	Deceased     bool           `db:"deceased"`
}

const selectContact = `
SELECT p.nhs_number, p.family_name, p.given_names, p.address_lines, p.postcode, p.mobiles, p.emails, p.restricted, p.deceased` + inForce

// Contact reads where the person in force under a number can be reached; ErrNone when there is none.
func (s *Store) Contact(ctx context.Context, nhsNumber string) (Contact, error) {
	var c Contact
	err := s.get(ctx, nil, "read contact", &c, selectContact, nhsNumber)
	return c, postgres.Translate(err)
}
