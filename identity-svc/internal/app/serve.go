package app

import (
	"context"
	"fmt"
	"time"

	"github.com/dorsetcarerecord/dcr/identity-svc/internal/service"
	"github.com/dorsetcarerecord/dcr/identity-svc/internal/store"
	"github.com/dorsetcarerecord/dcr/internal/accounting"
	"github.com/dorsetcarerecord/dcr/internal/daemon"
	"github.com/dorsetcarerecord/dcr/internal/idempotency"
	"github.com/dorsetcarerecord/dcr/internal/outbox"
	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
	recordv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/record/v1"
)

// Serve is the command that answers calls.
type Serve struct{ Config }

// Run answers calls until a signal.
func (s *Serve) Run(ctx context.Context) error { return daemon.Serve(ctx, program(s.Config)) }

// CheckConfig is the command that checks what serve would use.
type CheckConfig struct{ Config }

// Run opens everything that serve opens, the database too, and closes it again.
func (c *CheckConfig) Run(ctx context.Context) error { return daemon.Check(ctx, program(c.Config)) }

// program is what identity-svc adds to what every service has.
func program(cfg Config) daemon.Program {
	return daemon.Program{
		Name: name, Schema: store.Schema, Config: cfg.Config, Callers: callers(), Now: clock,
		Build: func(ctx context.Context, p *daemon.Parts) error { return build(ctx, cfg, p) },
	}
}

// build opens the store and the way to audit-svc, and makes the services on them.
func build(ctx context.Context, cfg Config, p *daemon.Parts) error {
	periods, err := cfg.Periods.Filled()
	if err != nil {
		return fmt.Errorf("read periods: %w", err)
	}
	kept, err := store.New(ctx, p.DB)
	if err != nil {
		return err
	}
	p.OnClose("statements", kept.Close)
	p.Telemetry.Readiness.Add("database", kept.Ping)
	box, err := openOutbox(ctx, cfg, kept, p)
	if err != nil {
		return err
	}
	sweeper := idempotency.Sweeper{DB: p.DB, Log: p.Telemetry.Log, Now: clock}
	p.Work("sweeper of requests", sweeper.Run)
	return service.Register(p.Server, service.Config{Store: kept, Outbox: box, Periods: periods, Now: clock, NewID: newID})
}

// longestPause between two attempts to lead a merge on: whoever asked for it may be waiting.
const longestPause = 5 * time.Second

// openOutbox makes the ways of audit events, which are idempotent by the event's id, and of merges. Readiness does
// not ask whether the peers answer: facts are needed to refuse, a change says AUDIT_UNAVAILABLE itself, and a merge
// goes on when they are back.
func openOutbox(ctx context.Context, cfg Config, kept *store.Store, p *daemon.Parts) (*outbox.Dispatcher, error) {
	audit, err := p.Dial("DCR_AUDIT_TARGET", cfg.AuditTarget, auditSvc, auditv1.AppendService_Append_FullMethodName)
	if err != nil {
		return nil, err
	}
	optOut, err := p.Dial("DCR_OPTOUT_TARGET", cfg.OptOutTarget, optoutSvc, optoutv1.LinkService_ServiceDesc.ServiceName)
	if err != nil {
		return nil, err
	}
	record, err := p.Dial("DCR_RECORD_TARGET", cfg.RecordTarget, recordSvc, recordv1.MergeService_ServiceDesc.ServiceName)
	if err != nil {
		return nil, err
	}
	leader := &service.Leader{
		Store: kept, OptOut: optoutv1.NewLinkServiceClient(optOut), Record: recordv1.NewMergeServiceClient(record), Now: clock, NewID: newID,
	}
	return p.Outbox(ctx, outbox.Config{
		MaxBackoff: longestPause,
		Handlers: map[string]outbox.Handler{
			accounting.Topic:   accounting.Deliver(auditv1.NewAppendServiceClient(audit)),
			service.MergeTopic: leader.Deliver,
		},
	})
}
