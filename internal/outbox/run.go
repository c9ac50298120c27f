package outbox

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/dorsetcarerecord/dcr/internal/fault"
)

// Wake tells the worker that there is something to deliver, after the commit of a Put. A hint only: the
// worker also looks by itself.
func (d *Dispatcher) Wake() {
	select {
	case d.wake <- struct{}{}:
	default: // it has been told already
	}
}

// Run delivers messages until the context ends, then lets the deliveries under way finish, each within
// HandlerTimeout, and returns nil. It never gives up: trouble with the database is logged and waited out.
func (d *Dispatcher) Run(ctx context.Context) error {
	ticker := time.NewTicker(d.cfg.Poll)
	defer ticker.Stop()
	for {
		for d.sweep(ctx) {
		}
		select {
		case <-ctx.Done():
			return nil
		case <-d.wake:
		case <-ticker.C:
		}
	}
}

// sweep claims and delivers one batch, and tells whether there may be more.
func (d *Dispatcher) sweep(ctx context.Context) bool {
	if ctx.Err() != nil {
		return false
	}
	rows, err := d.claim(ctx, claimDue, d.cfg.Concurrency)
	if err != nil {
		if ctx.Err() == nil {
			d.cfg.Log.ErrorContext(ctx, "outbox cannot be read", slog.String("cause", fault.Trail(err)))
		}
		return false
	}
	var deliveries sync.WaitGroup
	for _, r := range rows {
		deliveries.Go(func() {
			// Stopping lets a delivery finish: cut off, it would have to be made again. Its error is
			// logged and recorded where it happened.
			_ = d.deliver(context.WithoutCancel(ctx), r)
		})
	}
	deliveries.Wait()
	return len(rows) > 0
}
