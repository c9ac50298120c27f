package sequencer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/metric"

	"github.com/dorsetcarerecord/dcr/internal/fault"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/sign"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/store"
	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

// Limits bound what a sequencer does. Zero values mean the defaults.
type Limits struct {
	Every      time.Duration `name:"sequence-every" env:"DCR_AUDIT_SEQUENCE_EVERY" default:"200ms" help:"Pause between two looks for events that have no place in the tree; none while there are more than a group."`
	Group      int           `name:"sequence-group" env:"DCR_AUDIT_SEQUENCE_GROUP" default:"4096" help:"Events that get their places in one transaction, at most."`
	Checkpoint time.Duration `name:"checkpoint-every" env:"DCR_AUDIT_CHECKPOINT_EVERY" default:"1s" help:"Least time between two signed checkpoints; none is signed while nothing happens."`
	Idle       time.Duration `name:"sequencer-idle" env:"DCR_AUDIT_SEQUENCER_IDLE" default:"5s" help:"How long the elected replica may be silent before the database elects another."`
	// Step is how long a round, a signature or a stretch of a sweep may take; 4 s when 0. A process that is being
	// stopped waits for the one that is under way.
	Step  time.Duration `kong:"-"`
	Sweep time.Duration `name:"sweep-every" env:"DCR_AUDIT_SWEEP_EVERY" default:"24h" help:"How often all events are looked through for one without a place in the tree; also after each election."`
}

const (
	defaultEvery      = 200 * time.Millisecond
	defaultGroup      = 4096
	defaultCheckpoint = time.Second
	defaultIdle       = 5 * time.Second
	defaultSweep      = 24 * time.Hour
	defaultStep       = 4 * time.Second
	// sweepStretch is how many events a sweep looks at between two rounds.
	sweepStretch = 5000
	// standAgain is the pause between two candidacies.
	standAgain = time.Second
)

func (l Limits) withDefaults() Limits {
	for d, otherwise := range map[*time.Duration]time.Duration{
		&l.Every: defaultEvery, &l.Checkpoint: defaultCheckpoint, &l.Idle: defaultIdle, &l.Sweep: defaultSweep, &l.Step: defaultStep,
	} {
		if *d <= 0 {
			*d = otherwise
		}
	}
	if l.Group <= 0 {
		l.Group = defaultGroup
	}
	return l
}

// Config is what a Sequencer needs.
type Config struct {
	Limits
	Log   *store.Store
	Keys  *sign.Keys
	Diary *slog.Logger
	Meter metric.Meter
	Now   func() time.Time
	// AnotherKey says that the newest checkpoint may be signed by none of Keys, since its key was lost.
	AnotherKey bool
	// Lock elects; store.SequencerLock when 0. Tests that force two sequencers at once give each its own.
	Lock int64
}

// Sequencer stands for election until it is stopped, and serves while it is elected.
type Sequencer struct {
	cfg     Config
	metrics metrics
	leads   atomic.Bool
	size    atomic.Int64
}

// New makes a Sequencer; Run runs it.
func New(cfg Config) (*Sequencer, error) {
	if cfg.Log == nil || cfg.Keys == nil || cfg.Diary == nil || cfg.Meter == nil || cfg.Now == nil {
		return nil, errors.New("make sequencer: Log, Keys, Diary, Meter and Now are needed")
	}
	cfg.Limits = cfg.withDefaults()
	if cfg.Idle < 4*cfg.Every {
		return nil, errors.New("make sequencer: DCR_AUDIT_SEQUENCER_IDLE must be at least four times DCR_AUDIT_SEQUENCE_EVERY, or every term ends by itself")
	}
	if cfg.Lock == 0 {
		cfg.Lock = store.SequencerLock
	}
	s := &Sequencer{cfg: cfg}
	s.size.Store(-1)
	var err error
	if s.metrics, err = newMetrics(cfg.Meter, s); err != nil {
		return nil, fmt.Errorf("make sequencer: %w", err)
	}
	return s, nil
}

// Leads tells whether this replica was elected, as far as it knows.
func (s *Sequencer) Leads() bool { return s.leads.Load() }

// Run stands for election, and serves its terms, until ctx ends. Errors end a term and nothing else: the
// tree stands still meanwhile, appends go on, and the lag shows it.
func (s *Sequencer) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := s.stand(ctx); err != nil && ctx.Err() == nil {
			s.metrics.failures.Add(ctx, 1)
			s.cfg.Diary.ErrorContext(ctx, "sequencing stopped; it is tried again", "cause", fault.Trail(err), "why", why(err))
		}
		pause(ctx, standAgain/2+rand.N(standAgain/2))
	}
	return nil
}

// stand is one candidacy, and the term that it won.
func (s *Sequencer) stand(ctx context.Context) error {
	lead, err := s.cfg.Log.Elect(ctx, s.cfg.Lock, s.cfg.Idle)
	if err != nil || lead == nil {
		return err
	}
	s.metrics.terms.Add(ctx, 1)
	err = s.serve(ctx, lead)
	s.leads.Store(false)
	if closed := lead.Close(); err == nil {
		err = closed
	}
	return err
}

// why is the text of errors that are ours, which a trail leaves out.
func why(err error) string {
	for _, known := range []error{store.ErrFenced, store.ErrOtherText, errEdge, errHistory, verify.ErrEdge} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	return ""
}

func (s *Sequencer) serve(ctx context.Context, lead *store.Lead) error {
	t, err := s.begin(ctx, lead)
	if err != nil {
		return fmt.Errorf("begin term: %w", err)
	}
	s.leads.Store(true)
	s.cfg.Diary.InfoContext(ctx, "elected to sequence", "tree_size", t.head.Size)
	err = t.run(ctx)
	if errors.Is(err, store.ErrFenced) {
		s.metrics.fenced.Add(ctx, 1)
	}
	return err
}

// pause waits for d or for the end of ctx.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
