package idempotency

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"google.golang.org/protobuf/proto"

	"github.com/dorsetcarerecord/dcr/internal/fault"
)

// Key names a request. The same id of another caller, or for another method, is another request.
type Key struct {
	// Caller is who asks. Behind the gateway its certificate name is not enough: add the staff member or
	// the partner, or one could fetch the answer to another's request.
	Caller    string
	Method    string // full gRPC method, such as /dcr.optout.v1.WriteService/RegisterOptOut
	RequestID uuid.UUID
}

// Outcome is what a change led to.
type Outcome[A proto.Message] struct {
	// Answer is the response. It is remembered as it is serialised, and given again in the same bytes.
	Answer A
	// Deliver are the outbox messages that must have been delivered before the answer may leave. A
	// repeated request waits for those of the first one, which may be why its caller got no answer.
	Deliver []uuid.UUID
	// Replayed tells that the change was made by an earlier request. Set by Once.
	Replayed bool
}

// insertRequest takes the lock: an insert of the same key waits for a transaction that has one under way,
// and then either finds it or, when that was rolled back, goes ahead.
const insertRequest = `
INSERT INTO request (request_id, caller, method, request_hash) VALUES ($1, $2, $3, $4)
ON CONFLICT (request_id, caller, method) DO NOTHING`

const selectRequest = `
SELECT request_hash, answer, deliver FROM request WHERE request_id = $1 AND caller = $2 AND method = $3`

const updateRequest = `
UPDATE request SET answer = $4, deliver = $5 WHERE request_id = $1 AND caller = $2 AND method = $3`

// Once runs change unless the same request was carried out before, and then gives that one's outcome. It
// works in the caller's (read-committed) transaction, in which change makes its changes; two calls with one
// key take turns. An error of change is returned as it is: roll back, and nothing is remembered.
//
// The input is what makes two requests the same: the request without what differs between attempts, such
// as its event context. Another input under the same key is Conflict, ReasonReused.
func Once[A proto.Message](ctx context.Context, tx *sqlx.Tx, key Key, input proto.Message, change func() (Outcome[A], error)) (Outcome[A], error) {
	if key.Caller == "" || key.Method == "" || key.RequestID == uuid.Nil {
		return Outcome[A]{}, errors.New("remember request: Caller, Method and RequestID are all needed")
	}
	hash, err := digest(input)
	if err != nil {
		return Outcome[A]{}, err
	}
	first, err := remember(ctx, tx, key, hash)
	if err != nil {
		return Outcome[A]{}, err
	}
	if !first {
		return recall[A](ctx, tx, key, hash)
	}
	outcome, err := change()
	if err != nil {
		return Outcome[A]{}, err
	}
	if err := complete(ctx, tx, key, outcome.Answer, outcome.Deliver); err != nil {
		return Outcome[A]{}, err
	}
	outcome.Replayed = false
	return outcome, nil
}

// digest is the hash of a request: of its type and its deterministic bytes.
func digest(input proto.Message) ([]byte, error) {
	bytes, err := serialise(input)
	if err != nil {
		return nil, fmt.Errorf("serialise request: %w", err)
	}
	h := sha256.New()
	h.Write([]byte(input.ProtoReflect().Descriptor().FullName()))
	h.Write([]byte{0})
	h.Write(bytes)
	return h.Sum(nil), nil
}

func serialise(m proto.Message) ([]byte, error) {
	return proto.MarshalOptions{Deterministic: true}.Marshal(m)
}

// remember notes that the request is under way; first is false when it was carried out before.
func remember(ctx context.Context, tx *sqlx.Tx, key Key, hash []byte) (first bool, err error) {
	result, err := tx.ExecContext(ctx, insertRequest, key.RequestID, key.Caller, key.Method, hash)
	if err != nil {
		return false, fmt.Errorf("remember request: %w", err)
	}
	inserted, err := result.RowsAffected()
	if err != nil {
		return false, fmt.Errorf("remember request: %w", err)
	}
	return inserted == 1, nil
}

// complete notes the answer. It is never empty in the table, so that one is told from the other.
func complete(ctx context.Context, tx *sqlx.Tx, key Key, answer proto.Message, deliver []uuid.UUID) error {
	bytes, err := serialise(answer)
	if err != nil {
		return fmt.Errorf("serialise answer: %w", err)
	}
	if bytes == nil {
		bytes = []byte{} // an empty answer is an answer
	}
	ids := make(pq.StringArray, len(deliver))
	for i, id := range deliver {
		ids[i] = id.String()
	}
	if _, err := tx.ExecContext(ctx, updateRequest, key.RequestID, key.Caller, key.Method, bytes, ids); err != nil {
		return fmt.Errorf("remember answer: %w", err)
	}
	return nil
}

// recall gives the outcome of the first request.
func recall[A proto.Message](ctx context.Context, tx *sqlx.Tx, key Key, hash []byte) (Outcome[A], error) {
	var kept struct {
		Hash    []byte         `db:"request_hash"`
		Answer  []byte         `db:"answer"`
		Deliver pq.StringArray `db:"deliver"`
	}
	if err := tx.GetContext(ctx, &kept, selectRequest, key.RequestID, key.Caller, key.Method); err != nil {
		return Outcome[A]{}, fmt.Errorf("recall request: %w", err)
	}
	if subtle.ConstantTimeCompare(kept.Hash, hash) != 1 {
		return Outcome[A]{}, fault.Conflict(ReasonReused, "This request id was used for another request. Take a new one.").With("field", field)
	}
	if kept.Answer == nil {
		return Outcome[A]{}, errors.New("recall request: a change was committed without its answer")
	}
	var none A
	answer, ok := none.ProtoReflect().New().Interface().(A)
	if !ok {
		return Outcome[A]{}, fmt.Errorf("recall request: %T is no generated message", none)
	}
	if err := proto.Unmarshal(kept.Answer, answer); err != nil {
		return Outcome[A]{}, fmt.Errorf("recall answer: %w", err)
	}
	deliver := make([]uuid.UUID, len(kept.Deliver))
	for i, text := range kept.Deliver {
		id, err := uuid.Parse(text)
		if err != nil {
			return Outcome[A]{}, fmt.Errorf("recall messages: %w", err)
		}
		deliver[i] = id
	}
	return Outcome[A]{Answer: answer, Deliver: deliver, Replayed: true}, nil
}
