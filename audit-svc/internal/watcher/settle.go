package watcher

import (
	"context"
	"errors"
	"maps"

	"github.com/lib/pq"

	"github.com/dorsetcarerecord/dcr/internal/fault"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/casework"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/event"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/watch"
)

// settle writes what one event leads to, or nothing of it. An event that cannot be settled whatever is tried must
// not stop the watching of all that come after it: it is passed over, loudly. What another try may settle is an
// error of the whole run.
func (d *docket) settle(ctx context.Context, e entry, found []watch.Finding) error {
	events, findings := len(d.events), maps.Clone(d.findings)
	err := d.cfg.Cases.Apart(ctx, d.tx, func() error {
		for _, f := range found {
			if err := d.take(ctx, e, f); err != nil {
				return err
			}
		}
		return d.reconcile(ctx, e)
	}, hopeless)
	if err == nil || !hopeless(err) {
		return err
	}
	d.events, d.findings = d.events[:events], findings
	d.unreadable++
	d.cfg.Log.ErrorContext(ctx, "what the rules found in an event cannot be written; it was passed over", "leaf", e.index, "cause", fault.Trail(err))
	return nil
}

// hopeless tells errors that are the event's own: parts that the log or the database would not take, or a step
// that the table of casework does not have.
func hopeless(err error) bool {
	var problem *event.Problem
	var refusal casework.Refusal
	var pqErr *pq.Error
	switch {
	case errors.As(err, &problem), errors.As(err, &refusal):
		return true
	case errors.As(err, &pqErr):
		return pqErr.Code.Class() == "22" || pqErr.Code == "23514" || pqErr.Code == "23502"
	}
	return false
}
