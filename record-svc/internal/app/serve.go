package app

import (
	"context"
	"time"

	"github.com/dorsetcarerecord/dcr/internal/accounting"
	"github.com/dorsetcarerecord/dcr/internal/daemon"
	"github.com/dorsetcarerecord/dcr/internal/outbox"
	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/hold"
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
func (s *Serve) Run(ctx context.Context) error { return daemon.Serve(ctx, program(s.Config)) }

// CheckConfig is the command that checks what serve would use.
type CheckConfig struct{ Config }

// Run opens everything that serve opens, the database too, and closes it again.
func (c *CheckConfig) Run(ctx context.Context) error { return daemon.Check(ctx, program(c.Config)) }

// program is what record-svc adds to what every service has.
func program(cfg Config) daemon.Program {
	return daemon.Program{
		Name: name, Schema: store.Schema, Config: cfg.Config, Callers: callers(), MaxMessageBytes: bundleRoom, Now: clock,
		Build: func(ctx context.Context, p *daemon.Parts) error { return build(ctx, cfg, p) },
	}
}

// build opens the store and the ways to the other services, and makes the services on them.
func build(ctx context.Context, cfg Config, p *daemon.Parts) error {
	rules, err := cfg.rules()
	if err != nil {
		return err
	}
	kept, err := store.New(ctx, p.DB, clock)
	if err != nil {
		return err
	}
	p.OnClose("statements", kept.Close)
	p.Telemetry.Readiness.Add("database", kept.Ping)
	box, err := openOutbox(ctx, cfg, p)
	if err != nil {
		return err
	}
	desk, err := openHold(cfg, kept, p)
	if err != nil {
		return err
	}
	service.Register(p.Server, service.Config{Store: kept, Outbox: box, Hold: desk, Rules: rules, Now: clock})
	return nil
}

// openHold makes the way on which people who are new are checked. Readiness does not ask whether optout-svc
// answers: the records of all others open without it.
func openHold(cfg Config, kept *store.Store, p *daemon.Parts) (*hold.Desk, error) {
	conn, err := p.Dial("DCR_OPTOUT_TARGET", cfg.OptOutTarget, optoutSvc, optoutv1.NewPersonService_CheckNewPersons_FullMethodName)
	if err != nil {
		return nil, err
	}
	desk, err := hold.New(hold.Config{
		Store: kept, OptOut: optoutv1.NewNewPersonServiceClient(conn), FactsTopic: service.FactsTopic,
		Log: p.Telemetry.Log, Meter: p.Telemetry.Meter,
	})
	if err != nil {
		return nil, err
	}
	p.Work("check of people who are new", desk.Run)
	return desk, nil
}

// openOutbox makes the ways of events and of what identity-svc must know. Readiness does not ask whether
// they are open: views need neither, and a feed says AUDIT_UNAVAILABLE itself.
func openOutbox(ctx context.Context, cfg Config, p *daemon.Parts) (*outbox.Dispatcher, error) {
	audit, err := p.Dial("DCR_AUDIT_TARGET", cfg.AuditTarget, auditSvc, auditv1.AppendService_Append_FullMethodName)
	if err != nil {
		return nil, err
	}
	identity, err := p.Dial("DCR_IDENTITY_TARGET", cfg.IdentityTarget, identitySvc, identityv1.FeedService_ApplyFeedFacts_FullMethodName)
	if err != nil {
		return nil, err
	}
	return p.Outbox(ctx, outbox.Config{
		MaxBackoff: longestPause,
		Handlers: map[string]outbox.Handler{
			accounting.Topic:   accounting.Deliver(auditv1.NewAppendServiceClient(audit)),
			service.FactsTopic: service.DeliverFacts(identityv1.NewFeedServiceClient(identity)),
		},
	})
}
