package watcher

import (
	"context"
	"errors"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/casework"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/store"
)

// metrics are of rules and states, which come from short lists; none can carry a person's data, and none
// names an organisation.
type metrics struct {
	judged     metric.Int64Counter
	findings   metric.Int64Counter
	unreadable metric.Int64Counter

	mu     sync.Mutex
	behind int64 // leaves; -1 while not known
	counts []store.CaseCount
}

func newMetrics(meter metric.Meter) (*metrics, error) {
	m := &metrics{behind: -1}
	var errs [6]error
	m.judged, errs[0] = meter.Int64Counter("dcr.audit.watch.events", metric.WithDescription("Events that the rules of watching judged, by this replica."))
	m.findings, errs[1] = meter.Int64Counter("dcr.audit.watch.findings", metric.WithDescription("Findings, by rule, by this replica."))
	m.unreadable, errs[2] = meter.Int64Counter("dcr.audit.watch.unreadable", metric.WithDescription("Stored events that could not be read, or what was found in them not written: they were passed over. Run audit-svc fsck."))
	_, errs[3] = meter.Int64ObservableGauge("dcr.audit.watch.behind", metric.WithUnit("{leaf}"),
		metric.WithDescription("Leaves of the tree that the rules have not judged yet; -1 means not known. The same on every replica."),
		metric.WithInt64Callback(m.observeBehind))
	_, errs[4] = meter.Int64ObservableGauge("dcr.audit.cases",
		metric.WithDescription("Cases that are not closed, by rule and state. The same on every replica."), metric.WithInt64Callback(m.observeCases))
	_, errs[5] = meter.Int64ObservableGauge("dcr.audit.cases.overdue",
		metric.WithDescription("Open cases that nobody looked at in time, by rule. The same on every replica."), metric.WithInt64Callback(m.observeOverdue))
	return m, errors.Join(errs[:]...)
}

// count adds up one run that was committed.
func (m *metrics) count(ctx context.Context, d *docket) {
	m.judged.Add(ctx, int64(len(d.run)))
	m.unreadable.Add(ctx, d.unreadable)
	for rule, n := range d.findings {
		m.findings.Add(ctx, n, metric.WithAttributes(attribute.String("rule", rule)))
	}
}

// measureLag looks how far the log was watched.
func (w *Watcher) measureLag(ctx context.Context) error {
	watched, err := w.cfg.Cases.Watched(ctx, nil)
	if err != nil {
		return err
	}
	end, err := w.cfg.Cases.TreeEnd(ctx)
	if err != nil {
		return err
	}
	w.metrics.mu.Lock()
	defer w.metrics.mu.Unlock()
	w.metrics.behind = max(0, end-watched)
	return nil
}

// measureCases counts what is not closed. Rules that have a time to review show a zero too, so that an alarm
// tells "none" from "not known".
func (w *Watcher) measureCases(ctx context.Context) error {
	counts, err := w.cfg.Cases.Count(ctx, w.cfg.Now())
	if err != nil {
		return err
	}
	w.metrics.mu.Lock()
	defer w.metrics.mu.Unlock()
	for _, rule := range w.cfg.Rules.List() {
		if rule.ReviewWithin > 0 {
			counts = append(counts, store.CaseCount{Rule: rule.ID, State: string(casework.Open)})
		}
	}
	w.metrics.counts = counts
	return nil
}

func (m *metrics) observeBehind(_ context.Context, o metric.Int64Observer) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	o.Observe(m.behind)
	return nil
}

func (m *metrics) observeCases(_ context.Context, o metric.Int64Observer) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	cases := map[[2]string]int64{}
	for _, c := range m.counts {
		cases[[2]string{c.Rule, c.State}] += c.Cases
	}
	for key, n := range cases {
		o.Observe(n, metric.WithAttributes(attribute.String("rule", key[0]), attribute.String("state", key[1])))
	}
	return nil
}

func (m *metrics) observeOverdue(_ context.Context, o metric.Int64Observer) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	overdue := map[string]int64{}
	for _, c := range m.counts {
		overdue[c.Rule] += c.Overdue
	}
	for rule, n := range overdue {
		o.Observe(n, metric.WithAttributes(attribute.String("rule", rule)))
	}
	return nil
}
