package app

import (
	"context"
	"fmt"
	"os"
	"time"
	_ "time/tzdata" // days are counted where the staff are, on machines without a zone database too

	"github.com/google/uuid"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"

	"github.com/dorsetcarerecord/dcr/internal/daemon"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/service"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/store"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/watch"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/watcher"
)

// Watching is how the log is watched.
type Watching struct {
	RulesFile string        `name:"watch-rules-file" env:"DCR_WATCH_RULES_FILE" help:"Rules of watching. Those that are built in when empty."`
	Every     time.Duration `name:"watch-every" env:"DCR_WATCH_EVERY" default:"1s" help:"Pause between two looks for events that the rules have not judged."`
}

// rules are those of the file, or the built-in ones. A file that is wrong stops the process.
func (w Watching) rules() (*watch.Rules, error) {
	if w.RulesFile == "" {
		return watch.Default()
	}
	text, err := os.ReadFile(w.RulesFile)
	if err != nil {
		return nil, fmt.Errorf("DCR_WATCH_RULES_FILE: %w", err)
	}
	rules, err := watch.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("DCR_WATCH_RULES_FILE: %w", err)
	}
	return rules, nil
}

// watchLog makes the watcher and the services of cases.
func watchLog(ctx context.Context, cfg Watching, log *store.Store, p *daemon.Parts) error {
	rules, err := cfg.rules()
	if err != nil {
		return err
	}
	cases, err := store.OpenCases(ctx, p.DB, log)
	if err != nil {
		return err
	}
	p.OnClose("statements of cases", cases.Close)
	watcher, err := watcher.New(watcher.Config{
		Cases: cases, Rules: rules, Log: p.Telemetry.Log, Meter: p.Telemetry.Meter.Meter("dcr/audit"), Now: clock, NewID: uuid.NewV7, Every: cfg.Every,
	})
	if err != nil {
		return err
	}
	p.Work("watcher", watcher.Run)
	return serveCases(service.CaseConfig{Cases: cases, Rules: rules, Now: clock}, p)
}

func serveCases(cfg service.CaseConfig, p *daemon.Parts) error {
	read, err := service.NewCaseRead(cfg)
	if err != nil {
		return err
	}
	write, err := service.NewCaseWrite(cfg)
	if err != nil {
		return err
	}
	auditv1.RegisterCaseReadServiceServer(p.Server, read)
	auditv1.RegisterCaseWriteServiceServer(p.Server, write)
	return nil
}
