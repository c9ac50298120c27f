package store

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/dorsetcarerecord/dcr/internal/postgres"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/post"
)

// askUnsettled takes up to $2 sent letters whose end is not known, and lets nobody else ask for $1 seconds.
// Asking twice does no harm, so there is no claim.
const askUnsettled = `
UPDATE letter l SET next_attempt_at = now() + $1::float8 * interval '1 second'
FROM (
  SELECT opt_out_id, id FROM letter WHERE state = 'sent' AND NOT settled AND next_attempt_at <= now()
  ORDER BY next_attempt_at LIMIT $2
  FOR UPDATE SKIP LOCKED) c
WHERE l.opt_out_id = c.opt_out_id AND l.id = c.id
RETURNING l.opt_out_id, l.id, l.post_id, l.way, extract(epoch FROM now() - l.sent_at)::float8 AS sent_ago`

// Unsettled is a letter that the post has, and of which it may know more.
type Unsettled struct {
	OptOutID uuid.UUID `db:"opt_out_id"`
	ID       uuid.UUID `db:"id"`
	PostID   uuid.UUID `db:"post_id"`
	By       post.Way  `db:"way"`
	// SentAgo is how many seconds ago the post took it.
	SentAgo float64 `db:"sent_ago"`
}

// UnsettledLetters gives sent letters whose end is to be asked for; each comes again after a pause.
func (s *Store) UnsettledLetters(ctx context.Context, pause time.Duration, limit int) ([]Unsettled, error) {
	var found []Unsettled
	if err := s.db.SelectContext(ctx, &found, askUnsettled, pause.Seconds(), limit); err != nil {
		return nil, fmt.Errorf("list unsettled letters: %w", postgres.Translate(err))
	}
	return found, nil
}

const (
	settleLetter = `UPDATE letter SET settled = true WHERE opt_out_id = $1 AND id = $2 AND state = 'sent' AND post_id = $3`
	returnLetter = `
UPDATE letter SET state = 'failed', settled = true, failure = $4
WHERE opt_out_id = $1 AND id = $2 AND state = 'sent' AND post_id = $3`
)

// SettleLetter ends the asking: the letter arrived, or the post will say no more.
func (s *Store) SettleLetter(ctx context.Context, u Unsettled) error {
	if _, err := s.db.ExecContext(ctx, settleLetter, u.OptOutID, u.ID, u.PostID); err != nil {
		return fmt.Errorf("settle letter: %w", postgres.Translate(err))
	}
	return nil
}

// ReturnLetter notes that the post could not deliver a letter that it had taken.
func (s *Store) ReturnLetter(ctx context.Context, u Unsettled, reason string) error {
	if _, err := s.db.ExecContext(ctx, returnLetter, u.OptOutID, u.ID, u.PostID, reason); err != nil {
		return fmt.Errorf("return letter: %w", postgres.Translate(err))
	}
	return nil
}

const forgetCodes = `UPDATE letter SET code = NULL WHERE code IS NOT NULL AND code_until <= now() AND state = 'failed'`

// ForgetCodes takes codes out of letters that failed, once they are good no more.
func (s *Store) ForgetCodes(ctx context.Context) error {
	if _, err := s.db.ExecContext(ctx, forgetCodes); err != nil {
		return fmt.Errorf("forget codes: %w", postgres.Translate(err))
	}
	return nil
}

// countLetters is the state of the queue; ages are in seconds.
const countLetters = `
SELECT count(*) FILTER (WHERE state = 'queued') AS queued, count(*) FILTER (WHERE state = 'failed') AS failed,
       coalesce(extract(epoch FROM now() - min(queued_at) FILTER (WHERE state = 'queued')), 0)::float8 AS oldest
FROM letter WHERE state IN ('queued', 'failed')`

// LetterStat is the state of the queue of letters.
type LetterStat struct {
	// Queued are to be sent; Oldest is the age of the oldest of them, in seconds.
	Queued int64   `db:"queued"`
	Oldest float64 `db:"oldest"`
	// Failed are those that a privacy officer must look at.
	Failed int64 `db:"failed"`
}

// LetterStats counts the letters that are not yet gone.
func (s *Store) LetterStats(ctx context.Context) (LetterStat, error) {
	var stat LetterStat
	if err := s.db.GetContext(ctx, &stat, countLetters); err != nil {
		return stat, fmt.Errorf("count letters: %w", postgres.Translate(err))
	}
	return stat, nil
}
