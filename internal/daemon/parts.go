package daemon

import (
	"context"
	"errors"
	"fmt"

	"github.com/jmoiron/sqlx"
	"google.golang.org/grpc"

	"github.com/dorsetcarerecord/dcr/internal/life"
	"github.com/dorsetcarerecord/dcr/internal/mtls"
	"github.com/dorsetcarerecord/dcr/internal/outbox"
	"github.com/dorsetcarerecord/dcr/internal/postgres"
	"github.com/dorsetcarerecord/dcr/internal/rpc"
	"github.com/dorsetcarerecord/dcr/internal/telemetry"
)

// Parts are what a service is built on, open and not yet running.
type Parts struct {
	Telemetry *telemetry.Telemetry
	TLS       *mtls.Source
	DB        *sqlx.DB
	Server    *rpc.Server

	workers []life.Worker
	closers []life.Step // in the order of closing
}

// assemble opens what every service has, then builds the service on it.
func assemble(ctx context.Context, prog Program) (*Parts, error) {
	prog.Config.Telemetry.Service = prog.Name
	tel, err := telemetry.Setup(ctx, prog.Config.Telemetry)
	if err != nil {
		return nil, err
	}
	p := &Parts{Telemetry: tel}
	if err := p.open(ctx, prog); err != nil {
		return nil, errors.Join(err, p.shut(ctx))
	}
	return p, nil
}

func (p *Parts) open(ctx context.Context, prog Program) error {
	cfg := prog.Config
	cfg.TLS.Log = p.Telemetry.Log
	var err error
	if p.TLS, err = mtls.Load(cfg.TLS); err != nil {
		return err
	}
	p.Server, err = rpc.NewServer(rpc.ServerConfig{
		Name: prog.Name, TLS: p.TLS, Callers: prog.Callers, Log: p.Telemetry.Log, Telemetry: p.Telemetry,
		MaxMessageBytes: prog.MaxMessageBytes, Now: prog.Now,
	})
	if err != nil {
		return err
	}
	cfg.Database.Schema = prog.Schema
	cfg.Database.TracerProvider, cfg.Database.MeterProvider = p.Telemetry.Tracer, p.Telemetry.Meter
	if p.DB, err = postgres.Open(ctx, cfg.Database); err != nil {
		return err
	}
	p.OnClose("database", p.DB.Close)
	return prog.Build(ctx, p)
}

// OnClose names something that was opened. What was opened last is closed first.
func (p *Parts) OnClose(name string, do func() error) {
	step := life.Step{Name: name, Do: func(context.Context) error { return do() }}
	p.closers = append([]life.Step{step}, p.closers...)
}

// Work names something that runs in the background as long as calls are answered.
func (p *Parts) Work(name string, run func(context.Context) error) {
	p.workers = append(p.workers, life.Worker{Name: name, Run: run})
}

// Dial connects to a peer, told by a setting. The methods or services in idempotent may be sent again to
// another replica.
func (p *Parts) Dial(setting, target, peer string, idempotent ...string) (*grpc.ClientConn, error) {
	conn, err := rpc.Dial(rpc.DialConfig{Target: target, Peer: peer, TLS: p.TLS, Telemetry: p.Telemetry, Idempotent: idempotent})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", setting, err)
	}
	p.OnClose("connections to "+peer, conn.Close)
	return conn, nil
}

// Outbox opens the way of messages that are written with a change, and has them delivered. cfg says the
// handlers and limits; the rest is known here.
func (p *Parts) Outbox(ctx context.Context, cfg outbox.Config) (*outbox.Dispatcher, error) {
	cfg.DB, cfg.Log, cfg.Meter = p.DB, p.Telemetry.Log, p.Telemetry.Meter
	box, err := outbox.New(ctx, cfg)
	if err != nil {
		return nil, err
	}
	p.OnClose("outbox", box.Close)
	p.Work("outbox", box.Run)
	return box, nil
}

// shut closes all, telemetry last.
func (p *Parts) shut(ctx context.Context) error {
	var errs []error
	for _, step := range p.closers {
		errs = append(errs, step.Do(ctx))
	}
	return errors.Join(append(errs, p.Telemetry.Shutdown(ctx))...)
}
