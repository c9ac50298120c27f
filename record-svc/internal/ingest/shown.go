package ingest

import (
	"context"

	"github.com/jmoiron/sqlx"

	"github.com/dorsetcarerecord/dcr/internal/nhsnumber"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/render"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/store"
)

// Shown reads the gate and the shown entries of a person, for views that are rendered when they are asked
// for. Items are read only where the gate is open for the asked choice, in one transaction that holds the
// person's row, so that what is read under it belongs together.
func (g *Ingester) Shown(ctx context.Context, number nhsnumber.Number, asked int64) (store.Gate, []render.Item, error) {
	var gate store.Gate
	var items []render.Item
	err := g.Store.InTx(ctx, func(tx *sqlx.Tx) error {
		var err error
		if gate, err = g.Store.GateIn(ctx, tx, number, asked); err != nil || !gate.Open(asked) {
			return err
		}
		person, err := g.Store.LockPerson(ctx, tx, number)
		if err != nil {
			return err
		}
		w := &work{Ingester: g, tx: tx, person: person}
		w.settled = settledFor(number)
		if err := w.load(ctx); err != nil {
			return err
		}
		if items, err = w.items(ctx); err != nil {
			return err
		}
		// Again, under the lock: the choice may have come while the entries were read.
		gate, err = g.Store.GateIn(ctx, tx, number, asked)
		return err
	})
	if err != nil {
		return gate, nil, err
	}
	return gate, items, nil
}
