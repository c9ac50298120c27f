package register

import (
	"fmt"
	"sync/atomic"
	"time"
)

// Meter tells how far an import or an export is. It is safe for use by several goroutines.
type Meter struct {
	rows  int64 // in all; 0 when nobody knows
	began time.Time
	now   func() time.Time

	finished, bad atomic.Int64
}

// NewMeter makes a meter of so many rows; 0 when their number is not known.
func NewMeter(rows int, now func() time.Time) *Meter {
	return &Meter{rows: int64(rows), began: now(), now: now}
}

func (m *Meter) done(rows, bad int) {
	m.bad.Add(int64(bad))
	m.finished.Add(int64(rows))
}

// Line tells how far it is: rows, rows a second, and the time that the rest will take at this speed.
func (m *Meter) Line() string {
	took, finished := m.now().Sub(m.began), m.finished.Load()
	line := fmt.Sprintf("%d rows", finished)
	if m.rows > 0 {
		line = fmt.Sprintf("%d of %d rows", finished, m.rows)
	}
	line += fmt.Sprintf(", %.0f rows/s", float64(finished)/max(took.Seconds(), 0.001))
	if n := m.bad.Load(); n > 0 {
		line += fmt.Sprintf(", %d not taken", n)
	}
	if rest := m.rows - finished; finished > 0 && rest > 0 {
		left := time.Duration(float64(took) * float64(rest) / float64(finished))
		line += ", about " + left.Round(time.Second).String() + " left"
	}
	return line
}
