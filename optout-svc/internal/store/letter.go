package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"

	"github.com/dorsetcarerecord/dcr/internal/postgres"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/letter"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/post"
)

// Errors about letters.
var (
	// ErrNoLetter says that the request has no such letter.
	ErrNoLetter = errors.New("there is no such letter")
	// ErrLetterNotFailed says that a letter is under way, or that its code is gone: a new one is needed.
	ErrLetterNotFailed = errors.New("the letter has not failed, or can be sent no more")
)

// LetterState is how far a letter is.
type LetterState string

// The states of a letter.
const (
	LetterQueued LetterState = "queued"
	LetterSent   LetterState = "sent"
	LetterFailed LetterState = "failed"
)

// Recipient is where a letter goes instead of what is held of the person: what a requester gave, seen and
// entered by a privacy officer. It is forgotten when the letter has gone.
type Recipient struct {
	Name     string   `json:"name"`
	Lines    []string `json:"lines"`
	Postcode string   `json:"postcode"`
}

// LetterDraft is a letter to be put into the queue.
type LetterDraft struct {
	// OptOutID is the request that it is about.
	OptOutID uuid.UUID
	// Occasion tells it from others of its kind about the same request, such as the number of the step that
	// caused it. The same kind and occasion is the same letter.
	Occasion string
	// NHSNumber of the person whose contact details it goes to; empty when nobody is matched.
	NHSNumber string
	// Recipient instead of those contact details; nil for them.
	Recipient *Recipient
	// By is the way it has to go; empty lets it be chosen from what is held.
	By post.Way
	// Content in words.
	Content letter.Content
	// Code for a confirmation code, and when it ends to be good: the letter is not sent after that.
	Code      string
	CodeUntil time.Time
	// QueuedAt is now, and GiveUpAt when attempts end.
	QueuedAt, GiveUpAt time.Time
}

// LetterID is the id of the letter of that kind about a request, on that occasion.
func LetterID(optOut uuid.UUID, kind letter.Kind, occasion string) uuid.UUID {
	return uuid.NewSHA1(optOut, []byte(string(kind)+" "+occasion))
}

const insertLetter = `
INSERT INTO letter (opt_out_id, id, nhs_number, kind, format, way, content, recipient, code, code_until, queued_at, give_up_at, post_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $2)
ON CONFLICT (opt_out_id, id) DO NOTHING`

// PutLetter writes a letter in the transaction of the step that causes it, and gives its id. It is sent when
// the transaction has committed; put again, it stays the one that it was.
func (s *Store) PutLetter(ctx context.Context, tx *sqlx.Tx, d LetterDraft) (uuid.UUID, error) {
	id := LetterID(d.OptOutID, d.Content.Kind, d.Occasion)
	content, err := json.Marshal(d.Content)
	if err != nil {
		return id, fmt.Errorf("encode letter: %w", err)
	}
	var recipient, code sql.NullString
	if d.Recipient != nil {
		text, err := json.Marshal(d.Recipient)
		if err != nil {
			return id, fmt.Errorf("encode recipient: %w", err)
		}
		recipient = sql.NullString{String: string(text), Valid: true}
	}
	until := sql.NullTime{Time: d.CodeUntil, Valid: !d.CodeUntil.IsZero()}
	if d.Code != "" {
		code = sql.NullString{String: d.Code, Valid: true}
	}
	if _, err := tx.ExecContext(ctx, insertLetter, d.OptOutID, id, d.NHSNumber, string(d.Content.Kind), string(d.Content.Format),
		string(d.By), string(content), recipient, code, until, d.QueuedAt, d.GiveUpAt); err != nil {
		return id, fmt.Errorf("insert letter: %w", postgres.Translate(err))
	}
	return id, nil
}

// Letter is the record of a letter: all but its words.
type Letter struct {
	OptOutID  uuid.UUID     `db:"opt_out_id"`
	ID        uuid.UUID     `db:"id"`
	NHSNumber string        `db:"nhs_number"`
	Kind      letter.Kind   `db:"kind"`
	Format    letter.Format `db:"format"`
	// By is the way it goes, empty until that is chosen.
	By       post.Way    `db:"way"`
	State    LetterState `db:"state"`
	Failure  string      `db:"failure"`
	Attempts int         `db:"attempts"`
	QueuedAt time.Time   `db:"queued_at"`
	SentAt   *time.Time  `db:"sent_at"`
	// PostReference is the post's own name for it.
	PostReference string `db:"post_reference"`
}

const (
	letterColumns = `opt_out_id, id, nhs_number, kind, format, way, state, failure, attempts, queued_at, sent_at, post_reference`

	selectLetters = `SELECT ` + letterColumns + ` FROM letter WHERE opt_out_id = $1 ORDER BY queued_at, id`
	// A letter that was written before the person was matched is about the person who is matched now.
	selectLetter = `
SELECT l.opt_out_id, l.id, coalesce(nullif(l.nhs_number, ''), o.nhs_number, '') AS nhs_number, l.kind, l.format, l.way, l.state,
       l.failure, l.attempts, l.queued_at, l.sent_at, l.post_reference, l.content
FROM letter l LEFT JOIN opt_out o ON o.id = l.opt_out_id WHERE l.opt_out_id = $1 AND l.id = $2`
)

// Letters gives the letters about a request, oldest first.
func (s *Store) Letters(ctx context.Context, optOut uuid.UUID) ([]Letter, error) {
	var found []Letter
	if err := s.db.SelectContext(ctx, &found, selectLetters, optOut); err != nil {
		return nil, fmt.Errorf("list letters: %w", postgres.Translate(err))
	}
	return found, nil
}

// Letter gives one letter and its words; ErrNoLetter when the request has none with that id.
func (s *Store) Letter(ctx context.Context, optOut, id uuid.UUID) (Letter, letter.Content, error) {
	var row struct {
		Letter
		Content []byte `db:"content"`
	}
	err := s.db.GetContext(ctx, &row, selectLetter, optOut, id)
	if errors.Is(err, sql.ErrNoRows) {
		return Letter{}, letter.Content{}, ErrNoLetter
	}
	if err != nil {
		return Letter{}, letter.Content{}, fmt.Errorf("read letter: %w", postgres.Translate(err))
	}
	var content letter.Content
	if err := json.Unmarshal(row.Content, &content); err != nil {
		return Letter{}, letter.Content{}, fmt.Errorf("decode letter: %w", err)
	}
	return row.Letter, content, nil
}

// requeueLetter sends a letter again under its id. One that the post returned needs a new name there, or its
// first sending would be found. Whether the post has it is asked once more, unless it could not be asked any
// longer ($6): then a person has decided that it did not arrive.
const requeueLetter = `
UPDATE letter SET state = 'queued', failure = '', next_attempt_at = now(), give_up_at = $3,
       tried_at = CASE WHEN sent_at IS NULL AND failure <> $6 THEN tried_at END, sent_at = NULL, settled = false, claim = NULL, claimed_until = NULL, post_reference = '',
       post_id = CASE WHEN sent_at IS NULL THEN post_id ELSE $4 END
WHERE opt_out_id = $1 AND id = $2 AND state = 'failed' AND (kind <> $5 OR (code IS NOT NULL AND code_until > now()))`

// RetryLetter puts a letter that failed back into the queue. next is a new name for it at the post. Errors:
// ErrNoLetter; ErrLetterNotFailed.
func (s *Store) RetryLetter(ctx context.Context, tx *sqlx.Tx, optOut, id, next uuid.UUID, giveUpAt time.Time) error {
	var exists bool
	if err := tx.GetContext(ctx, &exists, `SELECT EXISTS (SELECT FROM letter WHERE opt_out_id = $1 AND id = $2)`, optOut, id); err != nil {
		return fmt.Errorf("find letter: %w", postgres.Translate(err))
	}
	if !exists {
		return ErrNoLetter
	}
	done, err := tx.ExecContext(ctx, requeueLetter, optOut, id, giveUpAt, next, string(letter.ConfirmationCode), post.ReasonUnknown)
	if err != nil {
		return fmt.Errorf("requeue letter: %w", postgres.Translate(err))
	}
	if n, err := done.RowsAffected(); err != nil || n == 0 {
		return errors.Join(ErrLetterNotFailed, err)
	}
	return nil
}
