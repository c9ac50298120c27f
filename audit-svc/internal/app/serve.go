package app

import (
	"context"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"

	"github.com/dorsetcarerecord/dcr/internal/daemon"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/event"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/groupcommit"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/service"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/store"
)

// Serve is the command that answers calls.
type Serve struct{ Config }

// Run answers calls until a signal.
func (s *Serve) Run(ctx context.Context) error { return daemon.Serve(ctx, program(s.Config)) }

// CheckConfig is the command that checks what serve would use.
type CheckConfig struct{ Config }

// Run opens everything that serve opens, the database too, and closes it again.
func (c *CheckConfig) Run(ctx context.Context) error { return daemon.Check(ctx, program(c.Config)) }

// program is what audit-svc adds to what every service has.
func program(cfg Config) daemon.Program {
	return daemon.Program{
		Name: name, Schema: store.Schema, Config: cfg.Config, Callers: callers(), Now: clock,
		Build: func(ctx context.Context, p *daemon.Parts) error { return build(ctx, cfg, p) },
	}
}

// build opens the log and makes its workers and services.
func build(ctx context.Context, cfg Config, p *daemon.Parts) error {
	log, err := store.Open(ctx, p.DB, event.Same)
	if err != nil {
		return err
	}
	p.OnClose("statements", log.Close)
	p.Telemetry.Readiness.Add("database", log.Ping)
	if err := watchRoom(log, p); err != nil {
		return err
	}
	if err := serveAppends(cfg, log, p); err != nil {
		return err
	}
	if err := watchLog(ctx, cfg.Watch, log, p); err != nil {
		return err
	}
	if err := growTree(ctx, cfg.Tree, log, p); err != nil {
		return err
	}
	query, err := service.NewQuery(log)
	if err != nil {
		return err
	}
	auditv1.RegisterQueryServiceServer(p.Server, query)
	return nil
}

// serveAppends makes the committer, in which concurrent appends share a commit, and the service before it.
func serveAppends(cfg Config, log *store.Store, p *daemon.Parts) error {
	committer, err := groupcommit.New(groupcommit.Config{
		Limits: cfg.Append, Log: log, Diary: p.Telemetry.Log, Meter: p.Telemetry.Meter.Meter("dcr/audit"),
	})
	if err != nil {
		return err
	}
	p.Work("committer", committer.Run)
	appends, err := service.NewAppend(service.AppendConfig{Appender: committer, OutboxCallers: outboxCallers(), Now: clock})
	if err != nil {
		return err
	}
	auditv1.RegisterAppendServiceServer(p.Server, appends)
	return nil
}

// watchRoom looks for how many months the log has partitions.
func watchRoom(log *store.Store, p *daemon.Parts) error {
	room, err := newRoomWatch(log, p.Telemetry.Log, p.Telemetry.Meter.Meter("dcr/audit"))
	if err != nil {
		return err
	}
	p.Work("partition watch", room.run)
	p.Telemetry.Readiness.Add("partitions", room.check)
	return nil
}
