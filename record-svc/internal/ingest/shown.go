package ingest

import (
	"context"

	"github.com/dorsetcarerecord/dcr/internal/nhsnumber"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/render"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/store"
)

// Shown reads the gate and the shown entries of a person in one statement, for views that are rendered when
// they are asked for. There are none where the gate is not open for the asked choice.
func (g *Ingester) Shown(ctx context.Context, number nhsnumber.Number, asked int64) (store.Gate, []render.Item, error) {
	gate, content, err := g.Store.Shown(ctx, number, asked)
	if err != nil {
		return gate, nil, err
	}
	entries := make([]*store.Entry, len(content.Entries))
	for i := range content.Entries {
		entries[i] = &content.Entries[i]
	}
	items, err := itemsOf(entries, content.Sources, content.GPODSCode)
	return gate, items, err
}
