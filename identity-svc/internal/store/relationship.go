package store

import (
	"context"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/dorsetcarerecord/dcr/internal/postgres"
)

// Relationship is one care relationship as anybody may see it.
type Relationship struct {
	NHSNumber   string     `db:"nhs_number"`
	ID          string     `db:"id"`
	Kind        int16      `db:"kind"`
	ODSCode     string     `db:"ods_code"`
	StaffID     *string    `db:"staff_id"`
	Team        string     `db:"team"`
	StartsAt    time.Time  `db:"starts_at"`
	EndsAt      *time.Time `db:"ends_at"`   // nil: open-ended
	ClosedAt    *time.Time `db:"closed_at"` // nil: open, not from a feed, or the feed did not say when
	EndedEarly  bool       `db:"ended_early"`
	Withdrawn   bool       `db:"withdrawn"`
	ReasonCode  string     `db:"reason_code"`
	ReasonText  string     `db:"reason_text"`
	GrantedBy   *string    `db:"granted_by"`
	GrantedFrom *string    `db:"granted_from"`
}

const relationshipColumns = `c.nhs_number, c.id, c.kind, c.ods_code, c.staff_id, c.team, c.starts_at,
       nullif(c.ends_at, 'infinity') AS ends_at, CASE WHEN c.closed_at >= c.starts_at THEN c.closed_at END AS closed_at, c.ended_early, c.withdrawn, c.reason_code, c.reason_text, c.granted_by, c.granted_from`

// heldBy are the relationships of a session: $2 staff, $3 organisation (see selectStaffFacts).
const heldBy = `(c.staff_id = $2 OR (c.staff_id IS NULL
       AND c.ods_code = ANY (ARRAY(SELECT h.ods_code FROM organisation h WHERE h.heir_ods_code = $3))))`

const selectRelationshipsOf = `
SELECT ` + relationshipColumns + `
FROM care_relationship c
WHERE c.nhs_number = $1 AND ` + heldBy + ` AND NOT c.withdrawn AND c.ends_at > $4
ORDER BY c.starts_at DESC, c.id DESC`

// RelationshipsOf gives the relationships of a session with a person that stand or ended after since,
// newest first.
func (s *Store) RelationshipsOf(ctx context.Context, nhsNumber, staffID, odsCode string, since time.Time) ([]Relationship, error) {
	var found []Relationship
	err := s.list(ctx, nil, "list relationships", &found, selectRelationshipsOf, nhsNumber, staffID, odsCode, since)
	return found, postgres.Translate(err)
}

const selectStanding = `
SELECT ` + relationshipColumns + `
FROM care_relationship c
WHERE c.nhs_number = $1 AND ` + heldBy + ` AND c.ends_at > $4 AND NOT c.ended_early AND NOT c.withdrawn
  AND (c.starts_at <= $4 OR c.kind >= 5)
FOR SHARE`

// Standing gives the relationships of a session that stand now. They are kept as they are until the
// transaction ends, so that a grant is not made on one that a feed is ending.
func (s *Store) Standing(ctx context.Context, tx *sqlx.Tx, nhsNumber, staffID, odsCode string, now time.Time) ([]Relationship, error) {
	var found []Relationship
	err := s.list(ctx, tx, "list standing relationships", &found, selectStanding, nhsNumber, staffID, odsCode, now)
	return found, err
}

const selectRelationship = `
SELECT ` + relationshipColumns + `
FROM care_relationship c
WHERE c.nhs_number = $1 AND c.id = $2
FOR UPDATE`

// LockRelationship reads one for a change; ErrNone when there is none.
func (s *Store) LockRelationship(ctx context.Context, tx *sqlx.Tx, nhsNumber, id string) (Relationship, error) {
	var r Relationship
	err := s.get(ctx, tx, "lock relationship", &r, selectRelationship, nhsNumber, id)
	return r, err
}

const insertDeclared = `
INSERT INTO care_relationship (nhs_number, id, kind, ods_code, staff_id, starts_at, ends_at, reason_code, reason_text, granted_by, granted_from)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`

// AddDeclared adds one that a person made.
func (s *Store) AddDeclared(ctx context.Context, tx *sqlx.Tx, r Relationship) error {
	_, err := s.exec(ctx, tx, "add relationship", insertDeclared, r.NHSNumber, r.ID, r.Kind, r.ODSCode, r.StaffID,
		r.StartsAt, r.EndsAt, r.ReasonCode, r.ReasonText, r.GrantedBy, r.GrantedFrom)
	return err
}

const endRelationship = `
UPDATE care_relationship SET ends_at = $3, ended_early = true
WHERE nhs_number = $1 AND id = $2 AND kind >= 5`

// EndRelationship ends one before its time.
func (s *Store) EndRelationship(ctx context.Context, tx *sqlx.Tx, nhsNumber, id string, at time.Time) error {
	_, err := s.exec(ctx, tx, "end relationship", endRelationship, nhsNumber, id, at)
	return err
}

const upsertBreak = `
INSERT INTO restriction_break (nhs_number, staff_id, broken_until, reason_code, reason_text)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (nhs_number, staff_id) DO UPDATE SET
  broken_until = excluded.broken_until, reason_code = excluded.reason_code, reason_text = excluded.reason_text`

// Break is a broken restriction.
type Break struct {
	NHSNumber, StaffID     string
	Until                  time.Time
	ReasonCode, ReasonText string
}

// PutBreak breaks a restriction for one member of staff; an earlier break is replaced.
func (s *Store) PutBreak(ctx context.Context, tx *sqlx.Tx, b Break) error {
	_, err := s.exec(ctx, tx, "put break", upsertBreak, b.NHSNumber, b.StaffID, b.Until, b.ReasonCode, b.ReasonText)
	return err
}
