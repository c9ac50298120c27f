package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/dorsetcarerecord/dcr/internal/postgres"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/choice"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/link"
)

// Link is a link between two numbers, of which the first is the smaller.
type Link struct {
	ID         uuid.UUID  `db:"link_id"`
	NHSNumber  string     `db:"nhs_number"`
	Other      string     `db:"other_nhs_number"`
	LinkedAt   *time.Time `db:"linked_at"`
	UnlinkedAt *time.Time `db:"unlinked_at"`
}

// State of the link, as package link has it.
func (l Link) State() link.State {
	switch {
	case l.UnlinkedAt != nil:
		return link.Unlinked
	case l.LinkedAt != nil:
		return link.Linked
	}
	return link.Absent
}

// holdLinks keeps links as they are until the transaction ends: who chooses holds them shared, who links alone.
// So nobody chooses for a group that is being changed, and choices of different people do not wait for each other.
const (
	holdLinks   = `SELECT pg_advisory_xact_lock_shared(hashtextextended(current_schema() || '.link', 0))`
	changeLinks = `SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || '.link', 0))`
)

// selectGroup finds all numbers that are linked with one, directly or through others, itself included.
const selectGroup = `
WITH RECURSIVE linked (nhs_number) AS (
  SELECT $1::text
  UNION
  SELECT CASE l.nhs_number WHEN g.nhs_number THEN l.other_nhs_number ELSE l.nhs_number END
  FROM linked g JOIN link l ON l.unlinked_at IS NULL AND (l.nhs_number = g.nhs_number OR l.other_nhs_number = g.nhs_number))
SELECT nhs_number FROM linked`

const insertPeople = `
INSERT INTO choice_in_force (nhs_number, choice_number, sealed) SELECT n, 0, false FROM unnest($1::text[]) AS n ORDER BY n
ON CONFLICT (nhs_number) DO NOTHING`

const lockPeople = `
SELECT nhs_number, choice_number, sealed FROM choice_in_force WHERE nhs_number = ANY ($1::text[]) ORDER BY nhs_number FOR UPDATE`

// LockGroup locks a person and all whose numbers are linked with theirs, by number, and gives their choices in
// force. Their links stay as they are until the transaction ends.
func (s *Store) LockGroup(ctx context.Context, tx *sqlx.Tx, nhsNumber string) ([]link.Member, error) {
	if _, err := s.stmt.Exec(ctx, tx, holdLinks); err != nil {
		return nil, fmt.Errorf("hold links: %w", err)
	}
	var numbers []string
	if err := s.stmt.Select(ctx, tx, &numbers, selectGroup, nhsNumber); err != nil {
		return nil, fmt.Errorf("read linked numbers: %w", err)
	}
	return s.lockPeople(ctx, tx, numbers)
}

func (s *Store) lockPeople(ctx context.Context, tx *sqlx.Tx, numbers []string) ([]link.Member, error) {
	if _, err := s.stmt.Exec(ctx, tx, insertPeople, pq.StringArray(numbers)); err != nil {
		return nil, fmt.Errorf("enter people: %w", err)
	}
	var rows []struct {
		NHSNumber string `db:"nhs_number"`
		standing
	}
	if err := s.stmt.Select(ctx, tx, &rows, lockPeople, pq.StringArray(numbers)); err != nil {
		return nil, fmt.Errorf("lock people: %w", err)
	}
	group := make([]link.Member, len(rows))
	for i, r := range rows {
		group[i] = link.Member{NHSNumber: r.NHSNumber, Standing: choice.Standing(r.standing)}
	}
	return group, nil
}

const selectLink = `SELECT link_id, nhs_number, other_nhs_number, linked_at, unlinked_at FROM link WHERE link_id = $1`

// TakeLink makes changes of links take turns, and reads one; ErrNotFound when nothing was heard of it.
func (s *Store) TakeLink(ctx context.Context, tx *sqlx.Tx, id uuid.UUID) (Link, error) {
	var l Link
	if _, err := s.stmt.Exec(ctx, tx, changeLinks); err != nil {
		return l, fmt.Errorf("take links: %w", err)
	}
	err := s.stmt.Get(ctx, tx, &l, selectLink, id)
	if errors.Is(err, sql.ErrNoRows) {
		return l, ErrNotFound
	}
	if err != nil {
		return l, fmt.Errorf("read link: %w", err)
	}
	return l, nil
}

const putLink = `
INSERT INTO link (link_id, nhs_number, other_nhs_number, linked_at, unlinked_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (link_id) DO UPDATE SET unlinked_at = excluded.unlinked_at`

const insertUnlinked = `
INSERT INTO unlinked (nhs_number, link_id, other_nhs_number, unlinked_at) VALUES ($1, $2, $3, $4), ($3, $2, $1, $4)`

// PutLink writes how a link is now; of one that is undone both sides are noted, to be decided about.
func (s *Store) PutLink(ctx context.Context, tx *sqlx.Tx, l Link) error {
	if _, err := s.stmt.Exec(ctx, tx, putLink, l.ID, l.NHSNumber, l.Other, l.LinkedAt, l.UnlinkedAt); err != nil {
		return fmt.Errorf("write link: %w", err)
	}
	if l.UnlinkedAt == nil {
		return nil
	}
	if _, err := s.stmt.Exec(ctx, tx, insertUnlinked, l.NHSNumber, l.ID, l.Other, *l.UnlinkedAt); err != nil {
		return fmt.Errorf("note unlinked people: %w", err)
	}
	return nil
}

const selectUnsealed = `
SELECT c.id FROM choice_in_force f
JOIN choice c ON c.nhs_number = f.nhs_number AND c.choice_number = f.choice_number
WHERE f.nhs_number = ANY ($1::text[]) AND c.confirmed_at IS NULL`

// Unsealed are the messages of those choices in force of some people that record-svc has not confirmed: none when
// all are in effect.
func (s *Store) Unsealed(ctx context.Context, numbers ...string) ([]uuid.UUID, error) {
	var ids []uuid.UUID
	if err := s.stmt.Select(ctx, nil, &ids, selectUnsealed, pq.StringArray(numbers)); err != nil {
		return nil, fmt.Errorf("read effect of choices: %w", postgres.Translate(err))
	}
	return ids, nil
}
