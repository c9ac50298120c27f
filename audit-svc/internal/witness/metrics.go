package witness

import (
	"errors"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// resultKey is how an attempt ended: ok, refused, no_witness, unreachable.
const resultKey = attribute.Key("result")

// metrics are what operators see of the witnesses (docs/operations/metrics.md).
type metrics struct {
	attempts metric.Int64Counter
	behind   metric.Int64Gauge
}

func newMetrics(meter metric.Meter) (metrics, error) {
	attempts, err1 := meter.Int64Counter("dcr.audit.witness.attempts",
		metric.WithDescription("Looks for a checkpoint to be witnessed, by witness and result. A refusal is an alarm."))
	behind, err2 := meter.Int64Gauge("dcr.audit.witness.behind", metric.WithUnit("{leaf}"),
		metric.WithDescription("Leaves of the largest checkpoint that a witness has not cosigned. Told by the elected replica."))
	return metrics{attempts, behind}, errors.Join(err1, err2)
}

// by names the witness, whose name is public.
func by(w *peer) metric.MeasurementOption {
	return metric.WithAttributes(attribute.String("witness", w.Signer))
}
