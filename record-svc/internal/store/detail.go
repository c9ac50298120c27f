package store

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"

	"github.com/dorsetcarerecord/dcr/internal/nhsnumber"
	"github.com/dorsetcarerecord/dcr/internal/postgres"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/section"
)

// Detail is one entry with all its versions, before anything is decided about which of them are shown.
type Detail struct {
	ID        string
	Type      string
	State     State
	SourceODS string
	// SourceKind is dcr.identity.v1.OrganisationKind.
	SourceKind int32
	Versions   []StoredVersion
}

// StoredVersion is one version as it is stored.
type StoredVersion struct {
	Number     int
	OrderedAt  time.Time
	ReceivedAt time.Time
	Deleted    bool
	Section    section.Name
	Raw        *string
	SHA256     []byte
}

// detailSQL reads the gate and, where it lets through, an entry with its versions, the current one first
// and then by their order, newest first.
const detailSQL = `
WITH g AS (` + gateSQL + `)
SELECT ` + gateColumns + `, e.id, e.type, e.state, e.source_ods_code, s.kind,
       v.version AS number, v.ordered_at AS v_ordered_at, v.received_at AS v_received_at, v.deleted, v.section AS v_section, v.raw, v.sha256
  FROM g LEFT JOIN (entry e JOIN version v ON v.nhs_number = e.nhs_number AND v.entry_id = e.id
                              JOIN source s ON s.ods_code = e.source_ods_code)
    ON g.let_through AND e.nhs_number = $1 AND e.id = $3
 ORDER BY v.version = e.version DESC, v.ordered_at DESC, v.version DESC`

type detailRow struct {
	Gate
	ID        *string    `db:"id"`
	Type      *string    `db:"type"`
	State     *State     `db:"state"`
	SourceODS *string    `db:"source_ods_code"`
	Kind      *int32     `db:"kind"`
	Number    *int       `db:"number"`
	OrderedAt *time.Time `db:"v_ordered_at"`
	VReceived *time.Time `db:"v_received_at"`
	Deleted   *bool      `db:"deleted"`
	Section   *string    `db:"v_section"`
	Raw       *string    `db:"raw"`
	SHA256    []byte     `db:"sha256"`
}

// Detail reads the gate and one entry of a person in one statement; the detail is nil when there is no
// such entry, or the gate is not open.
func (s *Store) Detail(ctx context.Context, number nhsnumber.Number, asked int64, id uuid.UUID) (Gate, *Detail, error) {
	var rows []detailRow
	if err := s.stmt.Select(ctx, nil, &rows, detailSQL, string(number), asked, id); err != nil {
		return Gate{}, nil, fmt.Errorf("read entry: %w", postgres.Translate(err))
	}
	if len(rows) == 0 {
		return Gate{}, nil, ErrNoPerson
	}
	if rows[0].ID == nil {
		return rows[0].Gate, nil, nil
	}
	first := rows[0]
	d := &Detail{ID: *first.ID, Type: *first.Type, State: *first.State, SourceODS: *first.SourceODS, SourceKind: *first.Kind}
	for _, r := range rows {
		d.Versions = append(d.Versions, StoredVersion{
			Number: *r.Number, OrderedAt: *r.OrderedAt, ReceivedAt: *r.VReceived, Deleted: *r.Deleted,
			Section: section.Name(*r.Section), Raw: r.Raw, SHA256: r.SHA256,
		})
	}
	return first.Gate, d, nil
}

// currentSQL reads the bytes of current versions of a person: of the entries $2, or of all when that is NULL.
const currentSQL = `
SELECT e.id, v.raw FROM entry e
  JOIN version v ON v.nhs_number = e.nhs_number AND v.entry_id = e.id AND v.version = e.version
 WHERE e.nhs_number = $1 AND v.raw IS NOT NULL AND ($2::uuid[] IS NULL OR e.id = ANY ($2))`

// Current are the bytes of the current versions of some entries of a person, or of all of them (nil ids),
// by entry. What is deleted or never shared has none.
func (s *Store) Current(ctx context.Context, tx *sqlx.Tx, number nhsnumber.Number, ids []string) (map[string][]byte, error) {
	var rows []struct {
		ID  string `db:"id"`
		Raw []byte `db:"raw"`
	}
	if err := s.stmt.Select(ctx, tx, &rows, currentSQL, string(number), array(ids)); err != nil {
		return nil, fmt.Errorf("read current versions: %w", err)
	}
	by := make(map[string][]byte, len(rows))
	for _, r := range rows {
		by[r.ID] = r.Raw
	}
	return by, nil
}
