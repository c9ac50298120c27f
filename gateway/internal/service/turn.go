package service

import (
	"context"
	"time"

	"github.com/dorsetcarerecord/dcr/internal/fault"
)

// reasonLogBusy is told to readers of the public log when too many read it.
const reasonLogBusy = "LOG_BUSY"

// turns lets a few through at a time, and a bounded number wait for a short time. It keeps whoever reads the
// public log, which anybody may do as fast as they can, from taking the places and connections that calls of
// staff need: their every view waits for an append to the same audit-svc.
type turns struct {
	places, waiting chan struct{}
	patience        time.Duration
}

// newTurns makes turns for so many at once and so many waiting.
func newTurns(atOnce, waiting int, patience time.Duration) *turns {
	return &turns{make(chan struct{}, atOnce), make(chan struct{}, atOnce+waiting), patience}
}

// take waits for a turn. Whoever got one ends it with leave.
func (t *turns) take(ctx context.Context) (leave func(), err error) {
	busy := fault.Exhausted(reasonLogBusy, "too many are reading the log now").After(time.Second)
	select {
	case t.waiting <- struct{}{}:
	default:
		return nil, busy
	}
	timer := time.NewTimer(t.patience)
	defer timer.Stop()
	select {
	case t.places <- struct{}{}:
		return func() { <-t.places; <-t.waiting }, nil
	case <-timer.C:
		<-t.waiting
		return nil, busy
	case <-ctx.Done():
		<-t.waiting
		return nil, ctx.Err()
	}
}
