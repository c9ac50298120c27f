// Package daemon is what the process of every service has in common: its settings, telemetry, certificates,
// database, gRPC server and the ways to other services, opened in one order and closed in the reverse one.
// A service says what is its own in a Program; the gateway, which has no database and other doors, does not
// use this.
package daemon

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/dorsetcarerecord/dcr/internal/life"
	"github.com/dorsetcarerecord/dcr/internal/mtls"
	"github.com/dorsetcarerecord/dcr/internal/postgres"
	"github.com/dorsetcarerecord/dcr/internal/telemetry"
)

// Config is what every service may be told, as flags or in the environment.
type Config struct {
	Listen    string           `name:"listen" env:"DCR_LISTEN" required:"" help:"Address on which gRPC calls are answered."`
	Database  postgres.Config  `embed:""`
	TLS       mtls.Config      `embed:""`
	Telemetry telemetry.Config `embed:""`
	Life      life.Config      `embed:""`
}

// Program is one service: its name and what it adds to what all have.
type Program struct {
	// Name of the program, which its certificate must bear, and of its telemetry.
	Name string
	// Schema of the database that is its own.
	Schema string
	Config Config
	// Callers lists who may call which gRPC service.
	Callers map[string][]string
	// MaxMessageBytes limits requests and answers; the default of rpc when 0.
	MaxMessageBytes int
	// Now is the clock.
	Now func() time.Time
	// Build makes the service on p: opens what is its own, registers what it answers, names its workers. What
	// it opened before an error is closed for it.
	Build func(ctx context.Context, p *Parts) error
}

// Serve answers calls until a signal, until ctx ends or until a part fails.
func Serve(ctx context.Context, prog Program) error {
	lis, err := (&net.ListenConfig{}).Listen(ctx, "tcp", prog.Config.Listen)
	if err != nil {
		return fmt.Errorf("DCR_LISTEN: %w", err)
	}
	process, err := Prepare(ctx, prog, lis)
	if err != nil {
		return err
	}
	return life.Run(ctx, process)
}

// Check opens everything that Serve opens but the listeners, the database too, and closes it again.
func Check(ctx context.Context, prog Program) error {
	p, err := assemble(ctx, prog)
	if err != nil {
		return err
	}
	return errors.Join(p.Server.Check(), p.shut(ctx))
}

// Prepare opens everything else beside the listener, which it takes over, and says what runs and in what
// order it stops. On an error everything is closed again.
func Prepare(ctx context.Context, prog Program, lis net.Listener) (life.Process, error) {
	p, err := assemble(ctx, prog)
	if err != nil {
		return life.Process{}, errors.Join(err, lis.Close())
	}
	ops, err := p.Telemetry.ListenOps()
	if err != nil {
		return life.Process{}, errors.Join(err, lis.Close(), p.shut(ctx))
	}
	return life.Process{
		Config:     prog.Config.Life,
		Log:        p.Telemetry.Log,
		Ready:      p.Telemetry.Readiness.Ready,
		NotServing: []func(){p.Telemetry.Readiness.Drain, p.Server.Drain},
		Servers: []life.Server{{Name: "gRPC server", Stop: p.Server.Stop,
			Serve: func() error { return p.Server.Serve(lis) }}},
		Workers:   p.workers,
		Close:     p.closers,
		Ops:       life.Server{Name: "operators' listener", Serve: ops.Serve, Stop: ops.Stop},
		Telemetry: p.Telemetry.Shutdown,
	}, nil
}
