package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"

	"github.com/dorsetcarerecord/dcr/internal/postgres"
)

// Refusal is a bundle that was refused. It holds nothing that the bundle said but, where that was valid,
// the NHS number that it named, so that staff who open the person see that a feed was refused.
type Refusal struct {
	ID         string    `db:"id"`
	SourceODS  string    `db:"source_ods_code"`
	NHSNumber  string    `db:"nhs_number"`
	RefusedAt  time.Time `db:"refused_at"`
	Reason     string    `db:"reason"`
	Expression string    `db:"expression"`
	SHA256     []byte    `db:"bundle_sha256"`
}

// Digest of the bundle, hex.
func (r Refusal) Digest() string { return hex.EncodeToString(r.SHA256) }

const insertRefusalSQL = `
INSERT INTO refusal (id, source_ods_code, nhs_number, refused_at, reason, expression, bundle_sha256)
VALUES ($1, $2, $3, $4, $5, $6, $7)`

// knownSourceSQL notes a partner of whom nothing was accepted yet, so that its refusal has a name.
const knownSourceSQL = `INSERT INTO source (ods_code, name, kind) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`

// Refuse keeps a refusal.
func (s *Store) Refuse(ctx context.Context, from Source, r Refusal, body []byte) error {
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("make id: %w", err)
	}
	digest := sha256.Sum256(body)
	return s.InTx(ctx, func(tx *sqlx.Tx) error {
		if _, err := s.stmt.Exec(ctx, tx, knownSourceSQL, from.ODSCode, from.Name, from.Kind); err != nil {
			return fmt.Errorf("note source: %w", err)
		}
		_, err := s.stmt.Exec(ctx, tx, insertRefusalSQL, id.String(), from.ODSCode, r.NHSNumber, s.now(), r.Reason, r.Expression, digest[:])
		if err != nil {
			return fmt.Errorf("keep refusal: %w", err)
		}
		return nil
	})
}

const listRefusalsSQL = `
SELECT id, source_ods_code, '' AS nhs_number, refused_at, reason, expression, bundle_sha256
  FROM refusal
 WHERE ($1 = '' OR source_ods_code = $1) AND ($2::uuid IS NULL OR id < $2)
 ORDER BY id DESC LIMIT $3`

// Refusals are refused bundles, newest first, without persons: at most limit, after the given id.
func (s *Store) Refusals(ctx context.Context, ods string, after *uuid.UUID, limit int) ([]Refusal, error) {
	var all []Refusal
	if err := s.stmt.Select(ctx, nil, &all, listRefusalsSQL, ods, after, limit); err != nil {
		return nil, fmt.Errorf("list refusals: %w", postgres.Translate(err))
	}
	return all, nil
}
