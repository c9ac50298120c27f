package outbox

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/dorsetcarerecord/dcr/internal/fault"
)

// Reasons of Flush's faults.
const (
	ReasonUndelivered = "NOT_YET_DELIVERED" // the change is made, its message is not yet delivered: ask again
	ReasonParked      = "MESSAGE_REFUSED"   // the receiver refused the message for good
)

const (
	firstPause = 5 * time.Millisecond
	maxPause   = 250 * time.Millisecond
	// comeBack is told to a caller whose message could not be delivered in time.
	comeBack = time.Second
)

// Flush delivers these messages now, in the caller's goroutine, and the earlier ones of their keys first.
// It returns nil once none of them is left, whoever delivered it; ids that are unknown count as delivered.
// A failing receiver is tried again until the context or FlushLimit ends. Then the answer is
// Unavailable, ReasonUndelivered: the change is committed and the worker goes on delivering, so the caller
// of the mutation may ask again with the same request id. No transaction may be open.
func (d *Dispatcher) Flush(ctx context.Context, ids ...uuid.UUID) error {
	if len(ids) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, d.cfg.FlushLimit)
	defer cancel()
	pause, last := firstPause, error(nil)
	for {
		done, progress, err := d.flushOnce(ctx, ids)
		if done {
			return err
		}
		if err != nil {
			last = err
		}
		if progress {
			pause = firstPause
			continue
		}
		select {
		case <-ctx.Done():
			return undelivered(errors.Join(last, context.Cause(ctx)))
		case <-time.After(pause):
			pause = min(2*pause, maxPause)
		}
	}
}

// flushOnce makes one round: done when the outcome is certain, progress when something was delivered.
func (d *Dispatcher) flushOnce(ctx context.Context, ids []uuid.UUID) (done, progress bool, err error) {
	rows, err := d.claim(ctx, claimFor, uuidArray(ids))
	if err != nil {
		return false, false, err
	}
	var errs []error
	for _, r := range rows {
		if err := d.deliver(ctx, r); err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) > 0 && len(errs) == len(rows) {
		err = errors.Join(errs...)
	}
	var left struct{ Waiting, Parked int }
	if asked := d.stmts.Get(ctx, nil, &left, stateOf, uuidArray(ids)); asked != nil {
		return false, false, errors.Join(err, fmt.Errorf("look for messages: %w", asked))
	}
	switch {
	case left.Waiting == 0:
		return true, true, nil
	case left.Parked > 0:
		return true, false, fault.Unavailable(ReasonParked, "The change was made, but another part of the system refused to take note of it.").Because(errors.Join(errs...))
	}
	return false, len(errs) < len(rows), err
}

func undelivered(cause error) error {
	return fault.Unavailable(ReasonUndelivered, "The change was made but is not yet confirmed everywhere. Ask again with the same request id.").After(comeBack).Because(cause)
}
