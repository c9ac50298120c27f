package ingest

import (
	"context"
	"maps"
	"slices"

	"github.com/dorsetcarerecord/dcr/record-svc/internal/render"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/section"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/store"
)

// render writes the changed entries with their lines, and the person's other lines and pieces anew.
func (w *work) render(ctx context.Context, changed []store.Entry) error {
	items, err := w.items(ctx)
	if err != nil {
		return err
	}
	var lines []store.Line
	var pieces []store.Piece
	for _, name := range section.All() {
		rendered, err := render.Lines(name, false, items)
		if err != nil {
			return err
		}
		lines = append(lines, linesOf(rendered)...)
		for _, level := range []render.Level{render.Full, render.Summary} {
			piece, err := pieceOf(name, render.Form{Level: level}, rendered, items)
			if err != nil {
				return err
			}
			pieces = append(pieces, piece)
		}
	}
	if err := w.Store.UpsertEntries(ctx, w.tx, w.settled.NHSNumber, changed, lines); err != nil {
		return err
	}
	if err := w.Store.UpsertPieces(ctx, w.tx, w.settled.NHSNumber, w.Rules.Version(), pieces); err != nil {
		return err
	}
	return w.Store.UpdateLines(ctx, w.tx, w.settled.NHSNumber, lines)
}

// items are the entries that are shown, with their sources.
func (w *work) items(ctx context.Context) ([]render.Item, error) {
	var codes []string
	for _, e := range w.entries {
		codes = append(codes, e.SourceODS)
	}
	slices.Sort(codes)
	sources, err := w.Store.SourcesOf(ctx, w.tx, slices.Compact(codes))
	if err != nil {
		return nil, err
	}
	if w.from.ODSCode != "" { // its name may be newer than what is stored
		sources[w.from.ODSCode] = w.from.Source
	}
	return itemsOf(slices.Collect(maps.Values(w.entries)), sources, w.person.GPODSCode)
}

func linesOf(rendered []render.Line) []store.Line {
	lines := make([]store.Line, 0, len(rendered))
	for _, r := range rendered {
		line := store.Line{EntryID: r.ID, Section: r.Section, SortAt: r.SortAt, Codes: r.Codes, Full: string(r.Full)}
		for _, m := range r.Members {
			line.Sources = append(line.Sources, m.ODS)
		}
		if r.Summary != nil {
			summary := string(r.Summary)
			line.Summary = &summary
		}
		lines = append(lines, line)
	}
	return lines
}
