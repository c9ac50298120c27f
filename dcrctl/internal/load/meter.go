package load

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/dorsetcarerecord/dcr/dcrctl/internal/progress"
)

// Meter counts, and tells how far an import is.
type Meter struct {
	bundles, bytes int64 // in all
	began          time.Time
	now            func() time.Time

	doneBundles, doneBytes atomic.Int64
	sentBytes, resources   atomic.Int64
	refusals               atomic.Int64
}

// NewMeter makes a meter of so many bundles and bytes.
func NewMeter(bundles int, bytes int64, now func() time.Time) *Meter {
	return &Meter{bundles: int64(bundles), bytes: bytes, began: now(), now: now}
}

// done counts a bundle; sent tells whether it cost a call, for the speed.
func (m *Meter) done(size int64, resources int, sent bool) {
	if sent {
		m.sentBytes.Add(size)
		m.resources.Add(int64(resources))
	}
	m.doneBytes.Add(size)
	m.doneBundles.Add(1)
}

// line tells how far it is: bundles, resources a second, and the time that the rest will take at this speed.
func (m *Meter) line() string {
	took := m.now().Sub(m.began)
	line := fmt.Sprintf("%d of %d bundles, %.0f resources/s", m.doneBundles.Load(), m.bundles,
		float64(m.resources.Load())/max(took.Seconds(), 0.001))
	if n := m.refusals.Load(); n > 0 {
		line += fmt.Sprintf(", %d not taken", n)
	}
	if sent, rest := m.sentBytes.Load(), m.bytes-m.doneBytes.Load(); sent > 0 && rest > 0 {
		left := time.Duration(float64(took) * float64(rest) / float64(sent))
		line += ", about " + left.Round(time.Second).String() + " left"
	}
	return line
}

// Show prints lines until ctx ends.
func (m *Meter) Show(ctx context.Context, w io.Writer, terminal bool) {
	progress.Show(ctx, w, terminal, m.line)
}
