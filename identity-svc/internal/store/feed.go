package store

import (
	"context"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/dorsetcarerecord/dcr/identity-svc/internal/relationship"
)

// FeedRelationship is a relationship from a feed with all that later statements are folded into.
type FeedRelationship struct {
	ID        string
	SourceODS string
	SourceKey string
	Known     relationship.Known
	EndsAt    time.Time // zero: open-ended
}

// feedRow is FeedRelationship as it is stored.
type feedRow struct {
	ID        string     `db:"id"`
	SourceODS string     `db:"source_ods"`
	SourceKey string     `db:"source_key"`
	Kind      int16      `db:"kind"`
	ODSCode   string     `db:"ods_code"`
	Team      string     `db:"team"`
	StartsAt  time.Time  `db:"starts_at"`
	EndsAt    *time.Time `db:"ends_at"`
	ClosedAt  *time.Time `db:"closed_at"`
	Withdrawn bool       `db:"withdrawn"`
	Sequence  int64      `db:"sequence"`
	Since     int64      `db:"since"`
	ToldAt    time.Time  `db:"told_at"`
	WasOpen   bool       `db:"was_open"`
}

const advanceWatermark = `
INSERT INTO feed_watermark (nhs_number, sequence, message_id, received_at)
VALUES ($1, $2, $3, $4)
ON CONFLICT (nhs_number) DO UPDATE SET
  sequence    = greatest(feed_watermark.sequence, excluded.sequence),
  message_id  = CASE WHEN excluded.sequence > feed_watermark.sequence THEN excluded.message_id ELSE feed_watermark.message_id END,
  received_at = CASE WHEN excluded.sequence > feed_watermark.sequence THEN excluded.received_at ELSE feed_watermark.received_at END`

// AdvanceWatermark notes a message, and makes other messages about the person wait until the transaction
// ends: which registration stands is decided over all of them.
func (s *Store) AdvanceWatermark(ctx context.Context, tx *sqlx.Tx, nhsNumber string, sequence int64, messageID string, received time.Time) error {
	_, err := s.exec(ctx, tx, "advance watermark", advanceWatermark, nhsNumber, sequence, messageID, received)
	return err
}

const selectFeedRelationships = `
SELECT c.id, c.source_ods, c.source_key, c.kind, c.ods_code, c.team, c.starts_at, nullif(c.ends_at, 'infinity') AS ends_at,
       c.closed_at, c.withdrawn, c.sequence, c.since, c.told_at, c.was_open
FROM care_relationship c
WHERE c.nhs_number = $1 AND c.source_key IS NOT NULL AND (c.kind = 1 OR (c.source_ods = $2 AND c.source_key = ANY ($3)))`

// FeedRelationships gives those of a source by their keys, and every registration of the person.
func (s *Store) FeedRelationships(ctx context.Context, tx *sqlx.Tx, nhsNumber, sourceODS string, keys []string) ([]FeedRelationship, error) {
	var rows []feedRow
	if err := s.list(ctx, tx, "read feed relationships", &rows, selectFeedRelationships, nhsNumber, sourceODS, stringArray(keys)); err != nil {
		return nil, err
	}
	found := make([]FeedRelationship, len(rows))
	for i, r := range rows {
		found[i] = FeedRelationship{
			ID: r.ID, SourceODS: r.SourceODS, SourceKey: r.SourceKey, EndsAt: orZero(r.EndsAt),
			Known: relationship.Known{
				Kind: relationship.Kind(r.Kind), ODSCode: r.ODSCode, Team: r.Team,
				StartsAt: r.StartsAt.UTC(), ClosedAt: orZero(r.ClosedAt), Withdrawn: r.Withdrawn,
				Sequence: r.Sequence, Since: r.Since, ToldAt: r.ToldAt.UTC(), WasOpen: r.WasOpen,
			},
		}
	}
	return found, nil
}

const upsertFeedRelationship = `
INSERT INTO care_relationship (nhs_number, id, source_ods, source_key, kind, ods_code, team, starts_at, ends_at,
                               closed_at, withdrawn, sequence, since, told_at, was_open)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, coalesce($9::timestamptz, 'infinity'), $10, $11, $12, $13, $14, $15)
ON CONFLICT (nhs_number, source_ods, source_key) DO UPDATE SET
  kind = excluded.kind, ods_code = excluded.ods_code, team = excluded.team, starts_at = excluded.starts_at,
  ends_at = excluded.ends_at, closed_at = excluded.closed_at, withdrawn = excluded.withdrawn,
  sequence = excluded.sequence, since = excluded.since, told_at = excluded.told_at, was_open = excluded.was_open`

// PutFeedRelationship stores what the statements come to.
func (s *Store) PutFeedRelationship(ctx context.Context, tx *sqlx.Tx, nhsNumber string, r FeedRelationship) error {
	k := r.Known
	_, err := s.exec(ctx, tx, "put feed relationship", upsertFeedRelationship, nhsNumber, r.ID, r.SourceODS, r.SourceKey,
		int16(k.Kind), k.ODSCode, k.Team, k.StartsAt, orNull(r.EndsAt), orNull(k.ClosedAt), k.Withdrawn,
		k.Sequence, k.Since, k.ToldAt, k.WasOpen)
	return err
}

const cutGrants = `
UPDATE care_relationship g SET ends_at = f.ends_at
FROM care_relationship f
WHERE g.nhs_number = $1 AND g.granted_from IS NOT NULL AND f.nhs_number = $1 AND f.id = g.granted_from AND f.ends_at < g.ends_at`

// CutGrants ends grants no later than what they rest on, whose end a feed may have brought forward.
func (s *Store) CutGrants(ctx context.Context, tx *sqlx.Tx, nhsNumber string) error {
	_, err := s.exec(ctx, tx, "cut grants", cutGrants, nhsNumber)
	return err
}
