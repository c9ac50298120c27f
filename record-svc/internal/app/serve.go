package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/jmoiron/sqlx"
	"google.golang.org/grpc"

	"github.com/dorsetcarerecord/dcr/internal/accounting"
	"github.com/dorsetcarerecord/dcr/internal/life"
	"github.com/dorsetcarerecord/dcr/internal/mtls"
	"github.com/dorsetcarerecord/dcr/internal/outbox"
	"github.com/dorsetcarerecord/dcr/internal/postgres"
	"github.com/dorsetcarerecord/dcr/internal/rpc"
	"github.com/dorsetcarerecord/dcr/internal/telemetry"
	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/service"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/store"
)

// longestPause between attempts to tell another service something. A peer that is back is told within seconds,
// since staff wait for the relationships that a bundle makes.
const longestPause = 3 * time.Second

// bundleRoom is a bundle of the largest size with its envelope.
const bundleRoom = 20 << 20

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
	tls     *mtls.Source
	tel     *telemetry.Telemetry
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

// prepare opens what the process needs beside its listener, which it takes over, and says what runs and how
// it stops.
func prepare(ctx context.Context, cfg Config, tel *telemetry.Telemetry, lis net.Listener) (life.Process, error) {
	p, err := assemble(ctx, cfg, tel)
	if err != nil {
		return life.Process{}, errors.Join(err, lis.Close())
	}
	ops, err := tel.ListenOps()
	if err != nil {
		return life.Process{}, errors.Join(err, lis.Close(), p.close(ctx))
	}
	return life.Process{
		Config:     cfg.Life,
		Log:        tel.Log,
		Ready:      tel.Readiness.Ready,
		NotServing: []func(){tel.Readiness.Drain, p.server.Drain},
		Servers: []life.Server{{Name: "gRPC server", Stop: p.server.Stop,
			Serve: func() error { return p.server.Serve(lis) }}},
		Workers:   []life.Worker{{Name: "outbox", Run: p.outbox.Run}},
		Close:     p.closers,
		Ops:       life.Server{Name: "operators' listener", Serve: ops.Serve, Stop: ops.Stop},
		Telemetry: tel.Shutdown,
	}, nil
}

// assemble opens the database and the ways to the other services, and builds the services on them.
func assemble(ctx context.Context, cfg Config, tel *telemetry.Telemetry) (*parts, error) {
	p := &parts{tel: tel}
	if err := p.open(ctx, cfg); err != nil {
		return nil, errors.Join(err, p.close(ctx))
	}
	return p, nil
}

func (p *parts) open(ctx context.Context, cfg Config) error {
	rules, err := cfg.rules()
	if err != nil {
		return err
	}
	cfg.TLS.Log = p.tel.Log
	if p.tls, err = mtls.Load(cfg.TLS); err != nil {
		return err
	}
	if err := p.openStore(ctx, cfg); err != nil {
		return err
	}
	if err := p.openOutbox(ctx, cfg); err != nil {
		return err
	}
	p.server, err = rpc.NewServer(rpc.ServerConfig{
		Name: name, TLS: p.tls, Callers: callers(), Log: p.tel.Log, Telemetry: p.tel, MaxMessageBytes: bundleRoom, Now: clock,
	})
	if err != nil {
		return err
	}
	service.Register(p.server, service.Config{Store: p.store, Outbox: p.outbox, Rules: rules, Now: clock})
	return nil
}

func (p *parts) openStore(ctx context.Context, cfg Config) error {
	cfg.Database.Schema = store.Schema
	cfg.Database.TracerProvider, cfg.Database.MeterProvider = p.tel.Tracer, p.tel.Meter
	var err error
	if p.db, err = postgres.Open(ctx, cfg.Database); err != nil {
		return err
	}
	p.closer("database", p.db.Close)
	if p.store, err = store.New(ctx, p.db, clock); err != nil {
		return err
	}
	p.closer("statements", p.store.Close)
	p.tel.Readiness.Add("database", p.store.Ping)
	return nil
}

// openOutbox makes the ways of events and of what identity-svc must know. Readiness does not ask whether
// they are open: views need neither, and a feed says AUDIT_UNAVAILABLE itself.
func (p *parts) openOutbox(ctx context.Context, cfg Config) error {
	audit, err := p.dial("DCR_AUDIT_TARGET", cfg.AuditTarget, auditSvc, auditv1.AppendService_Append_FullMethodName)
	if err != nil {
		return err
	}
	identity, err := p.dial("DCR_IDENTITY_TARGET", cfg.IdentityTarget, identitySvc, identityv1.FeedService_ApplyFeedFacts_FullMethodName)
	if err != nil {
		return err
	}
	p.outbox, err = outbox.New(ctx, outbox.Config{
		DB: p.db, Log: p.tel.Log, Meter: p.tel.Meter, MaxBackoff: longestPause,
		Handlers: map[string]outbox.Handler{
			accounting.Topic:   accounting.Deliver(auditv1.NewAppendServiceClient(audit)),
			service.FactsTopic: service.DeliverFacts(identityv1.NewFeedServiceClient(identity)),
		},
	})
	if err != nil {
		return err
	}
	p.closer("outbox", p.outbox.Close)
	return nil
}

// dial makes a client whose idempotent method may be sent again to another replica.
func (p *parts) dial(setting, target, peer, idempotent string) (*grpc.ClientConn, error) {
	conn, err := rpc.Dial(rpc.DialConfig{Target: target, Peer: peer, TLS: p.tls, Telemetry: p.tel, Idempotent: []string{idempotent}})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", setting, err)
	}
	p.closer("connections to "+peer, conn.Close)
	return conn, nil
}
