package sequencer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/metric"

	"github.com/dorsetcarerecord/dcr/internal/fault"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/store"
)

const (
	// lagEvery is the pause between two looks at the lag.
	lagEvery = 5 * time.Second
	// lagLoud is the lag from which the log says so too, in seconds: a receipt is late then.
	lagLoud = 60
)

// Lag watches for how long events wait for their place. Every replica does, elected or not: that nobody
// sequences must be seen when nobody does.
type Lag struct {
	log     *store.Store
	diary   *slog.Logger
	seconds atomic.Uint64 // the bits of a float64
}

// NewLag makes a Lag; Run runs it.
func NewLag(log *store.Store, diary *slog.Logger, meter metric.Meter) (*Lag, error) {
	if log == nil || diary == nil || meter == nil {
		return nil, errors.New("make lag watch: a store, a diary and a meter are needed")
	}
	l := &Lag{log: log, diary: diary}
	l.seconds.Store(math.Float64bits(-1))
	_, err := meter.Float64ObservableGauge("dcr.audit.sequencer.lag", metric.WithUnit("s"),
		metric.WithDescription("For how long the oldest event has waited for its place in the tree; -1 means not known."),
		metric.WithFloat64Callback(func(_ context.Context, o metric.Float64Observer) error {
			o.Observe(math.Float64frombits(l.seconds.Load()))
			return nil
		}))
	if err != nil {
		return nil, fmt.Errorf("make lag watch: %w", err)
	}
	return l, nil
}

// Run looks at once and then every five seconds until ctx ends.
func (l *Lag) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		l.look(ctx)
		pause(ctx, lagEvery)
	}
	return nil
}

func (l *Lag) look(ctx context.Context) {
	seconds, err := l.log.Lag(ctx)
	switch {
	case err != nil && ctx.Err() == nil:
		l.seconds.Store(math.Float64bits(-1))
		l.diary.WarnContext(ctx, "the lag of the tree could not be read", "cause", fault.Trail(err))
	case err == nil:
		l.seconds.Store(math.Float64bits(seconds))
		if seconds > lagLoud {
			l.diary.ErrorContext(ctx, "events wait for their place in the tree: is a replica elected to sequence?", "seconds", int64(seconds))
		}
	}
}
