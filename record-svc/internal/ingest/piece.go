package ingest

import (
	"cmp"
	"slices"
	"time"

	"github.com/dorsetcarerecord/dcr/record-svc/internal/render"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/section"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/store"
)

// itemsOf are the shown entries of a person, as package render takes them. gp is the practice of
// registration: entries of another practice say that it is a former one.
func itemsOf(entries []*store.Entry, sources map[string]store.Source, gp string) ([]render.Item, error) {
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
		isPractice := KindOf(from.Kind) == section.Practice
		items = append(items, render.Item{ID: e.ID, Entry: content, Received: e.ReceivedAt, Source: render.Source{
			ODS: e.SourceODS, Name: from.Name, Practice: isPractice, Former: isPractice && gp != "" && gp != e.SourceODS,
		}})
	}
	// They come in any order, and bytes must be the same each time.
	slices.SortFunc(items, func(a, b render.Item) int { return cmp.Compare(a.ID, b.ID) })
	return items, nil
}

// Masked is a section of a restricted person as an unbroken view shows it, made when it is asked for.
func Masked(want store.Wanted, items []render.Item) (store.Piece, error) {
	lines, err := render.Lines(want.Section, true, items)
	if err != nil {
		return store.Piece{}, err
	}
	return pieceOf(want.Section, render.Form{Level: want.Level, Masked: true}, lines, items)
}

// pieceOf renders a section in one form; lines are its lines in the same masking.
func pieceOf(name section.Name, form render.Form, lines []render.Line, items []render.Item) (store.Piece, error) {
	made, err := render.Section(name, form, items)
	if err != nil {
		return store.Piece{}, err
	}
	return store.Piece{
		Section: name, Level: form.Level, Body: string(made.JSON), Entries: made.Entries, Shown: shownBy(made, form.Level, lines, items),
	}, nil
}

// shownBy counts, for each organisation of a piece, its entries and the latest that is shown: dates of this
// person come only with an entry that is.
func shownBy(piece render.Piece, level render.Level, lines []render.Line, items []render.Item) []store.SourceShown {
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
