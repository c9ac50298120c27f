package sequencer

import (
	"context"
	"time"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/store"
)

// sweep is a walk over all events in the order of their ids, a stretch at a time. It finds what rounds
// cannot: events of a release that did not say which transaction stored them, and, should the reasoning
// about transactions ever be wrong or a database be put together from parts, events that it missed.
type sweep struct {
	after string
	due   time.Time
}

// sweepOn goes on with the sweep when one is due. Rounds come first; it runs between them.
func (t *term) sweepOn(ctx context.Context) error {
	if t.cfg.Now().Before(t.sweep.due) {
		return nil
	}
	ctx, cancel := t.whole(ctx)
	defer cancel()
	open, last, err := t.lead.Sweep(ctx, t.sweep.after, min(sweepStretch, t.cfg.Group))
	if err != nil {
		return err
	}
	if len(open) > 0 {
		t.tell(ctx, open)
		if err := t.grow(ctx, open, t.seen); err != nil {
			return err
		}
	}
	t.sweep.after = last
	if last == "" {
		t.sweep = sweep{after: store.NoID, due: t.cfg.Now().Add(t.cfg.Sweep)}
		t.metrics.sweeps.Add(ctx, 1)
	}
	return nil
}

// tell is loud about events that a round should have taken. Those of transactions that no round has looked at
// yet are ordinary, and so are those that do not say.
func (t *term) tell(ctx context.Context, open []store.Candidate) {
	missed := 0
	for _, c := range open {
		if c.StoredIn != 0 && t.seen.Finished(c.StoredIn) {
			missed++
		}
	}
	if missed > 0 {
		t.metrics.missed.Add(ctx, int64(missed))
		t.cfg.Diary.ErrorContext(ctx, "events had no place in the tree although their transactions count as seen; "+
			"they have one now", "events", missed)
	}
}
