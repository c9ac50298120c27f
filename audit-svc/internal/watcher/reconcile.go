package watcher

import (
	"context"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/casework"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/event"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/store"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/watch"
)

// reconcile closes the cases of a person that a feed explains.
func (d *docket) reconcile(ctx context.Context, e entry) error {
	attendances := watch.Attendances(e.event)
	if len(attendances) == 0 {
		return nil
	}
	var rules []string
	for _, r := range d.cfg.Rules.List() {
		if r.Reconcilable() {
			rules = append(rules, r.ID)
		}
	}
	waiting, err := d.cfg.Cases.Reconcilable(ctx, d.tx, e.event.GetNhsNumber(), rules, undecided())
	if err != nil {
		return err
	}
	for _, c := range waiting {
		if err := d.explainedBy(ctx, c, attendances); err != nil {
			return err
		}
	}
	return nil
}

// undecided are the states in which a feed may still close a case.
func undecided() []string {
	var states []string
	for _, t := range casework.Life() {
		if t.Do == casework.Reconcile {
			for _, s := range t.From {
				states = append(states, string(s))
			}
		}
	}
	return states
}

// explainedBy closes a case when one of the attendances is the one that was declared.
func (d *docket) explainedBy(ctx context.Context, c store.Case, attendances []watch.Attendance) error {
	rule := d.cfg.Rules.Find(c.Rule)
	key := watch.Key{Rule: c.Rule, ODSCode: c.ODSCode, StaffID: c.StaffID, NHSNumber: c.NHSNumber, Period: c.Period}
	for _, a := range attendances {
		if !rule.Reconciles(key, c.FirstAt, a) {
			continue
		}
		now, _, err := d.locked(ctx, c.ID)
		if err != nil {
			return err
		}
		if casework.State(now.State) != casework.Open && casework.State(now.State) != casework.Explained {
			return nil // somebody decided meanwhile
		}
		_, err = d.step(ctx, now, store.CaseStep{
			Kind: string(casework.Reconcile), Outcome: string(casework.Reconciled), EventID: a.EventID, Findings: now.Findings,
		}, 0, c.FirstAt)
		return err
	}
	return nil
}

// attended looks, when a case was opened, for a feed that reached the log before the declaration did: the two
// come from two outboxes, in any order.
func (d *docket) attended(ctx context.Context, e entry, f watch.Finding, c store.Case) error {
	if !f.Rule.Reconcilable() {
		return nil
	}
	since := c.FirstAt.Add(-f.Rule.LookBack())
	told, err := d.cfg.Cases.EventsBefore(ctx, d.tx, c.NHSNumber, watch.ActionFeed, since, e.index)
	if err != nil {
		return err
	}
	var attendances []watch.Attendance
	for _, t := range told {
		if decoded, err := event.Decode(t.Body); err == nil {
			attendances = append(attendances, watch.Attendances(decoded)...)
		}
	}
	return d.explainedBy(ctx, c, attendances)
}
