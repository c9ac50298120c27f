package store

import (
	"context"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/dorsetcarerecord/dcr/internal/postgres"
)

// Organisation is one organisation as the registry has it.
type Organisation struct {
	ODSCode           string         `db:"ods_code"`
	Name              string         `db:"name"`
	Kind              int16          `db:"kind"`
	State             int16          `db:"state"`
	ActiveFrom        *time.Time     `db:"active_from"`
	EndedAt           *time.Time     `db:"ended_at"`
	Successor         string         `db:"successor_ods_code"` // empty: none
	IgnoreUnsupported bool           `db:"ignore_unsupported"`
	Version           int64          `db:"version"`
	ClientIDs         pq.StringArray `db:"client_ids"`
}

const organisationColumns = `o.ods_code, o.name, o.kind, o.state, o.active_from, o.ended_at,
       coalesce(o.successor_ods_code, '') AS successor_ods_code, o.ignore_unsupported, o.version,
       ARRAY(SELECT c.client_id FROM organisation_client c WHERE c.ods_code = o.ods_code ORDER BY c.client_id) AS client_ids`

const selectOrganisation = `SELECT ` + organisationColumns + ` FROM organisation o WHERE o.ods_code = $1`

// Organisation reads one; ErrNone when there is none.
func (s *Store) Organisation(ctx context.Context, tx *sqlx.Tx, odsCode string) (Organisation, error) {
	var o Organisation
	err := s.get(ctx, tx, "read organisation", &o, selectOrganisation, odsCode)
	if tx == nil {
		err = postgres.Translate(err)
	}
	return o, err
}

const selectHeirs = `SELECT o.ods_code, o.heir_ods_code AS heir FROM organisation o WHERE o.ods_code = ANY ($1)`

// Heirs gives, for each registered organisation, the one at the end of its chain of successors.
func (s *Store) Heirs(ctx context.Context, tx *sqlx.Tx, odsCodes []string) (map[string]string, error) {
	var found []struct {
		ODSCode string `db:"ods_code"`
		Heir    string `db:"heir"`
	}
	if err := s.list(ctx, tx, "read heirs", &found, selectHeirs, stringArray(odsCodes)); err != nil {
		return nil, err
	}
	heirs := map[string]string{}
	for _, f := range found {
		heirs[f.ODSCode] = f.Heir
	}
	return heirs, nil
}

const selectOrganisations = `SELECT ` + organisationColumns + ` FROM organisation o WHERE o.ods_code > $1 ORDER BY o.ods_code LIMIT $2`

// Organisations reads a page by ODS code.
func (s *Store) Organisations(ctx context.Context, after string, limit int) ([]Organisation, error) {
	var page []Organisation
	err := s.list(ctx, nil, "list organisations", &page, selectOrganisations, after, limit)
	return page, postgres.Translate(err)
}

// lockDirectory lets one change of organisations happen at a time, since each recomputes who is whose
// heir. Reading goes on.
const lockDirectory = `LOCK TABLE organisation IN SHARE ROW EXCLUSIVE MODE`

// LockDirectory is the first step of a change of organisations.
func (s *Store) LockDirectory(ctx context.Context, tx *sqlx.Tx) error {
	_, err := tx.ExecContext(ctx, lockDirectory)
	return wrapped("lock directory", err)
}

const insertOrganisation = `
INSERT INTO organisation (ods_code, name, kind, state, active_from, ended_at, successor_ods_code, heir_ods_code, ignore_unsupported)
VALUES ($1, $2, $3, $4, $5, $6, nullif($7, ''), $1, $8)`

// AddOrganisation adds one with its clients.
func (s *Store) AddOrganisation(ctx context.Context, tx *sqlx.Tx, o Organisation) error {
	if _, err := s.exec(ctx, tx, "add organisation", insertOrganisation, o.ODSCode, o.Name, o.Kind, o.State,
		o.ActiveFrom, o.EndedAt, o.Successor, o.IgnoreUnsupported); err != nil {
		return err
	}
	return s.settle(ctx, tx, o)
}

const updateOrganisation = `
UPDATE organisation SET name = $2, kind = $3, state = $4, active_from = $5, ended_at = $6, successor_ods_code = nullif($7, ''),
       ignore_unsupported = $8, version = version + 1
WHERE ods_code = $1`

// PutOrganisation changes one and its clients.
func (s *Store) PutOrganisation(ctx context.Context, tx *sqlx.Tx, o Organisation) error {
	if _, err := s.exec(ctx, tx, "change organisation", updateOrganisation, o.ODSCode, o.Name, o.Kind, o.State,
		o.ActiveFrom, o.EndedAt, o.Successor, o.IgnoreUnsupported); err != nil {
		return err
	}
	return s.settle(ctx, tx, o)
}

const (
	deleteClients = `DELETE FROM organisation_client WHERE ods_code = $1 AND NOT client_id = ANY ($2)`
	insertClients = `
INSERT INTO organisation_client (client_id, ods_code)
SELECT wanted.client_id, $1 FROM unnest($2::text[]) AS wanted (client_id)
WHERE NOT EXISTS (SELECT FROM organisation_client c WHERE c.client_id = wanted.client_id AND c.ods_code = $1)`
)

// updateHeirs follows successors from ended organisations to one that has not ended. UNION ends a
// ring of successors, which the service refuses anyway.
const updateHeirs = `
WITH RECURSIVE chain (start, at) AS (
  SELECT ods_code, ods_code FROM organisation
  UNION
  SELECT chain.start, o.successor_ods_code
  FROM chain JOIN organisation o ON o.ods_code = chain.at
  WHERE o.ended_at IS NOT NULL AND o.successor_ods_code IS NOT NULL
), heir (start, at) AS (
  SELECT chain.start, chain.at FROM chain JOIN organisation o ON o.ods_code = chain.at
  WHERE o.ended_at IS NULL OR o.successor_ods_code IS NULL
)
UPDATE organisation o SET heir_ods_code = heir.at
FROM heir WHERE heir.start = o.ods_code AND o.heir_ods_code <> heir.at`

// settle writes the clients and recomputes all heirs; there are some hundred organisations.
func (s *Store) settle(ctx context.Context, tx *sqlx.Tx, o Organisation) error {
	clients := stringArray(o.ClientIDs)
	if _, err := s.exec(ctx, tx, "remove clients", deleteClients, o.ODSCode, clients); err != nil {
		return err
	}
	if _, err := s.exec(ctx, tx, "add clients", insertClients, o.ODSCode, clients); err != nil {
		return err
	}
	_, err := s.exec(ctx, tx, "update heirs", updateHeirs)
	return err
}
