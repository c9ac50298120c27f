package app

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/dorsetcarerecord/dcr/internal/idempotency"
	"github.com/dorsetcarerecord/dcr/internal/life"
	"github.com/dorsetcarerecord/dcr/internal/telemetry"
)

// Serve is the command that answers calls.
type Serve struct{ Config }

// Run answers calls until a signal.
func (s *Serve) Run(ctx context.Context) error {
	tel, err := newTelemetry(ctx, s.Config)
	if err != nil {
		return err
	}
	lis, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.Listen)
	if err != nil {
		return errors.Join(fmt.Errorf("DCR_LISTEN: %w", err), tel.Shutdown(ctx))
	}
	process, err := prepare(ctx, s.Config, tel, lis)
	if err != nil {
		return errors.Join(err, lis.Close(), tel.Shutdown(ctx))
	}
	return life.Run(ctx, process)
}

// CheckConfig is the command that checks what serve would use.
type CheckConfig struct{ Config }

// Run opens everything that serve opens, the database too, and closes it again.
func (c *CheckConfig) Run(ctx context.Context) error {
	tel, err := newTelemetry(ctx, c.Config)
	if err != nil {
		return err
	}
	p, err := assemble(ctx, c.Config, tel)
	if err != nil {
		return errors.Join(err, tel.Shutdown(ctx))
	}
	return errors.Join(p.server.Check(), p.close(ctx), tel.Shutdown(ctx))
}

func newTelemetry(ctx context.Context, cfg Config) (*telemetry.Telemetry, error) {
	cfg.Telemetry.Service = name
	return telemetry.Setup(ctx, cfg.Telemetry)
}

// prepare opens everything and says what runs and how it stops.
func prepare(ctx context.Context, cfg Config, tel *telemetry.Telemetry, lis net.Listener) (life.Process, error) {
	p, err := assemble(ctx, cfg, tel)
	if err != nil {
		return life.Process{}, err
	}
	ops, err := tel.ListenOps()
	if err != nil {
		return life.Process{}, errors.Join(err, p.close(ctx))
	}
	forget := idempotency.Sweeper{DB: p.db, Log: tel.Log, Now: clock}
	return life.Process{
		Config:     cfg.Life,
		Log:        tel.Log,
		Ready:      tel.Readiness.Ready,
		NotServing: []func(){tel.Readiness.Drain, p.server.Drain},
		Servers: []life.Server{{Name: "gRPC server", Stop: p.server.Stop,
			Serve: func() error { return p.server.Serve(lis) }}},
		Workers: []life.Worker{
			{Name: "outbox", Run: p.outbox.Run},
			{Name: "forgetting of old requests", Run: forget.Run},
		},
		Close:     p.closers,
		Ops:       life.Server{Name: "operators' listener", Serve: ops.Serve, Stop: ops.Stop},
		Telemetry: tel.Shutdown,
	}, nil
}
