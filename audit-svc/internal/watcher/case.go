package watcher

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/casework"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/event"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/store"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/watch"
)

// take puts a finding into its case, and opens the case where there is none.
func (d *docket) take(ctx context.Context, e entry, f watch.Finding) error {
	found, none, err := d.find(ctx, f.Key)
	if err != nil {
		return err
	}
	state := casework.State("")
	if !none {
		state = casework.State(found.State)
	}
	kind, made := casework.OnFinding(state, f.Rule.Reopens, f.Rule.Once)
	if !made {
		return nil
	}
	if kind == casework.Opened {
		if found, err = d.open(ctx, e, f, found.Turn+1); err != nil {
			return err
		}
	}
	step := store.CaseStep{Kind: string(kind), EventID: e.event.GetId(), Measured: f.Count, Bound: f.Bound, Findings: found.Findings + 1}
	if found, err = d.step(ctx, found, step, f.Rule.ReviewWithin, e.event.GetOccurredAt().AsTime()); err != nil {
		return err
	}
	d.findings[f.Key.Rule]++
	if kind != casework.Opened {
		return nil
	}
	return d.attended(ctx, e, f, found)
}

// open adds a case; its first step follows.
func (d *docket) open(ctx context.Context, e entry, f watch.Finding, turn int) (store.Case, error) {
	id, err := d.cfg.NewID()
	if err != nil {
		return store.Case{}, fmt.Errorf("make case id: %w", err)
	}
	made := store.Case{
		ID: id.String(), Rule: f.Key.Rule, ODSCode: f.Key.ODSCode, StaffID: f.Key.StaffID, NHSNumber: f.Key.NHSNumber,
		Period: f.Key.Period, Turn: turn, StaffDisplay: e.event.GetActor().GetDisplay(), RoleCode: e.event.GetActor().GetRoleCode(),
		FirstAt: e.event.GetOccurredAt().AsTime(), OpenedAt: d.cfg.Now(), RulesVersion: d.cfg.Rules.Version(),
	}
	return made, d.cfg.Cases.Add(ctx, d.tx, made)
}

// step makes a step of the system in a case, and accounts for one that changes where it stands.
func (d *docket) step(ctx context.Context, c store.Case, s store.CaseStep, within time.Duration, since time.Time) (store.Case, error) {
	step := casework.Step{Do: casework.Kind(s.Kind), By: casework.System, Outcome: casework.Outcome(s.Outcome)}
	if within > 0 {
		step.Due = since.Add(within)
	}
	now := d.cfg.Now()
	next, err := casework.Next(store.Standing(c), step)
	if err != nil {
		return c, fmt.Errorf("make step %s: %w", s.Kind, err)
	}
	after := c.After(next, now)
	after.Findings = max(c.Findings, s.Findings)
	s.Actor = string(casework.System)
	if err := d.cfg.Cases.AddStep(ctx, d.tx, after.Step(s)); err != nil {
		return c, err
	}
	if after.State == c.State {
		return after, nil
	}
	return after, d.account(after, casework.Kind(s.Kind))
}

// account makes the event of a step of the system: that a case was opened, opened again or closed by itself is
// in the log like what people do with it, so that no case can be lost unnoticed.
func (d *docket) account(c store.Case, did casework.Kind) error {
	id, err := d.cfg.NewID()
	if err != nil {
		return fmt.Errorf("make event id: %w", err)
	}
	now := d.cfg.Now().UTC().Truncate(time.Microsecond)
	e := &auditv1.Event{
		Id: id.String(), OccurredAt: timestamppb.New(now), Action: "case." + actionOf(did), Outcome: auditv1.Outcome_OUTCOME_CHANGED,
		Actor:     &auditv1.Actor{Kind: auditv1.ActorKind_ACTOR_KIND_SERVICE, Display: "audit-svc"},
		NhsNumber: c.NHSNumber, Basis: &auditv1.Basis{Purpose: "oversight"},
		Change: &auditv1.Change{Resource: "case", Id: c.ID, Summary: casework.Summary(did, casework.Outcome(c.Outcome), c.Rule, "")},
	}
	if problem := event.Check(e, event.Direct, now); problem != nil {
		return fmt.Errorf("account for step: %w", problem)
	}
	row, err := store.NewRow(e, now)
	if err != nil {
		return err
	}
	d.events = append(d.events, row)
	return nil
}

// actionOf is the verb of a system's step in the log.
func actionOf(did casework.Kind) string {
	if did == casework.Opened {
		return "open"
	}
	return string(did)
}
