package service

import (
	"context"

	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"
	"google.golang.org/protobuf/proto"

	"github.com/dorsetcarerecord/dcr/internal/accounting"
	"github.com/dorsetcarerecord/dcr/internal/idempotency"
	"github.com/dorsetcarerecord/dcr/internal/outbox"
	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
)

// mutate carries a change out once, however often it is asked for, and gives the answer only when
// audit-svc has the change's event (DESIGN section 4: a change is accounted for like a view).
//
// Work makes the change in the transaction, and may run again after a deadlock: so it makes its answer
// anew each time. Change, event and answer are committed together. When audit-svc cannot be reached the
// answer is AUDIT_UNAVAILABLE: the change is made, its event will be delivered, and the same request id
// asks for the answer again.
func mutate[A proto.Message](ctx context.Context, c *core, req accounting.Mutation, work func(*sqlx.Tx) (A, accounting.Change, error)) (A, error) {
	var none A
	key, err := accounting.Key(ctx, req)
	if err != nil {
		return none, err
	}
	if err := accounting.Check(req.GetEvent(), c.now()); err != nil {
		return none, err
	}
	var outcome idempotency.Outcome[A]
	err = c.store.InTx(ctx, func(tx *sqlx.Tx) error {
		outcome, err = idempotency.Once(ctx, tx, key, accounting.Same(req), func() (idempotency.Outcome[A], error) {
			return carryOut(ctx, c, tx, req.GetEvent(), work)
		})
		return err
	})
	if err != nil {
		return none, err
	}
	if err := c.outbox.Flush(ctx, outcome.Deliver...); err != nil {
		return none, accounting.Unaccounted(err)
	}
	return outcome.Answer, nil
}

// carryOut makes the change and writes its event beside it.
func carryOut[A proto.Message](ctx context.Context, c *core, tx *sqlx.Tx, ec *auditv1.EventContext, work func(*sqlx.Tx) (A, accounting.Change, error)) (idempotency.Outcome[A], error) {
	answer, did, err := work(tx)
	if err != nil {
		return idempotency.Outcome[A]{}, err
	}
	id, err := putEvent(ctx, tx, accounting.Complete(ec, did, c.now()))
	return idempotency.Outcome[A]{Answer: answer, Deliver: []uuid.UUID{id}}, err
}

// putEvent writes an event into the outbox, and gives the id of its message.
func putEvent(ctx context.Context, tx *sqlx.Tx, e *auditv1.Event) (uuid.UUID, error) {
	message, err := accounting.Message(e)
	if err != nil {
		return uuid.Nil, err
	}
	return message.ID, outbox.Put(ctx, tx, message)
}
