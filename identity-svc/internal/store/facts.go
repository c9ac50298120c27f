package store

import (
	"context"
	"time"

	"github.com/lib/pq"

	"github.com/dorsetcarerecord/dcr/internal/postgres"
)

// selectStaffFacts is the question of every view, asked once per call and never cached, so it is one
// statement of primary key and index lookups. It always gives a row: what is unknown is null. A further
// row comes with each further relationship that stands.
//
// $1 issuer, $2 subject, $3 role_code, $4 ods_code, $5 nhs_number, $6 now.
//
// A relationship stands for the session when the member holds it by name, or when the organisation of the
// session, or one that it is the heir of, holds it. What was ended by hand or withdrawn is off whatever
// the clocks of our replicas say. It must begin with a feed's date; a declared one stands at once. A closure
// before the start is one of which the feed did not say when.
const selectStaffFacts = `
SELECT s.id AS staff_id, s.name AS staff_name, s.ended_at IS NULL AS staff_active,
       s.own_nhs_number IS NOT NULL AS own_known,
       CASE WHEN s.own_nhs_number IS NULL THEN false
            WHEN s.own_nhs_number = $5 OR s.own_nhs_number = p.nhs_number THEN true
            ELSE EXISTS (SELECT FROM patient w WHERE w.nhs_number = s.own_nhs_number AND w.superseded_by = p.nhs_number)
       END AS own_record,
       p.family_fold AS family, p.postcode_fold AS postcode, k.family_fold AS own_family, k.postcode_fold AS own_postcode,
       CASE WHEN k.family_fold = p.family_fold AND k.postcode_fold = p.postcode_fold THEN p.address_lines END AS lines,
       CASE WHEN k.family_fold = p.family_fold AND k.postcode_fold = p.postcode_fold THEN k.address_lines END AS own_lines,
       EXISTS (SELECT FROM staff w JOIN staff_role wr ON wr.staff_id = w.id
               WHERE w.own_nhs_number = p.nhs_number AND w.id <> s.id AND w.ended_at IS NULL
                 AND wr.ods_code = $4 AND wr.ended_at IS NULL) AS colleague,
       r.id IS NOT NULL AS role_active,
       o.ods_code, o.name, o.kind, o.state, o.active_from, o.ended_at, o.successor_ods_code, o.ignore_unsupported, o.version,
       p.nhs_number, p.restricted, p.deceased, p.gp_ods_code, p.gp_name, g.name AS gp_registry_name, g.state AS gp_state,
       g.active_from AS gp_active_from,
       b.broken_until,
       c.id AS rel_id, c.kind AS rel_kind, c.ods_code AS rel_ods_code, c.staff_id AS rel_staff_id, c.team AS rel_team,
       c.starts_at AS rel_starts_at, nullif(c.ends_at, 'infinity') AS rel_ends_at,
       CASE WHEN c.closed_at >= c.starts_at THEN c.closed_at END AS rel_closed_at,
       c.reason_code AS rel_reason_code, c.reason_text AS rel_reason_text, c.granted_by AS rel_granted_by
FROM (SELECT 1) AS always
LEFT JOIN staff s ON s.issuer = $1 AND s.subject = $2
LEFT JOIN organisation o ON o.ods_code = $4
LEFT JOIN staff_role r ON r.staff_id = s.id AND r.role_code = $3 AND r.ods_code = $4 AND r.ended_at IS NULL AND r.starts_at <= $6
LEFT JOIN patient a ON a.nhs_number = $5 AND NOT a.invalidated
LEFT JOIN patient p ON p.nhs_number = coalesce(a.superseded_by, a.nhs_number) AND NOT p.invalidated
LEFT JOIN patient k ON k.nhs_number = s.own_nhs_number AND NOT k.invalidated
LEFT JOIN organisation g ON g.ods_code = p.gp_ods_code
LEFT JOIN restriction_break b ON b.nhs_number = p.nhs_number AND b.staff_id = s.id AND b.broken_until > $6
LEFT JOIN care_relationship c ON c.nhs_number = p.nhs_number AND c.ends_at > $6 AND NOT c.ended_early AND NOT c.withdrawn
      AND (c.starts_at <= $6 OR c.kind >= 5) AND s.id IS NOT NULL
      AND (c.staff_id = s.id OR (c.staff_id IS NULL
           AND c.ods_code = ANY (ARRAY(SELECT h.ods_code FROM organisation h WHERE h.heir_ods_code = $4))))`

// Session is who asks, as a verified token says.
type Session struct {
	Issuer, Subject, RoleCode, ODSCode string
}

// FactRow is one row of the facts: the same staff, organisation and person in each, and one relationship.
type FactRow struct {
	StaffID     *string `db:"staff_id"`
	StaffName   *string `db:"staff_name"`
	StaffActive *bool   `db:"staff_active"`
	OwnKnown    *bool   `db:"own_known"`
	OwnRecord   bool    `db:"own_record"`
	// Of the person, and of the member as a patient (see package kin). Lines are there only where they matter.
	Family      *string        `db:"family"`
	Postcode    *string        `db:"postcode"`
	Lines       pq.StringArray `db:"lines"`
	OwnFamily   *string        `db:"own_family"`
	OwnPostcode *string        `db:"own_postcode"`
	OwnLines    pq.StringArray `db:"own_lines"`
	Colleague   bool           `db:"colleague"`

	RoleActive bool `db:"role_active"`

	ODSCode           *string    `db:"ods_code"`
	OrganisationName  *string    `db:"name"`
	Kind              *int16     `db:"kind"`
	State             *int16     `db:"state"`
	ActiveFrom        *time.Time `db:"active_from"`
	EndedAt           *time.Time `db:"ended_at"`
	Successor         *string    `db:"successor_ods_code"`
	IgnoreUnsupported *bool      `db:"ignore_unsupported"`
	Version           *int64     `db:"version"`

	NHSNumber      *string    `db:"nhs_number"`
	Restricted     *bool      `db:"restricted"`
	Deceased       *bool      `db:"deceased"`
	GPODSCode      *string    `db:"gp_ods_code"`
	GPName         *string    `db:"gp_name"`
	GPRegistryName *string    `db:"gp_registry_name"`
	GPState        *int16     `db:"gp_state"`
	GPActiveFrom   *time.Time `db:"gp_active_from"`
	BrokenUntil    *time.Time `db:"broken_until"`

	RelID         *string    `db:"rel_id"`
	RelKind       *int16     `db:"rel_kind"`
	RelODSCode    *string    `db:"rel_ods_code"`
	RelStaffID    *string    `db:"rel_staff_id"`
	RelTeam       *string    `db:"rel_team"`
	RelStartsAt   *time.Time `db:"rel_starts_at"`
	RelEndsAt     *time.Time `db:"rel_ends_at"`
	RelClosedAt   *time.Time `db:"rel_closed_at"`
	RelReasonCode *string    `db:"rel_reason_code"`
	RelReasonText *string    `db:"rel_reason_text"`
	RelGrantedBy  *string    `db:"rel_granted_by"`
}

// StaffFacts gives at least one row. An empty NHS number is nobody's.
func (s *Store) StaffFacts(ctx context.Context, who Session, nhsNumber string, now time.Time) ([]FactRow, error) {
	var rows []FactRow
	err := s.list(ctx, nil, "read facts", &rows, selectStaffFacts,
		who.Issuer, who.Subject, who.RoleCode, who.ODSCode, nhsNumber, now)
	return rows, postgres.Translate(err)
}

const selectSystemFacts = `
SELECT o.ods_code, o.name, o.kind, o.state, o.active_from, o.ended_at,
       coalesce(o.successor_ods_code, '') AS successor_ods_code, o.ignore_unsupported, o.version
FROM organisation_client c
JOIN organisation o ON o.ods_code = c.ods_code
WHERE c.client_id = $1`

// ClientOrganisation is the organisation for which a client may send; ErrNone when the client is not
// registered. Its clients are not listed.
func (s *Store) ClientOrganisation(ctx context.Context, clientID string) (Organisation, error) {
	var o Organisation
	err := s.get(ctx, nil, "read system facts", &o, selectSystemFacts, clientID)
	return o, postgres.Translate(err)
}
