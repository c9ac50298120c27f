package ingest

import (
	"context"
	"slices"
	"time"

	"github.com/dorsetcarerecord/dcr/record-svc/internal/render"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/section"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/store"
)

// render writes the person's lines and pieces anew. A masked form is kept for a restricted person alone.
func (w *work) render(ctx context.Context) error {
	items, err := w.items(ctx)
	if err != nil {
		return err
	}
	var lines []store.Line
	for _, name := range section.All() {
		for _, isMasked := range maskings(w.person.Restricted) {
			rendered, err := render.Lines(name, isMasked, items)
			if err != nil {
				return err
			}
			if !isMasked {
				lines = append(lines, linesOf(rendered)...)
			}
			if err := w.writePieces(ctx, name, isMasked, rendered, items); err != nil {
				return err
			}
		}
	}
	return w.Store.UpdateLines(ctx, w.tx, w.settled.NHSNumber, lines)
}

func maskings(restricted bool) []bool {
	if restricted {
		return []bool{false, true}
	}
	return []bool{false}
}

func (w *work) writePieces(ctx context.Context, name section.Name, isMasked bool, lines []render.Line, items []render.Item) error {
	for _, level := range []render.Level{render.Full, render.Summary} {
		made, err := render.Section(name, render.Form{Level: level, Masked: isMasked}, items)
		if err != nil {
			return err
		}
		piece := store.Piece{
			Section: name, Level: level, Masked: isMasked, Rules: w.Rules.Version(), Body: string(made.JSON), Entries: made.Entries,
			Shown: shown(made, level, lines, items),
		}
		if err := w.Store.UpsertPiece(ctx, w.tx, w.settled.NHSNumber, piece); err != nil {
			return err
		}
	}
	return nil
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
	return Items(w.entries, sources, w.person.GPODSCode)
}

// Items are the shown entries of a person, as package render takes them. gp is the practice of registration:
// entries of another practice say that it is a former one.
func Items(entries map[string]*store.Entry, sources map[string]store.Source, gp string) ([]render.Item, error) {
	var items []render.Item
	for _, e := range entries {
		if e.State != store.Shown {
			continue
		}
		content, ok, err := e.Computed()
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		from := sources[e.SourceODS]
		isPractice := kindOf(from.Kind) == section.Practice
		items = append(items, render.Item{ID: e.ID, Entry: content, Received: e.ReceivedAt, Source: render.Source{
			ODS: e.SourceODS, Name: from.Name, Practice: isPractice, Former: isPractice && gp != "" && gp != e.SourceODS,
		}})
	}
	slices.SortFunc(items, func(a, b render.Item) int { // maps have no order, and bytes must be the same each time
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	return items, nil
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

// shown counts, for each organisation of a piece, its entries and the latest that is shown: dates of this
// person come only with an entry that is.
func shown(piece render.Piece, level render.Level, lines []render.Line, items []render.Item) []store.SourceShown {
	counts, latest := map[string]int64{}, map[string]time.Time{}
	note := func(ods string, received time.Time) {
		if received.After(latest[ods]) {
			latest[ods] = received
		}
	}
	for _, l := range lines {
		if level == render.Summary && l.Summary == nil {
			continue
		}
		for _, m := range l.Members {
			counts[m.ODS]++
			note(m.ODS, m.Received)
		}
	}
	for _, i := range items {
		if i.Section == piece.Section && i.NoneKnown {
			note(i.Source.ODS, i.Received)
		}
	}
	all := make([]store.SourceShown, 0, len(piece.Sources))
	for _, ods := range piece.Sources {
		all = append(all, store.SourceShown{ODSCode: ods, Entries: counts[ods], Latest: latest[ods].UTC().Format(time.RFC3339)})
	}
	return all
}
