package service

import (
	"context"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/dorsetcarerecord/dcr/internal/fault"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/policy"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/request"
)

const (
	expireEvery = 10 * time.Minute
	expireBatch = 100
)

// Expiry closes requests of the public form that nobody ever confirmed, and forgets what they said.
type Expiry struct {
	core *core
	log  *slog.Logger
}

// Expiry is the worker that does so.
func (s *Service) Expiry(log *slog.Logger) *Expiry { return &Expiry{core: s.core, log: log} }

// Run works until ctx ends. What fails is logged and done the next time.
func (e *Expiry) Run(ctx context.Context) error {
	ticks := time.NewTicker(expireEvery)
	defer ticks.Stop()
	for {
		if err := e.Once(ctx); err != nil && ctx.Err() == nil {
			e.log.WarnContext(ctx, "old requests could not be closed", "cause", fault.Trail(err))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticks.C:
		}
	}
}

// Once closes all that are due now.
func (e *Expiry) Once(ctx context.Context) error {
	c := e.core
	before := c.deadlines().OverBefore(c.now(), c.policy.Limits().UnconfirmedDays)
	for {
		ids, err := c.store.Unconfirmed(ctx, before, expireBatch)
		if err != nil {
			return err
		}
		for _, id := range ids {
			if err := c.expire(ctx, id); err != nil {
				return err
			}
		}
		if len(ids) < expireBatch {
			return c.store.ForgetTries(ctx, c.moment().Add(-triesPeriod))
		}
	}
}

// expire closes one. What it claimed proved nothing, and nobody needs it any more.
func (c *core) expire(ctx context.Context, id uuid.UUID) error {
	return c.bySystem(ctx, id, "opt_out.expire", "never confirmed", func(t *task) (bool, error) {
		if err := t.step(ctx, request.Expire, detail{reason: policy.RefusedNotConfirmed}); err != nil {
			if t.facts().State == request.NeedsEvidence {
				return false, err
			}
			return false, nil // somebody decided meanwhile
		}
		if err := t.store.VoidCode(ctx, t.tx, id); err != nil {
			return false, err
		}
		return true, t.store.ForgetClaim(ctx, t.tx, id)
	})
}
