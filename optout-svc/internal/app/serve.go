package app

import (
	"context"
	"time"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
	recordv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/record/v1"

	"github.com/dorsetcarerecord/dcr/internal/accounting"
	"github.com/dorsetcarerecord/dcr/internal/daemon"
	"github.com/dorsetcarerecord/dcr/internal/idempotency"
	"github.com/dorsetcarerecord/dcr/internal/outbox"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/postroom"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/service"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/store"
)

const (
	// deliveryLimit bounds one call of a peer: both are a few rows' work.
	deliveryLimit = 3 * time.Second
	// deliveryLease is how long messages wait that a replica took along when it died: somebody's opt-out waits
	// with them.
	deliveryLease = 5 * time.Second
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

// build opens the store, the policy and the ways out, and makes the services on them.
func build(ctx context.Context, cfg Config, p *daemon.Parts) error {
	rules, err := cfg.policy()
	if err != nil {
		return err
	}
	kept, err := store.Open(ctx, p.DB)
	if err != nil {
		return err
	}
	p.OnClose("statements", kept.Close)
	p.Telemetry.Readiness.Add("database", kept.Ping)
	to, err := dial(cfg, p)
	if err != nil {
		return err
	}
	room, err := postRoom(cfg.Letters, kept, postroom.Held{Match: to.match}, rules.Zone(), p.Telemetry.Log, p.Telemetry.Meter)
	if err != nil {
		return err
	}
	p.OnClose("post room", room.Close)
	p.Work("letters", room.Run)
	svc, err := service.New(service.Config{
		Store: kept, Policy: rules, Match: to.match, Safeguarding: to.safeguarding,
		Letters: service.Writer{Room: room, Policy: rules}, Now: clock, NewID: newID,
	})
	if err != nil {
		return err
	}
	unwatch, err := svc.Watch(p.Telemetry.Meter)
	if err != nil {
		return err
	}
	p.OnClose("gauges of requests", unwatch)
	handlers := svc.Handlers(to.seal)
	handlers[accounting.Topic] = accounting.Deliver(to.audit)
	box, err := p.Outbox(ctx, outbox.Config{HandlerTimeout: deliveryLimit, Lease: deliveryLease, MaxBackoff: longestPause, Handlers: handlers})
	if err != nil {
		return err
	}
	p.Work("closing of unconfirmed requests", svc.Expiry(p.Telemetry.Log).Run)
	forget := idempotency.Sweeper{DB: p.DB, Log: p.Telemetry.Log, Now: clock}
	p.Work("forgetting of old requests", forget.Run)
	svc.RegisterLetters(p.Server, room)
	return svc.Register(p.Server, box)
}

// peers are the services that are asked and told.
type peers struct {
	audit        auditv1.AppendServiceClient
	seal         recordv1.SealServiceClient
	safeguarding recordv1.SafeguardingServiceClient
	match        identityv1.MatchServiceClient
}

// dial makes the ways to other services. Readiness does not ask whether they answer: the choice in force is
// needed to refuse, and must be had while they are down. All methods may be sent again: events have ids, choices
// have numbers, and questions change nothing.
func dial(cfg Config, p *daemon.Parts) (peers, error) {
	audit, err := p.Dial("DCR_AUDIT_TARGET", cfg.AuditTarget, auditSvc, auditv1.AppendService_Append_FullMethodName)
	if err != nil {
		return peers{}, err
	}
	record, err := p.Dial("DCR_RECORD_TARGET", cfg.RecordTarget, recordSvc,
		recordv1.SealService_ApplyChoice_FullMethodName, recordv1.SafeguardingService_ServiceDesc.ServiceName)
	if err != nil {
		return peers{}, err
	}
	identity, err := p.Dial("DCR_IDENTITY_TARGET", cfg.IdentityTarget, identitySvc, identityv1.MatchService_ServiceDesc.ServiceName)
	if err != nil {
		return peers{}, err
	}
	return peers{
		audit: auditv1.NewAppendServiceClient(audit), seal: recordv1.NewSealServiceClient(record),
		safeguarding: recordv1.NewSafeguardingServiceClient(record), match: identityv1.NewMatchServiceClient(identity),
	}, nil
}
