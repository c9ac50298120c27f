package witness

import (
	"github.com/prometheus/client_golang/prometheus"
)

// Metrics of a witness, in a registry of their own.
type Metrics struct {
	Registry    *prometheus.Registry
	submissions *prometheus.CounterVec
	size        *prometheus.GaugeVec
	at          *prometheus.GaugeVec
	refused     *prometheus.GaugeVec
	fork        *prometheus.GaugeVec
}

// NewMetrics makes them.
func NewMetrics() *Metrics {
	byLog := []string{"log"}
	m := &Metrics{
		Registry: prometheus.NewRegistry(),
		submissions: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "dcr_witness_submissions_total",
			Help: "Checkpoints that were submitted, by log and ruling."}, []string{"log", "ruling"}),
		size: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "dcr_witness_tree_size",
			Help: "Leaves in the last checkpoint that was cosigned."}, byLog),
		at: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "dcr_witness_cosigned_timestamp_seconds",
			Help: "When the last checkpoint was cosigned."}, byLog),
		refused: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "dcr_witness_refused",
			Help: "1 while the last word about a log was an alarming refusal: look at /status."}, byLog),
		fork: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "dcr_witness_fork",
			Help: "1 for ever once a log has shown two histories: the evidence is on disk."}, byLog),
	}
	m.Registry.MustRegister(m.submissions, m.size, m.at, m.refused, m.fork)
	return m
}

// count a submission.
func (m *Metrics) count(origin, ruling string) { m.submissions.WithLabelValues(origin, ruling).Inc() }

// show what is remembered of a log.
func (m *Metrics) show(origin string, e Entry) {
	last, err := e.Last()
	if err == nil {
		m.size.WithLabelValues(origin).Set(float64(last.Size))
	}
	if !e.CosignedAt.IsZero() {
		m.at.WithLabelValues(origin).Set(float64(e.CosignedAt.Unix()))
	}
	m.refused.WithLabelValues(origin).Set(truth(e.Refused != nil))
	m.fork.WithLabelValues(origin).Set(truth(e.Fork != nil))
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
