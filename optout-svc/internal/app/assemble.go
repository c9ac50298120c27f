package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	recordv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/record/v1"
	"github.com/jmoiron/sqlx"
	"google.golang.org/grpc"

	"github.com/dorsetcarerecord/dcr/internal/accounting"
	"github.com/dorsetcarerecord/dcr/internal/life"
	"github.com/dorsetcarerecord/dcr/internal/mtls"
	"github.com/dorsetcarerecord/dcr/internal/outbox"
	"github.com/dorsetcarerecord/dcr/internal/postgres"
	"github.com/dorsetcarerecord/dcr/internal/rpc"
	"github.com/dorsetcarerecord/dcr/internal/telemetry"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/service"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/store"
)

const (
	// deliveryLimit bounds one call of a peer: both are a few rows' work.
	deliveryLimit = 3 * time.Second
	// longestPause between two attempts: when record-svc is back, opt-outs are not to wait half a minute.
	longestPause = 5 * time.Second
)

// parts are what the process consists of, open and not yet running.
type parts struct {
	db      *sqlx.DB
	store   *store.Store
	outbox  *outbox.Dispatcher
	server  *rpc.Server
	closers []life.Step // what was opened last is closed first
}

// assemble opens the database and the connections, and builds the services on them.
func assemble(ctx context.Context, cfg Config, tel *telemetry.Telemetry) (*parts, error) {
	p := &parts{}
	if err := p.open(ctx, cfg, tel); err != nil {
		return nil, errors.Join(err, p.close(ctx))
	}
	return p, nil
}

func (p *parts) open(ctx context.Context, cfg Config, tel *telemetry.Telemetry) error {
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
	p.server, err = rpc.NewServer(rpc.ServerConfig{Name: name, TLS: tls, Callers: callers(), Log: tel.Log, Telemetry: tel, Now: clock})
	if err != nil {
		return err
	}
	return service.Register(p.server, service.Config{Store: p.store, Outbox: p.outbox, Now: clock, NewID: newID})
}

func (p *parts) openStore(ctx context.Context, cfg Config, tel *telemetry.Telemetry) error {
	cfg.Database.Schema = store.Schema
	cfg.Database.TracerProvider, cfg.Database.MeterProvider = tel.Tracer, tel.Meter
	var err error
	if p.db, err = postgres.Open(ctx, cfg.Database); err != nil {
		return err
	}
	p.closer("database", p.db.Close)
	if p.store, err = store.Open(ctx, p.db); err != nil {
		return err
	}
	p.closer("statements", p.store.Close)
	tel.Readiness.Add("database", p.store.Ping)
	return nil
}

// openOutbox makes the ways to audit-svc and record-svc. Readiness does not ask whether they answer: the
// choice in force is needed to refuse, and must be had while they are down.
func (p *parts) openOutbox(ctx context.Context, cfg Config, tls *mtls.Source, tel *telemetry.Telemetry) error {
	audit, err := p.dial("DCR_AUDIT_TARGET", cfg.AuditTarget, auditSvc, auditv1.AppendService_Append_FullMethodName, tls, tel)
	if err != nil {
		return err
	}
	record, err := p.dial("DCR_RECORD_TARGET", cfg.RecordTarget, recordSvc, recordv1.SealService_ApplyChoice_FullMethodName, tls, tel)
	if err != nil {
		return err
	}
	p.outbox, err = outbox.New(ctx, outbox.Config{
		DB: p.db, Log: tel.Log, Meter: tel.Meter, HandlerTimeout: deliveryLimit, MaxBackoff: longestPause,
		Handlers: map[string]outbox.Handler{
			accounting.Topic:  accounting.Deliver(auditv1.NewAppendServiceClient(audit)),
			service.SealTopic: service.DeliverSeal(recordv1.NewSealServiceClient(record), p.store, clock),
		},
	})
	if err != nil {
		return err
	}
	p.closer("outbox", p.outbox.Close)
	return nil
}

// dial connects to a peer. Its method is idempotent: events have ids, choices have numbers.
func (p *parts) dial(setting, target, peer, method string, tls *mtls.Source, tel *telemetry.Telemetry) (*grpc.ClientConn, error) {
	conn, err := rpc.Dial(rpc.DialConfig{Target: target, Peer: peer, TLS: tls, Telemetry: tel, Idempotent: []string{method}})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", setting, err)
	}
	p.closer("connections to "+peer, conn.Close)
	return conn, nil
}

// closer puts a step before all others.
func (p *parts) closer(name string, do func() error) {
	p.closers = append([]life.Step{{Name: name, Do: func(context.Context) error { return do() }}}, p.closers...)
}

// close closes what is open, in order.
func (p *parts) close(ctx context.Context) error {
	var errs []error
	for _, step := range p.closers {
		errs = append(errs, step.Do(ctx))
	}
	return errors.Join(errs...)
}
