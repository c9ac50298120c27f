package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"

	"github.com/dorsetcarerecord/dcr/internal/postgres"
)

// Handler delivers one message: it calls the other service and returns nil once that has it for good. A
// *RefusalError anywhere in the error parks the message; any other error is tried again, without end. The
// context carries a deadline.
type Handler func(ctx context.Context, m Message) error

// Config is what a Dispatcher works with. DB, Handlers and Log are needed; zero durations and numbers mean
// the defaults that are named.
type Config struct {
	DB       *sqlx.DB
	Handlers map[string]Handler // by topic; messages of other topics wait, and show in the metrics
	Log      *slog.Logger
	Meter    metric.MeterProvider // nil: no metrics

	Poll           time.Duration // how often the worker looks by itself: 1 s
	Lease          time.Duration // how long a claim lasts: 30 s
	HandlerTimeout time.Duration // of one delivery, shorter than Lease: 10 s
	FirstBackoff   time.Duration // before the second attempt; doubles: 250 ms
	MaxBackoff     time.Duration // at most between attempts: 30 s
	FlushLimit     time.Duration // how long Flush tries before it reports failure: 1.5 s
	Concurrency    int           // deliveries at once by the worker: 8
}

// withDefaults fills in what was left out.
func (c Config) withDefaults() Config {
	setDefault(&c.Poll, time.Second)
	setDefault(&c.Lease, 30*time.Second)
	setDefault(&c.HandlerTimeout, 10*time.Second)
	setDefault(&c.FirstBackoff, 250*time.Millisecond)
	setDefault(&c.MaxBackoff, 30*time.Second)
	setDefault(&c.FlushLimit, 1500*time.Millisecond)
	setDefault(&c.Concurrency, 8)
	if c.Meter == nil {
		c.Meter = noop.NewMeterProvider()
	}
	return c
}

func setDefault[T time.Duration | int](value *T, instead T) {
	if *value <= 0 {
		*value = instead
	}
}

// check refuses what could lose order: a delivery that outlasts its claim.
func (c Config) check() error {
	switch {
	case c.DB == nil || c.Log == nil || len(c.Handlers) == 0:
		return errors.New("outbox: DB, Log and Handlers are needed")
	case c.HandlerTimeout >= c.Lease:
		return fmt.Errorf("outbox: a delivery may take %v, which must be less than the lease of %v", c.HandlerTimeout, c.Lease)
	}
	return nil
}

// backoff is the pause after a failed attempt: doubling, capped, and shortened by up to half at random, so
// that messages which failed together do not come back together.
func (c Config) backoff(attempt int) time.Duration {
	pause := c.MaxBackoff
	if doublings := attempt - 1; doublings < 30 && c.FirstBackoff<<doublings < c.MaxBackoff {
		pause = c.FirstBackoff << max(doublings, 0)
	}
	return pause/2 + rand.N(pause/2+1)
}

// Dispatcher delivers a service's messages. One per process.
type Dispatcher struct {
	cfg    Config
	topics []string
	stmts  *postgres.Statements
	wake   chan struct{}
	meters meters
}

// New prepares a dispatcher. It delivers nothing until Run or Flush. Close it after both have returned.
func New(ctx context.Context, cfg Config) (*Dispatcher, error) {
	cfg = cfg.withDefaults()
	if err := cfg.check(); err != nil {
		return nil, err
	}
	d := &Dispatcher{cfg: cfg, wake: make(chan struct{}, 1)}
	for topic := range cfg.Handlers {
		d.topics = append(d.topics, topic)
	}
	slices.Sort(d.topics)
	var err error
	if d.stmts, err = postgres.Prepare(ctx, cfg.DB, claimDue, claimFor, stateOf, deleteMessage, postpone, park, countByTopic); err != nil {
		return nil, fmt.Errorf("outbox: %w", err)
	}
	if d.meters, err = d.newMeters(cfg.Meter); err != nil {
		return nil, errors.Join(fmt.Errorf("outbox: %w", err), d.Close())
	}
	return d, nil
}

// Close ends the metrics and gives the prepared statements up.
func (d *Dispatcher) Close() error {
	var unregister error
	if d.meters.registration != nil {
		unregister = d.meters.registration.Unregister()
	}
	return errors.Join(unregister, d.stmts.Close())
}
