package bench

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Case is one thing to measure.
type Case struct {
	Name string
	// Do is one operation of worker w; n numbers its operations.
	Do func(ctx context.Context, w, n int) error
	// Workers at once.
	Workers int
	// PIDs of the server processes whose CPU counts.
	PIDs []int
	// PerOp is how many things one operation does: resources of a bundle, say. 0 means 1.
	PerOp int
}

// Sample is one round of a case.
type Sample struct {
	// Rate is operations (times PerOp) per second.
	Rate float64
	// CPU of the server processes for one.
	CPU time.Duration
}

// Result is all rounds of a case.
type Result struct {
	Name    string
	Samples []Sample
}

// Run measures the cases in turn, rounds times, each for about length. A failing operation ends it: a rate
// of refusals would be a wrong number.
func Run(ctx context.Context, cases []Case, rounds int, length time.Duration) ([]Result, error) {
	results := make([]Result, len(cases))
	for i, c := range cases {
		results[i].Name = c.Name
		if _, err := round(ctx, c, length/4); err != nil { // warm: connections, plans, caches
			return nil, fmt.Errorf("%s: %w", c.Name, err)
		}
	}
	for range rounds {
		for i, c := range cases {
			s, err := round(ctx, c, length)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.Name, err)
			}
			results[i].Samples = append(results[i].Samples, s)
		}
	}
	return results, nil
}

func round(ctx context.Context, c Case, length time.Duration) (Sample, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	before, err := cpuOf(c.PIDs)
	if err != nil {
		return Sample{}, err
	}
	start := time.Now()
	var done atomic.Int64
	var workers sync.WaitGroup
	for w := range c.Workers {
		workers.Go(func() {
			for n := 0; time.Since(start) < length && ctx.Err() == nil; n++ {
				if err := c.Do(ctx, w, n); err != nil {
					cancel(err)
					return
				}
				done.Add(1)
			}
		})
	}
	workers.Wait()
	took := time.Since(start)
	if err := context.Cause(ctx); err != nil {
		return Sample{}, err
	}
	after, err := cpuOf(c.PIDs)
	if err != nil {
		return Sample{}, err
	}
	things := float64(done.Load()) * float64(max(c.PerOp, 1))
	return Sample{Rate: things / took.Seconds(), CPU: time.Duration(float64(after-before) / things)}, nil
}

// middle is the median with minimum and maximum.
func middle[T float64 | time.Duration](samples []Sample, of func(Sample) T) (median, least, most T) {
	var all []T
	for _, s := range samples {
		all = append(all, of(s))
	}
	slices.Sort(all)
	return all[len(all)/2], all[0], all[len(all)-1]
}
