package groupcommit

import (
	"context"
	"errors"

	"github.com/dorsetcarerecord/dcr/internal/failpoint"
	"github.com/dorsetcarerecord/dcr/internal/fault"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/store"
)

// batch is what shares one commit.
type batch struct {
	together []*waiting
	// apart holds appends of ids that are in the batch already: an event that is sent twice at the same
	// moment. They come after it, when it can be compared with what was stored.
	apart []*waiting
}

// gather takes what waits already, and waits for nothing.
func (c *Committer) gather(first *waiting) batch {
	b := batch{together: []*waiting{first}}
	ids := map[string]bool{}
	size := take(ids, first)
	for size < c.cfg.BatchEvents {
		select {
		case next := <-c.queue:
			switch {
			case next.ctx.Err() != nil: // answered already
			case overlaps(ids, next):
				b.apart = append(b.apart, next)
			default:
				b.together = append(b.together, next)
				size += take(ids, next)
			}
		default:
			return b
		}
	}
	return b
}

func take(ids map[string]bool, w *waiting) int {
	for _, row := range w.rows {
		ids[row.ID] = true
	}
	return len(w.rows)
}

func overlaps(ids map[string]bool, w *waiting) bool {
	for _, row := range w.rows {
		if ids[row.ID] {
			return true
		}
	}
	return false
}

// commit stores a batch and answers everybody in it.
func (c *Committer) commit(b batch) {
	if err := c.store(b.together); err != nil {
		c.onTheirOwn(b.together, err)
	}
	for _, w := range b.apart {
		if err := c.store([]*waiting{w}); err != nil {
			c.onTheirOwn([]*waiting{w}, err)
		}
	}
}

// store commits some appends together and answers them. On an error nobody was answered, and nothing is
// known to be stored.
func (c *Committer) store(some []*waiting) error {
	// The batch outlives each of its callers, so it has a time of its own.
	ctx, cancel := context.WithTimeout(context.Background(), c.cfg.Wait)
	defer cancel()
	groups, events := make([][]store.Row, len(some)), 0
	for i, w := range some {
		groups[i] = w.rows
		events += len(w.rows)
	}
	failpoint.Hit("audit.append.gathered")
	results, err := c.cfg.Log.Append(ctx, groups)
	failpoint.Hit("audit.append.stored")
	if err != nil {
		return err
	}
	c.metrics.batch.Record(ctx, int64(events))
	for i, w := range some {
		w.done <- answer{result: results[i]}
	}
	return nil
}

// onTheirOwn goes on after a batch that failed. When the database could not answer, nobody is stored. Else
// one of the batch is at fault, and each is tried by itself, so that it fails none of its neighbours.
func (c *Committer) onTheirOwn(some []*waiting, why error) {
	if len(some) == 1 || isUnavailable(why) {
		for _, w := range some {
			w.done <- answer{err: c.refusal(why)}
		}
		return
	}
	c.metrics.split.Add(context.Background(), 1)
	for _, w := range some {
		if w.ctx.Err() != nil {
			continue
		}
		if err := c.store([]*waiting{w}); err != nil {
			w.done <- answer{err: c.refusal(err)}
		}
	}
}

// refusal is what an append is told that was not stored.
func (c *Committer) refusal(err error) error {
	switch {
	case errors.Is(err, store.ErrNoPartition):
		c.cfg.Diary.Error("events cannot be stored: there is no partition for their month; run audit-svc maintain")
		return unavailable("the log has no room for this month", err)
	case isUnavailable(err):
		return unavailable("the log cannot be reached now", err)
	default:
		return fault.Internal(err)
	}
}

// isUnavailable tells failures of the database from failures of a row.
func isUnavailable(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return true
	}
	var f *fault.Error
	return errors.As(err, &f) && f.Kind == fault.KindUnavailable
}
