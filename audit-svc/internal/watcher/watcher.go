// Package watcher takes every event of the log once, in the order of the tree, lets the rules judge it, and
// writes what they find as cases. The tree is gap-free and only grows, so following it misses no event,
// however late one commits; a watermark of ids or times would.
//
// Findings and how far was watched commit together: a watcher that dies at any instant leaves neither a missed
// nor a doubled finding. Any number of replicas may run; the database lets one of them watch at a time, and
// the keys of what is written are a fence against one that only believes that it is its turn.
package watcher

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"
	"go.opentelemetry.io/otel/metric"

	"github.com/dorsetcarerecord/dcr/internal/failpoint"
	"github.com/dorsetcarerecord/dcr/internal/fault"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/store"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/watch"
)

const (
	// usualLeaves are judged in one transaction at most.
	usualLeaves = 500
	// passLimit bounds one pass, so that a database that hangs is asked again.
	passLimit = 30 * time.Second
	// lookEvery is the pause between two counts of days and cases, which cost more than a look for leaves.
	lookEvery = 15 * time.Second
	// longestPause is between passes that fail.
	longestPause = 30 * time.Second
)

// Config is what a Watcher needs.
type Config struct {
	// Cases is where leaves are read and findings go.
	Cases *store.Cases
	// Rules that judge.
	Rules *watch.Rules
	// Log gets no person's data.
	Log *slog.Logger
	// Meter takes metrics, none of which can carry a person's data.
	Meter metric.Meter
	// Now is the clock, and NewID makes UUIDv7s by it.
	Now   func() time.Time
	NewID func() (uuid.UUID, error)
	// Every is the pause between passes when there is nothing to do; a second when 0.
	Every time.Duration
	// Leaves are judged in one transaction at most; 500 when 0.
	Leaves int
}

// Watcher judges the log while Run runs.
type Watcher struct {
	cfg     Config
	metrics *metrics
	looked  time.Time // when days and cases were last counted; Run's own
}

// New makes a Watcher.
func New(cfg Config) (*Watcher, error) {
	if cfg.Cases == nil || cfg.Rules == nil || cfg.Log == nil || cfg.Meter == nil || cfg.Now == nil || cfg.NewID == nil {
		return nil, errors.New("make watcher: everything but Every and Leaves is needed")
	}
	if cfg.Every <= 0 {
		cfg.Every = time.Second
	}
	if cfg.Leaves <= 0 {
		cfg.Leaves = usualLeaves
	}
	m, err := newMetrics(cfg.Meter)
	if err != nil {
		return nil, fmt.Errorf("make watcher: %w", err)
	}
	return &Watcher{cfg: cfg, metrics: m}, nil
}

// Run watches until ctx ends. What fails is tried again, after pauses that grow.
func (w *Watcher) Run(ctx context.Context) error {
	pause := w.cfg.Every
	for {
		more, err := w.pass(ctx)
		switch {
		case err != nil && ctx.Err() == nil:
			w.cfg.Log.WarnContext(ctx, "the log could not be watched; trying again", "cause", fault.Trail(err))
			pause = min(2*pause, longestPause)
		case more:
			pause = 0
		default:
			pause = w.cfg.Every
		}
		if !wait(ctx, pause) {
			return nil
		}
		pause = max(pause, w.cfg.Every)
	}
}

func wait(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// pass judges one run, counts days that are over, and measures; more is true when there is more to judge.
func (w *Watcher) pass(ctx context.Context) (more bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, passLimit)
	defer cancel()
	judged, err := w.Judge(ctx)
	if err != nil {
		return false, err
	}
	if err := w.measureLag(ctx); err != nil || judged == w.cfg.Leaves {
		return err == nil, err
	}
	now := w.cfg.Now()
	if now.Before(w.looked.Add(lookEvery)) {
		return false, nil
	}
	w.looked = now
	return false, errors.Join(w.CountDays(ctx), w.measureCases(ctx))
}

// Judge judges the next run of leaves, and gives their number: 0 when there is none, or another replica is
// judging. Everything of it is committed, or nothing.
func (w *Watcher) Judge(ctx context.Context) (int, error) {
	var d *docket
	err := w.cfg.Cases.InTx(ctx, func(tx *sqlx.Tx) error {
		d = &docket{Watcher: w, tx: tx}
		mine, err := w.cfg.Cases.LockWatch(ctx, tx)
		if err != nil || !mine {
			return err
		}
		if err := d.read(ctx); err != nil || len(d.run) == 0 {
			return err
		}
		failpoint.Hit("audit.watch.read")
		if err := d.judge(ctx); err != nil {
			return err
		}
		failpoint.Hit("audit.watch.judged")
		next := d.from + int64(len(d.run))
		if err := w.cfg.Cases.AddRun(ctx, tx, d.from, next, w.cfg.Rules.Version(), w.cfg.Now()); err != nil {
			return err
		}
		failpoint.Hit("audit.watch.before_commit")
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("judge events: %w", err)
	}
	failpoint.Hit("audit.watch.after_commit")
	w.metrics.count(ctx, d)
	return len(d.run), nil
}
