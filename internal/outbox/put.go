package outbox

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// Message is something to tell another service.
type Message struct {
	ID      uuid.UUID // stays the same over all attempts; unique within its key
	Topic   string    // picks the handler
	Key     string    // whom or what it is about; messages of one key are delivered in order
	Payload []byte    // opaque: a serialised protobuf message

	// Attempt counts deliveries, this one included, and CreatedAt is when it was put. Both are set for
	// handlers and ignored by Put.
	Attempt   int
	CreatedAt time.Time
}

// lockKeys makes transactions that put messages of one key take turns. Sorted, so that two that put
// several keys cannot wait for each other in a circle. The lock's name carries the schema, since other
// services' outboxes share the database.
const lockKeys = `
SELECT count(pg_advisory_xact_lock(lock)) FROM (
  SELECT DISTINCT hashtextextended(current_schema() || '.outbox.' || key, 0) AS lock
  FROM unnest($1::text[]) AS key ORDER BY 1) AS locks`

// insertMessages must be a statement of its own after lockKeys: only then does it see the turns that the
// previous holder of the lock has committed.
const insertMessages = `
INSERT INTO outbox (key, turn, id, topic, payload)
SELECT m.key,
       coalesce((SELECT max(turn) FROM outbox o WHERE o.key = m.key), 0) + row_number() OVER (PARTITION BY m.key ORDER BY m.place),
       m.id, m.topic, m.payload
FROM unnest($1::text[], $2::uuid[], $3::text[], $4::bytea[]) WITH ORDINALITY AS m (key, id, topic, payload, place)`

// Put writes messages in the caller's transaction, in the given order. They exist for dispatchers once it
// commits; then call Dispatcher.Flush for those that an answer depends on, and Dispatcher.Wake for others.
// Two transactions that put messages of one key wait for each other until the first one ends.
func Put(ctx context.Context, tx *sqlx.Tx, messages ...Message) error {
	if len(messages) == 0 {
		return nil
	}
	keys, ids, topics := make([]string, len(messages)), make([]string, len(messages)), make([]string, len(messages))
	payloads := make(pq.ByteaArray, len(messages))
	for i, m := range messages {
		if m.ID == uuid.Nil || m.Topic == "" || m.Key == "" {
			return errors.New("put message: ID, Topic and Key are all needed")
		}
		keys[i], ids[i], topics[i], payloads[i] = m.Key, m.ID.String(), m.Topic, m.Payload
		if m.Payload == nil {
			payloads[i] = []byte{} // an empty protobuf message, not an unknown one
		}
	}
	var locked int
	if err := tx.GetContext(ctx, &locked, lockKeys, pq.StringArray(keys)); err != nil {
		return fmt.Errorf("lock keys: %w", err)
	}
	if _, err := tx.ExecContext(ctx, insertMessages, pq.StringArray(keys), pq.StringArray(ids), pq.StringArray(topics), payloads); err != nil {
		return fmt.Errorf("put message: %w", err)
	}
	return nil
}
