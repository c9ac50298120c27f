package app

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/jmoiron/sqlx"

	"github.com/dorsetcarerecord/dcr/identity-svc/internal/service"
	"github.com/dorsetcarerecord/dcr/identity-svc/internal/store"
	"github.com/dorsetcarerecord/dcr/internal/accounting"
	"github.com/dorsetcarerecord/dcr/internal/idempotency"
	"github.com/dorsetcarerecord/dcr/internal/life"
	"github.com/dorsetcarerecord/dcr/internal/mtls"
	"github.com/dorsetcarerecord/dcr/internal/outbox"
	"github.com/dorsetcarerecord/dcr/internal/postgres"
	"github.com/dorsetcarerecord/dcr/internal/rpc"
	"github.com/dorsetcarerecord/dcr/internal/telemetry"
	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
)

// Serve is the command that answers calls.
type Serve struct{ Config }

// Run answers calls until a signal.
func (s *Serve) Run(ctx context.Context) error {
	tel, err := newTelemetry(ctx, s.Config)
	if err != nil {
		return err
	}
	process, err := prepare(ctx, s.Config, tel)
	if err != nil {
		return errors.Join(err, tel.Shutdown(ctx))
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

// parts are what the process consists of, open and not yet running.
type parts struct {
	db      *sqlx.DB
	store   *store.Store
	outbox  *outbox.Dispatcher
	server  *rpc.Server
	closers []life.Step // in the order of closing
}

// closer puts a step before those that are there: what was opened last closes first.
func (p *parts) closer(name string, do func() error) {
	step := life.Step{Name: name, Do: func(context.Context) error { return do() }}
	p.closers = append([]life.Step{step}, p.closers...)
}

// close closes what is open, in order.
func (p *parts) close(ctx context.Context) error {
	var errs []error
	for _, step := range p.closers {
		errs = append(errs, step.Do(ctx))
	}
	return errors.Join(errs...)
}

// prepare opens the listeners and says what runs and how it stops.
func prepare(ctx context.Context, cfg Config, tel *telemetry.Telemetry) (life.Process, error) {
	p, err := assemble(ctx, cfg, tel)
	if err != nil {
		return life.Process{}, err
	}
	ops, err := tel.ListenOps()
	if err != nil {
		return life.Process{}, errors.Join(err, p.close(ctx))
	}
	lis, err := (&net.ListenConfig{}).Listen(ctx, "tcp", cfg.Listen)
	if err != nil {
		return life.Process{}, errors.Join(fmt.Errorf("DCR_LISTEN: %w", err), ops.Stop(ctx), p.close(ctx))
	}
	sweeper := idempotency.Sweeper{DB: p.db, Log: tel.Log, Now: clock}
	return life.Process{
		Config:     cfg.Life,
		Log:        tel.Log,
		Ready:      tel.Readiness.Ready,
		NotServing: []func(){tel.Readiness.Drain, p.server.Drain},
		Servers: []life.Server{{Name: "gRPC server", Stop: p.server.Stop,
			Serve: func() error { return p.server.Serve(lis) }}},
		Workers: []life.Worker{
			{Name: "outbox", Run: p.outbox.Run},
			{Name: "sweeper of requests", Run: sweeper.Run},
		},
		Close:     p.closers,
		Ops:       life.Server{Name: "operators' listener", Serve: ops.Serve, Stop: ops.Stop},
		Telemetry: tel.Shutdown,
	}, nil
}

// assemble opens the database and the way to audit-svc, and builds the services on them.
func assemble(ctx context.Context, cfg Config, tel *telemetry.Telemetry) (*parts, error) {
	p := &parts{}
	if err := p.open(ctx, cfg, tel); err != nil {
		return nil, errors.Join(err, p.close(ctx))
	}
	return p, nil
}

func (p *parts) open(ctx context.Context, cfg Config, tel *telemetry.Telemetry) error {
	periods, err := cfg.Periods.Filled()
	if err != nil {
		return fmt.Errorf("read periods: %w", err)
	}
	cfg.TLS.Log = tel.Log
	tls, err := mtls.Load(cfg.TLS)
	if err != nil {
		return err
	}
	if err := p.openStore(ctx, cfg, tel); err != nil {
		return err
	}
	if err := p.openOutbox(ctx, cfg, tls, tel); err != nil {
		return err
	}
	if p.server, err = rpc.NewServer(rpc.ServerConfig{Name: name, TLS: tls, Callers: callers(), Log: tel.Log, Telemetry: tel, Now: clock}); err != nil {
		return err
	}
	return service.Register(p.server, service.Config{Store: p.store, Outbox: p.outbox, Periods: periods, Now: clock, NewID: newID})
}

func (p *parts) openStore(ctx context.Context, cfg Config, tel *telemetry.Telemetry) error {
	cfg.Database.Schema = store.Schema
	cfg.Database.TracerProvider, cfg.Database.MeterProvider = tel.Tracer, tel.Meter
	var err error
	if p.db, err = postgres.Open(ctx, cfg.Database); err != nil {
		return err
	}
	p.closer("database", p.db.Close)
	if p.store, err = store.New(ctx, p.db); err != nil {
		return err
	}
	p.closer("statements", p.store.Close)
	tel.Readiness.Add("database", p.store.Ping)
	return nil
}

// openOutbox makes the way of audit events. Append is idempotent by the event's id. Readiness does not
// ask whether audit-svc answers: facts are needed to refuse, and a change says AUDIT_UNAVAILABLE itself.
func (p *parts) openOutbox(ctx context.Context, cfg Config, tls *mtls.Source, tel *telemetry.Telemetry) error {
	conn, err := rpc.Dial(rpc.DialConfig{
		Target: cfg.AuditTarget, Peer: auditSvc, TLS: tls, Telemetry: tel,
		Idempotent: []string{auditv1.AppendService_Append_FullMethodName},
	})
	if err != nil {
		return fmt.Errorf("DCR_AUDIT_TARGET: %w", err)
	}
	p.closer("connections to audit-svc", conn.Close)
	p.outbox, err = outbox.New(ctx, outbox.Config{
		DB: p.db, Log: tel.Log, Meter: tel.Meter,
		Handlers: map[string]outbox.Handler{accounting.Topic: accounting.Deliver(auditv1.NewAppendServiceClient(conn))},
	})
	if err != nil {
		return err
	}
	p.closer("outbox", p.outbox.Close)
	return nil
}
