package outbox

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/lib/pq"
)

// isHead is true of a message h that nothing earlier of its key stands in front of. An earlier one can be
// gone by now although this statement still sees it, which only delays; none can appear, since Put numbers
// in the order of commits.
const isHead = `
  NOT EXISTS (SELECT FROM outbox e WHERE e.key = h.key AND e.turn < h.turn AND (e.parked_at IS NULL OR e.holds))`

// claimed is what a claim returns.
const claimed = `RETURNING o.key, o.turn, o.id, o.topic, o.payload, o.attempts, o.created_at`

// claimDue claims up to $3 messages that are due, one per key. SKIP LOCKED lets replicas pass each other;
// the row is looked at again once locked, so that a claim made meanwhile counts.
const claimDue = `
UPDATE outbox o
SET claim = $1, claimed_until = now() + $2::float8 * interval '1 second', attempts = o.attempts + 1,
    next_attempt_at = now() + $2::float8 * interval '1 second'
FROM (
  SELECT h.key, h.turn FROM outbox h
  WHERE h.parked_at IS NULL AND h.next_attempt_at <= now() AND h.topic = ANY ($4::text[])
    AND (h.claimed_until IS NULL OR h.claimed_until <= now()) AND` + isHead + `
  ORDER BY h.next_attempt_at LIMIT $3
  FOR UPDATE OF h SKIP LOCKED) c
WHERE o.key = c.key AND o.turn = c.turn
` + claimed

// claimFor claims the heads of the keys of the messages $3, as far as these still wait; a backoff is not
// waited for, another's claim is.
const claimFor = `
UPDATE outbox o
SET claim = $1, claimed_until = now() + $2::float8 * interval '1 second', attempts = o.attempts + 1,
    next_attempt_at = now() + $2::float8 * interval '1 second'
FROM (
  SELECT h.key, h.turn FROM outbox h
  JOIN (SELECT w.key, max(w.turn) AS turn FROM outbox w WHERE w.id = ANY ($3::uuid[]) AND w.parked_at IS NULL GROUP BY w.key) w
    ON w.key = h.key AND h.turn <= w.turn
  WHERE h.parked_at IS NULL AND h.topic = ANY ($4::text[])
    AND (h.claimed_until IS NULL OR h.claimed_until <= now()) AND` + isHead + `
  FOR UPDATE OF h SKIP LOCKED) c
WHERE o.key = c.key AND o.turn = c.turn
` + claimed

// stateOf counts what is left of the messages $1: all, and the parked ones among them.
const stateOf = `
SELECT count(*) AS waiting, count(parked_at) AS parked FROM outbox WHERE id = ANY ($1::uuid[])`

// The three ends of a delivery. Each concerns only the claim under which it was made: one that expired is
// somebody else's now.
const (
	deleteMessage = `DELETE FROM outbox WHERE key = $1 AND turn = $2 AND claim = $3`
	postpone      = `
UPDATE outbox SET claim = NULL, claimed_until = NULL, next_attempt_at = now() + $4::float8 * interval '1 second'
WHERE key = $1 AND turn = $2 AND claim = $3`
	park = `
UPDATE outbox SET claim = NULL, claimed_until = NULL, parked_at = now(), parked_reason = $4, holds = $5
WHERE key = $1 AND turn = $2 AND claim = $3`
)

// row is a claimed message.
type row struct {
	Key       string    `db:"key"`
	Turn      int64     `db:"turn"`
	ID        uuid.UUID `db:"id"`
	Topic     string    `db:"topic"`
	Payload   []byte    `db:"payload"`
	Attempts  int       `db:"attempts"`
	CreatedAt time.Time `db:"created_at"`

	claim uuid.UUID
}

func (r row) message() Message {
	return Message{ID: r.ID, Topic: r.Topic, Key: r.Key, Payload: r.Payload, Attempt: r.Attempts, CreatedAt: r.CreatedAt}
}

// claim runs one of the two claiming statements; third is its $3.
func (d *Dispatcher) claim(ctx context.Context, text string, third any) ([]row, error) {
	token, err := uuid.NewRandom()
	if err != nil {
		return nil, fmt.Errorf("claim messages: %w", err)
	}
	var rows []row
	err = d.stmts.Select(ctx, nil, &rows, text, token, d.cfg.Lease.Seconds(), third, pq.StringArray(d.topics))
	if err != nil {
		return nil, fmt.Errorf("claim messages: %w", err)
	}
	for i := range rows {
		rows[i].claim = token
	}
	return rows, nil
}

// uuidArray is a list of ids as a parameter.
func uuidArray(ids []uuid.UUID) pq.StringArray {
	texts := make(pq.StringArray, len(ids))
	for i, id := range ids {
		texts[i] = id.String()
	}
	return texts
}
