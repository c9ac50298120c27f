package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/metric"

	"github.com/dorsetcarerecord/dcr/internal/fault"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/event"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/store"
)

// lookEvery is the pause between two looks at the partitions. An hour leaves some two thousand warnings
// between "few" and "none".
const lookEvery = time.Hour

// roomWatch looks for how many months there is room in the log. When few are left it is loud, in the log
// and by a metric; readiness fails only when there is no room now, since to stop serving earlier would do
// the harm that the warning is to avert.
type roomWatch struct {
	log   *store.Store
	diary *slog.Logger
	ahead atomic.Int64
}

func newRoomWatch(log *store.Store, diary *slog.Logger, meter metric.Meter) (*roomWatch, error) {
	w := &roomWatch{log: log, diary: diary}
	w.ahead.Store(-1)
	_, err := meter.Int64ObservableGauge("dcr.audit.partitions.months_ahead", metric.WithUnit("{month}"),
		metric.WithDescription("Coming months that have a partition; below 3 needs an operator (audit-svc maintain), -1 means not known."),
		metric.WithInt64Callback(func(_ context.Context, o metric.Int64Observer) error {
			o.Observe(w.ahead.Load())
			return nil
		}))
	if err != nil {
		return nil, fmt.Errorf("make partition watch: %w", err)
	}
	return w, nil
}

// run looks at once and then every hour until ctx ends.
func (w *roomWatch) run(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		w.look(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (w *roomWatch) look(ctx context.Context) {
	room, err := w.log.Room(ctx, clock())
	switch {
	case err != nil && ctx.Err() == nil:
		w.ahead.Store(-1)
		w.diary.WarnContext(ctx, "partitions could not be counted", "cause", fault.Trail(err))
	case err == nil:
		w.ahead.Store(int64(room.Ahead))
		w.warn(ctx, room)
	}
}

func (w *roomWatch) warn(ctx context.Context, room store.Room) {
	if room.Now && room.Ahead >= store.FewMonths {
		return
	}
	w.diary.ErrorContext(ctx, "few months have a partition: run audit-svc maintain, or every record closes when they are over",
		"room_now", room.Now, "months_ahead", room.Ahead)
}

var errNoRoom = errors.New("there is no partition for the present month: run audit-svc maintain")

// check is the readiness: there is room now, and for ids whose clock is ahead of ours.
func (w *roomWatch) check(ctx context.Context) error {
	room, err := w.log.Room(ctx, clock().Add(event.MaxSkew))
	if err != nil {
		return err
	}
	if !room.Now {
		return errNoRoom
	}
	return nil
}
