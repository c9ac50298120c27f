package app

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/dorsetcarerecord/dcr/gateway/internal/access"
	"github.com/dorsetcarerecord/dcr/gateway/internal/rules"
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
	process, _, err := prepare(s.Config, tel)
	if err != nil {
		return errors.Join(err, tel.Shutdown(ctx))
	}
	return life.Run(ctx, process)
}

// CheckConfig is the command that checks what serve would use.
type CheckConfig struct{ Config }

// Run builds everything that serve builds, but opens no listener.
func (c *CheckConfig) Run(ctx context.Context) error {
	tel, err := newTelemetry(ctx, c.Config)
	if err != nil {
		return err
	}
	p, err := assemble(c.Config, tel)
	if err != nil {
		return errors.Join(err, tel.Shutdown(ctx))
	}
	return errors.Join(p.close(ctx), tel.Shutdown(ctx))
}

// AccessMatrix is the command that prints docs/access-matrix.md.
type AccessMatrix struct {
	PolicyFile string `name:"policy-file" env:"DCR_POLICY_FILE" help:"Access policy; the one that is built in when empty."`
}

// Run prints the matrix.
func (a *AccessMatrix) Run() error {
	policy, err := loadPolicy(a.PolicyFile)
	if err != nil {
		return err
	}
	return rules.Matrix(os.Stdout, policy)
}

func loadPolicy(file string) (*access.Policy, error) {
	if file == "" {
		return access.DefaultPolicy()
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("DCR_POLICY_FILE: %w", err)
	}
	policy, err := access.ParsePolicy(text)
	if err != nil {
		return nil, fmt.Errorf("DCR_POLICY_FILE: %w", err)
	}
	return policy, nil
}

func newTelemetry(ctx context.Context, cfg Config) (*telemetry.Telemetry, error) {
	cfg.Telemetry.Service, cfg.Telemetry.Version = name, version()
	return telemetry.Setup(ctx, cfg.Telemetry)
}

// prepare opens the listeners and says what runs and how it stops. Calls under
// way finish first; then the pipeline's worker sums up the refusals of unknown
// callers, while audit-svc can still be reached; then connections close.
func prepare(cfg Config, tel *telemetry.Telemetry) (life.Process, *doors, error) {
	p, err := assemble(cfg, tel)
	if err != nil {
		return life.Process{}, nil, err
	}
	d, err := p.open(cfg)
	if err != nil {
		return life.Process{}, nil, errors.Join(err, p.close(context.Background()))
	}
	return life.Process{
		Config:     cfg.Life,
		Log:        tel.Log,
		Ready:      tel.Readiness.Ready,
		NotServing: []func(){tel.Readiness.Drain, d.rest.Drain, d.grpc.Drain},
		Servers: []life.Server{
			{Name: "REST server", Serve: d.rest.Serve, Stop: d.rest.Stop},
			{Name: "gRPC server", Serve: d.grpc.Serve, Stop: d.grpc.Stop},
		},
		Workers: []life.Worker{
			{Name: "issuers' keys", Run: func(ctx context.Context) error { p.tokens.Run(ctx); return nil }},
			{Name: "refusals of unknown callers", Run: func(ctx context.Context) error { p.pipeline.Run(ctx); return nil }},
		},
		Close:     p.closers,
		Ops:       life.Server{Name: "operators' listener", Serve: d.ops.Serve, Stop: d.ops.Stop},
		Telemetry: tel.Shutdown,
	}, d, nil
}
