package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/dorsetcarerecord/dcr/internal/postgres"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/letter"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/post"
)

// ErrClaimLost says that a claim ran out before its end was recorded: the letter is somebody else's now.
var ErrClaimLost = errors.New("the claim on the letter has run out")

// claimLetters claims up to $3 letters that are due. The attempt is counted, and its time kept, before
// anything is handed over: whoever claims next sees that it may have been. tried_at stays that of the first
// attempt whose outcome is not known, as it was before this claim; all times are the database's. SKIP LOCKED
// lets replicas pass each other.
const claimLetters = `
UPDATE letter l
SET claim = $1, claimed_until = now() + $2::float8 * interval '1 second', attempts = l.attempts + 1,
    tried_at = coalesce(l.tried_at, now())
FROM (
  SELECT opt_out_id, id, tried_at FROM letter
  WHERE state = 'queued' AND next_attempt_at <= now() AND (claimed_until IS NULL OR claimed_until <= now())
  ORDER BY next_attempt_at LIMIT $3
  FOR UPDATE SKIP LOCKED) c
WHERE l.opt_out_id = c.opt_out_id AND l.id = c.id
RETURNING l.opt_out_id, l.id, l.nhs_number, l.kind, l.format, l.way, l.content, l.recipient, l.code, l.code_until, l.attempts,
  l.post_id, l.queued_at, l.give_up_at <= now() AS exhausted, coalesce(l.code_until <= now(), false) AS expired,
  c.tried_at IS NOT NULL AS tried, coalesce(extract(epoch FROM now() - c.tried_at), 0)::float8 AS tried_ago`

// Claimed is a letter that is ours to send, until its claim runs out.
type Claimed struct {
	OptOutID, ID uuid.UUID
	// PostID is what the post is to know it by.
	PostID    uuid.UUID
	NHSNumber string
	By        post.Way
	Content   letter.Content
	Recipient *Recipient
	Code      string
	QueuedAt  time.Time
	// Attempts so far, this one included.
	Attempts int
	// Tried says that it may have been handed over before, at the earliest TriedAgo before now.
	Tried    bool
	TriedAgo time.Duration
	// Exhausted says that this is the last attempt, Expired that its code is good no more.
	Exhausted, Expired bool

	claim uuid.UUID
}

type claimedRow struct {
	OptOutID  uuid.UUID     `db:"opt_out_id"`
	ID        uuid.UUID     `db:"id"`
	NHSNumber string        `db:"nhs_number"`
	Kind      letter.Kind   `db:"kind"`
	Format    letter.Format `db:"format"`
	By        post.Way      `db:"way"`
	Content   []byte        `db:"content"`
	Recipient []byte        `db:"recipient"`
	Code      *string       `db:"code"`
	CodeUntil *time.Time    `db:"code_until"`
	Attempts  int           `db:"attempts"`
	PostID    uuid.UUID     `db:"post_id"`
	QueuedAt  time.Time     `db:"queued_at"`
	Exhausted bool          `db:"exhausted"`
	Expired   bool          `db:"expired"`
	Tried     bool          `db:"tried"`
	TriedAgo  float64       `db:"tried_ago"`
}

// ClaimLetters claims up to limit letters that are due, for the length of a lease.
func (s *Store) ClaimLetters(ctx context.Context, lease time.Duration, limit int) ([]Claimed, error) {
	token, err := uuid.NewRandom()
	if err != nil {
		return nil, fmt.Errorf("claim letters: %w", err)
	}
	var rows []claimedRow
	if err := s.db.SelectContext(ctx, &rows, claimLetters, token, lease.Seconds(), limit); err != nil {
		return nil, fmt.Errorf("claim letters: %w", postgres.Translate(err))
	}
	claimed := make([]Claimed, len(rows))
	for i, row := range rows {
		if claimed[i], err = row.claimed(token); err != nil {
			return nil, err
		}
	}
	return claimed, nil
}

func (r claimedRow) claimed(token uuid.UUID) (Claimed, error) {
	c := Claimed{
		OptOutID: r.OptOutID, ID: r.ID, PostID: r.PostID, NHSNumber: r.NHSNumber, By: r.By, QueuedAt: r.QueuedAt, Attempts: r.Attempts,
		Tried: r.Tried, TriedAgo: time.Duration(r.TriedAgo * float64(time.Second)),
		Exhausted: r.Exhausted, Expired: r.Expired, claim: token,
	}
	if r.Code != nil {
		c.Code = *r.Code
	}
	if err := json.Unmarshal(r.Content, &c.Content); err != nil {
		return c, fmt.Errorf("decode letter: %w", err)
	}
	if r.Recipient != nil {
		if err := json.Unmarshal(r.Recipient, &c.Recipient); err != nil {
			return c, fmt.Errorf("decode recipient: %w", err)
		}
	}
	return c, nil
}

// The ends of an attempt. Each concerns only the claim under which it was made.
const (
	recordSent = `
UPDATE letter SET state = 'sent', sent_at = now(), way = $4, post_reference = $5, settled = $6, failure = '', code = NULL,
       recipient = NULL, claim = NULL, claimed_until = NULL, next_attempt_at = now() + $7::float8 * interval '1 second'
WHERE opt_out_id = $1 AND id = $2 AND claim = $3`
	recordPostponed = `
UPDATE letter SET failure = $4, next_attempt_at = now() + $5::float8 * interval '1 second', claim = NULL, claimed_until = NULL,
       tried_at = CASE WHEN $6 THEN tried_at END
WHERE opt_out_id = $1 AND id = $2 AND claim = $3`
	recordFailed = `
UPDATE letter SET state = 'failed', failure = $4, claim = NULL, claimed_until = NULL
WHERE opt_out_id = $1 AND id = $2 AND claim = $3`
)

// RecordSent notes that the post has a letter, and forgets address and code. Asking what became of it begins
// after a while, unless that is known.
func (s *Store) RecordSent(ctx context.Context, c Claimed, by post.Way, receipt post.Receipt, after time.Duration) error {
	return s.record(ctx, recordSent, c, string(by), receipt.Reference, receipt.Progress == post.Done, after.Seconds())
}

// RecordPostponed notes why an attempt failed, and lets the next one come after a while. unsure says that the
// post may have the letter all the same.
func (s *Store) RecordPostponed(ctx context.Context, c Claimed, reason string, after time.Duration, unsure bool) error {
	return s.record(ctx, recordPostponed, c, reason, after.Seconds(), unsure)
}

// RecordFailed notes that a letter will not be sent, and why.
func (s *Store) RecordFailed(ctx context.Context, c Claimed, reason string) error {
	return s.record(ctx, recordFailed, c, reason)
}

func (s *Store) record(ctx context.Context, text string, c Claimed, args ...any) error {
	done, err := s.db.ExecContext(ctx, text, append([]any{c.OptOutID, c.ID, c.claim}, args...)...)
	if err != nil {
		return fmt.Errorf("record letter: %w", postgres.Translate(err))
	}
	if n, err := done.RowsAffected(); err != nil || n == 0 {
		return errors.Join(ErrClaimLost, err)
	}
	return nil
}
