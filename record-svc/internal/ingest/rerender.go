package ingest

import (
	"context"

	"github.com/jmoiron/sqlx"

	"github.com/dorsetcarerecord/dcr/internal/nhsnumber"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/bundle"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/store"
)

// Rerender renders a person anew under the never-shared sets in force. Entries that the sets now withhold
// are hidden; what they once withheld was never kept and does not come back.
func (g *Ingester) Rerender(ctx context.Context, number nhsnumber.Number) error {
	return g.Store.InTx(ctx, func(tx *sqlx.Tx) error {
		w := &work{Ingester: g, tx: tx, settled: &bundle.Settled{NHSNumber: number}}
		var err error
		if w.person, err = g.Store.LockPerson(ctx, tx, number); err != nil {
			return err
		}
		if w.person.Rules == g.Rules.Version() {
			return nil // another call did it while this one waited
		}
		if err := w.load(ctx); err != nil {
			return err
		}
		p := &planned{}
		if err := w.applyRules(ctx, p); err != nil {
			return err
		}
		if err := g.Store.UpdatePerson(ctx, tx, number, w.person); err != nil {
			return err
		}
		return w.render(ctx, p.changed)
	})
}

// applyRules brings all of the person under the sets in force. What the bundle at hand brought is already;
// the rest may have come under others, and is about to be rendered with it.
func (w *work) applyRules(ctx context.Context, p *planned) error {
	before := w.person.Rules
	w.person.Rules = w.Rules.Version()
	if before == "" || before == w.person.Rules {
		return nil
	}
	return w.withhold(ctx, p)
}

// withhold hides the shown entries whose resource the sets in force withhold, and shows again those that
// only an earlier set withheld and whose resource was kept. It adds them to what is changed.
func (w *work) withhold(ctx context.Context, p *planned) error {
	judged := make(map[string]bool, len(p.changed))
	for _, e := range p.changed {
		judged[e.ID] = true
	}
	raws, err := w.Store.Current(ctx, w.tx, w.settled.NHSNumber, nil)
	if err != nil {
		return err
	}
	for id, raw := range raws {
		e := w.entries[id]
		if judged[id] {
			continue
		}
		_, matched := w.Rules.MatchResource(raw)
		switch {
		case matched && e.State == store.Shown:
			e.State = store.NeverShared
		case !matched && e.State == store.NeverShared && e.Content != "":
			e.State = store.Shown
		default:
			continue
		}
		p.changed = append(p.changed, *e)
	}
	return nil
}
