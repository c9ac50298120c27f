package app

import (
	"context"
	"time"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	recordv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/record/v1"

	"github.com/dorsetcarerecord/dcr/internal/accounting"
	"github.com/dorsetcarerecord/dcr/internal/daemon"
	"github.com/dorsetcarerecord/dcr/internal/idempotency"
	"github.com/dorsetcarerecord/dcr/internal/outbox"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/service"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/store"
)

const (
	// deliveryLimit bounds one call of a peer: both are a few rows' work.
	deliveryLimit = 3 * time.Second
	// longestPause between two attempts: when record-svc is back, opt-outs are not to wait half a minute.
	longestPause = 5 * time.Second
)

// Serve is the command that answers calls.
type Serve struct{ Config }

// Run answers calls until a signal.
func (s *Serve) Run(ctx context.Context) error { return daemon.Serve(ctx, program(s.Config)) }

// CheckConfig is the command that checks what serve would use.
type CheckConfig struct{ Config }

// Run opens everything that serve opens, the database too, and closes it again.
func (c *CheckConfig) Run(ctx context.Context) error { return daemon.Check(ctx, program(c.Config)) }

// program is what optout-svc adds to what every service has.
func program(cfg Config) daemon.Program {
	return daemon.Program{
		Name: name, Schema: store.Schema, Config: cfg.Config, Callers: callers(), Now: clock,
		Build: func(ctx context.Context, p *daemon.Parts) error { return build(ctx, cfg, p) },
	}
}

// build opens the store and the ways out, and makes the services on them.
func build(ctx context.Context, cfg Config, p *daemon.Parts) error {
	kept, err := store.Open(ctx, p.DB)
	if err != nil {
		return err
	}
	p.OnClose("statements", kept.Close)
	p.Telemetry.Readiness.Add("database", kept.Ping)
	box, err := openOutbox(ctx, cfg, kept, p)
	if err != nil {
		return err
	}
	forget := idempotency.Sweeper{DB: p.DB, Log: p.Telemetry.Log, Now: clock}
	p.Work("forgetting of old requests", forget.Run)
	return service.Register(p.Server, service.Config{Store: kept, Outbox: box, Now: clock, NewID: newID})
}

// openOutbox makes the ways to audit-svc and record-svc. Readiness does not ask whether they answer: the
// choice in force is needed to refuse, and must be had while they are down. Both methods are idempotent: events
// have ids, choices have numbers.
func openOutbox(ctx context.Context, cfg Config, kept *store.Store, p *daemon.Parts) (*outbox.Dispatcher, error) {
	audit, err := p.Dial("DCR_AUDIT_TARGET", cfg.AuditTarget, auditSvc, auditv1.AppendService_Append_FullMethodName)
	if err != nil {
		return nil, err
	}
	record, err := p.Dial("DCR_RECORD_TARGET", cfg.RecordTarget, recordSvc, recordv1.SealService_ApplyChoice_FullMethodName)
	if err != nil {
		return nil, err
	}
	return p.Outbox(ctx, outbox.Config{
		HandlerTimeout: deliveryLimit, MaxBackoff: longestPause,
		Handlers: map[string]outbox.Handler{
			accounting.Topic:  accounting.Deliver(auditv1.NewAppendServiceClient(audit)),
			service.SealTopic: service.DeliverSeal(recordv1.NewSealServiceClient(record), kept, clock),
		},
	})
}
