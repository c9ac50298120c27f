package stack

import (
	"context"
	"time"
)

// until looks again and again until cond holds or ctx ends.
func until(ctx context.Context, cond func() bool) error {
	tick := time.NewTicker(readyEvery)
	defer tick.Stop()
	for !cond() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	return nil
}
