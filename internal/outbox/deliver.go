package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/dorsetcarerecord/dcr/internal/fault"
)

// recording bounds the statement that records how a delivery ended.
const recording = 3 * time.Second

// deliver hands one claimed message to its handler and records the outcome. The error is the handler's, or
// that of recording it; either way the message stays until a delivery of it is recorded.
func (d *Dispatcher) deliver(ctx context.Context, r row) error {
	err := d.handle(ctx, r)
	// A caller that is gone, or a stop, does not undo a delivery: recording it saves a second one.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recording)
	defer cancel()
	var refusal *RefusalError
	switch {
	case err == nil:
		d.meters.delivered(ctx, r.Topic, "delivered")
		if _, err := d.stmts.Exec(ctx, nil, deleteMessage, r.Key, r.Turn, r.claim); err != nil {
			return fmt.Errorf("delete message: %w", err)
		}
		return nil
	case errors.As(err, &refusal):
		return errors.Join(err, d.park(ctx, r, refusal))
	default:
		return errors.Join(err, d.postpone(ctx, r, err))
	}
}

// handle calls the handler and turns its panic into an error, so that one message cannot stop the rest.
func (d *Dispatcher) handle(ctx context.Context, r row) (err error) {
	ctx, cancel := context.WithTimeout(ctx, d.cfg.HandlerTimeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("handler of topic %s panicked (%T)", r.Topic, p) // its text could be personal
		}
	}()
	return d.cfg.Handlers[r.Topic](ctx, r.message())
}

// postpone schedules another attempt.
func (d *Dispatcher) postpone(ctx context.Context, r row, cause error) error {
	d.meters.delivered(ctx, r.Topic, "failed")
	d.cfg.Log.WarnContext(ctx, "message could not be delivered and will be tried again",
		slog.String("message_id", r.ID.String()), slog.String("topic", r.Topic), slog.Int("attempt", r.Attempts),
		slog.String("cause", fault.Trail(cause)))
	if _, err := d.stmts.Exec(ctx, nil, postpone, r.Key, r.Turn, r.claim, d.cfg.backoff(r.Attempts).Seconds()); err != nil {
		return fmt.Errorf("postpone message: %w", err)
	}
	return nil
}

// park puts a message aside that its receiver refused for good.
func (d *Dispatcher) park(ctx context.Context, r row, refusal *RefusalError) error {
	d.meters.delivered(ctx, r.Topic, "refused")
	d.cfg.Log.ErrorContext(ctx, "message was refused for good and parked: an operator must decide",
		slog.String("message_id", r.ID.String()), slog.String("topic", r.Topic), slog.String("reason", refusal.Reason),
		slog.Bool("holds_later_ones", refusal.Hold), slog.String("cause", fault.Trail(refusal)))
	if _, err := d.stmts.Exec(ctx, nil, park, r.Key, r.Turn, r.claim, refusal.Reason, refusal.Hold); err != nil {
		return fmt.Errorf("park message: %w", err)
	}
	return nil
}
