package sequencer

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/metric"
)

// metrics are what operators see of the tree (docs/operations/metrics.md).
type metrics struct {
	group       metric.Int64Histogram
	terms       metric.Int64Counter
	failures    metric.Int64Counter
	fenced      metric.Int64Counter
	checkpoints metric.Int64Counter
	sweeps      metric.Int64Counter
	missed      metric.Int64Counter
}

func newMetrics(meter metric.Meter, s *Sequencer) (metrics, error) {
	var m metrics
	var errs []error
	counter := func(into *metric.Int64Counter, name, text string) {
		made, err := meter.Int64Counter(name, metric.WithDescription(text))
		*into, errs = made, append(errs, err)
	}
	counter(&m.terms, "dcr.audit.sequencer.terms", "Elections that this replica won.")
	counter(&m.failures, "dcr.audit.sequencer.failures", "Candidacies and terms that ended with an error.")
	counter(&m.fenced, "dcr.audit.sequencer.fenced", "Terms that ended because another sequencer had grown the tree.")
	counter(&m.checkpoints, "dcr.audit.checkpoints.signed", "Checkpoints signed by this replica.")
	counter(&m.sweeps, "dcr.audit.sequencer.sweeps", "Sweeps over all events that were finished.")
	counter(&m.missed, "dcr.audit.sequencer.missed", "Events that a sweep found without a place in the tree although they count as seen. Must be 0.")
	var err error
	m.group, err = meter.Int64Histogram("dcr.audit.sequencer.group", metric.WithUnit("{event}"),
		metric.WithDescription("Events that got their places in one transaction."),
		metric.WithExplicitBucketBoundaries(1, 4, 16, 64, 256, 1024, 4096))
	errs = append(errs, err)
	gauge := func(name, text string, read func() int64) {
		_, err := meter.Int64ObservableGauge(name, metric.WithDescription(text),
			metric.WithInt64Callback(func(_ context.Context, o metric.Int64Observer) error {
				o.Observe(read())
				return nil
			}))
		errs = append(errs, err)
	}
	gauge("dcr.audit.sequencer.leading", "1 on the replica that is elected to sequence, else 0. The sum over all must be 1.", func() int64 {
		if s.Leads() {
			return 1
		}
		return 0
	})
	gauge("dcr.audit.tree.size", "Leaves of the tree as this replica last knew; -1 when it was never elected.", s.size.Load)
	return m, errors.Join(errs...)
}
