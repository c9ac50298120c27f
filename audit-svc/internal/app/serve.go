package app

import (
	"context"
	"errors"
	"fmt"
	"net"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"

	"github.com/dorsetcarerecord/dcr/internal/life"
	"github.com/dorsetcarerecord/dcr/internal/mtls"
	"github.com/dorsetcarerecord/dcr/internal/postgres"
	"github.com/dorsetcarerecord/dcr/internal/rpc"
	"github.com/dorsetcarerecord/dcr/internal/telemetry"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/event"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/groupcommit"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/service"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/store"
)

// Serve is the command that answers calls.
type Serve struct{ Config }

// Run answers calls until a signal.
func (s *Serve) Run(ctx context.Context) error { return serve(ctx, s.Config) }

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

// parts are what the process consists of, open and not yet running.
type parts struct {
	log       *store.Store
	committer *groupcommit.Committer
	room      *roomWatch
	server    *rpc.Server
	closers   []life.Step // in the order of closing
}

func newTelemetry(ctx context.Context, cfg Config) (*telemetry.Telemetry, error) {
	cfg.Telemetry.Service = name
	return telemetry.Setup(ctx, cfg.Telemetry)
}

func serve(ctx context.Context, cfg Config) error {
	tel, err := newTelemetry(ctx, cfg)
	if err != nil {
		return err
	}
	lis, err := (&net.ListenConfig{}).Listen(ctx, "tcp", cfg.Listen)
	if err != nil {
		return errors.Join(fmt.Errorf("DCR_LISTEN: %w", err), tel.Shutdown(ctx))
	}
	process, err := prepare(ctx, cfg, tel, lis)
	if err != nil {
		return errors.Join(err, lis.Close(), tel.Shutdown(ctx))
	}
	return life.Run(ctx, process)
}

// prepare opens everything else and says what runs and how it stops.
func prepare(ctx context.Context, cfg Config, tel *telemetry.Telemetry, lis net.Listener) (life.Process, error) {
	p, err := assemble(ctx, cfg, tel)
	if err != nil {
		return life.Process{}, err
	}
	ops, err := tel.ListenOps()
	if err != nil {
		return life.Process{}, errors.Join(err, p.close(ctx))
	}
	return life.Process{
		Config:     cfg.Life,
		Log:        tel.Log,
		Ready:      tel.Readiness.Ready,
		NotServing: []func(){tel.Readiness.Drain, p.server.Drain},
		Servers: []life.Server{{Name: "gRPC server", Stop: p.server.Stop,
			Serve: func() error { return p.server.Serve(lis) }}},
		Workers: []life.Worker{
			{Name: "committer", Run: p.committer.Run},
			{Name: "partition watch", Run: p.room.run},
		},
		Close:     p.closers,
		Ops:       life.Server{Name: "operators' listener", Serve: ops.Serve, Stop: ops.Stop},
		Telemetry: tel.Shutdown,
	}, nil
}

// assemble opens the database and builds the services on it.
func assemble(ctx context.Context, cfg Config, tel *telemetry.Telemetry) (*parts, error) {
	cfg.TLS.Log = tel.Log
	tls, err := mtls.Load(cfg.TLS)
	if err != nil {
		return nil, err
	}
	cfg.Database.Schema = store.Schema
	cfg.Database.TracerProvider, cfg.Database.MeterProvider = tel.Tracer, tel.Meter
	db, err := postgres.Open(ctx, cfg.Database)
	if err != nil {
		return nil, err
	}
	p := &parts{closers: []life.Step{{Name: "database", Do: func(context.Context) error { return db.Close() }}}}
	if p.log, err = store.Open(ctx, db, event.Same); err != nil {
		return nil, errors.Join(err, p.close(ctx))
	}
	p.closers = append([]life.Step{{Name: "statements", Do: func(context.Context) error { return p.log.Close() }}}, p.closers...)
	if err := p.build(cfg, tls, tel); err != nil {
		return nil, errors.Join(err, p.close(ctx))
	}
	tel.Readiness.Add("database", p.log.Ping)
	tel.Readiness.Add("partitions", p.room.check)
	return p, nil
}

// build makes the workers and the server.
func (p *parts) build(cfg Config, tls *mtls.Source, tel *telemetry.Telemetry) error {
	var err error
	meter := tel.Meter.Meter("dcr/audit")
	if p.room, err = newRoomWatch(p.log, tel.Log, meter); err != nil {
		return err
	}
	if p.committer, err = groupcommit.New(groupcommit.Config{Limits: cfg.Append, Log: p.log, Diary: tel.Log, Meter: meter}); err != nil {
		return err
	}
	if p.server, err = rpc.NewServer(rpc.ServerConfig{Name: name, TLS: tls, Callers: callers(), Log: tel.Log, Telemetry: tel, Now: clock}); err != nil {
		return err
	}
	appends, err := service.NewAppend(service.AppendConfig{Appender: p.committer, OutboxCallers: outboxCallers(), Now: clock})
	if err != nil {
		return err
	}
	query, err := service.NewQuery(p.log)
	if err != nil {
		return err
	}
	auditv1.RegisterAppendServiceServer(p.server, appends)
	auditv1.RegisterQueryServiceServer(p.server, query)
	return nil
}

// close closes what is open, in order.
func (p *parts) close(ctx context.Context) error {
	var errs []error
	for _, step := range p.closers {
		errs = append(errs, step.Do(ctx))
	}
	return errors.Join(errs...)
}
