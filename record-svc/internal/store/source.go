package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/dorsetcarerecord/dcr/internal/nhsnumber"
)

// Source is a partner organisation.
type Source struct {
	ODSCode string `db:"ods_code"`
	Name    string `db:"name"`
	// Kind is dcr.identity.v1.OrganisationKind.
	Kind int32 `db:"kind"`
}

// touchSourceSQL notes that something was accepted from a source. Bundles for different people share this
// row, so it is left alone, and not locked, while what it says is no older than a second.
const touchSourceSQL = `
INSERT INTO source AS s (ods_code, name, kind, last_received_at)
SELECT $1, $2, $3::int, $4::timestamptz
 WHERE NOT EXISTS (SELECT FROM source WHERE ods_code = $1 AND name = $2 AND kind = $3::int AND last_received_at > $4::timestamptz - interval '1 second')
ON CONFLICT (ods_code) DO UPDATE SET name = excluded.name, kind = excluded.kind,
       last_received_at = greatest(s.last_received_at, excluded.last_received_at)`

// acceptedSQL keeps the latest: bundles that arrived one after the other may end the other way round.
const acceptedSQL = `
INSERT INTO accepted AS a (nhs_number, source_ods_code, accepted_at) VALUES ($1, $2, $3)
ON CONFLICT (nhs_number, source_ods_code) DO UPDATE SET accepted_at = greatest(a.accepted_at, excluded.accepted_at)`

// Accepted notes that a bundle of a source about a person was accepted.
func (s *Store) Accepted(ctx context.Context, tx *sqlx.Tx, number nhsnumber.Number, from Source, at time.Time) error {
	if _, err := s.stmt.Exec(ctx, tx, acceptedSQL, string(number), from.ODSCode, at); err != nil {
		return fmt.Errorf("note accepted bundle: %w", err)
	}
	if _, err := s.stmt.Exec(ctx, tx, touchSourceSQL, from.ODSCode, from.Name, from.Kind, at); err != nil {
		return fmt.Errorf("note source: %w", err)
	}
	return nil
}

const sourceKindsSQL = `SELECT ods_code, name, kind FROM source WHERE ods_code = ANY ($1)`

// SourcesOf are the organisations of some ODS codes, as their last bundle had them.
func (s *Store) SourcesOf(ctx context.Context, tx *sqlx.Tx, codes []string) (map[string]Source, error) {
	var rows []Source
	if err := s.stmt.Select(ctx, tx, &rows, sourceKindsSQL, array(codes)); err != nil {
		return nil, fmt.Errorf("read sources: %w", err)
	}
	by := make(map[string]Source, len(rows))
	for _, r := range rows {
		by[r.ODSCode] = r
	}
	return by, nil
}
