package service

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/dorsetcarerecord/dcr/record-svc/internal/ingest"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/render"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/store"
)

// maskPieces renders the wanted sections of a restricted person, whose ready ones are never masked.
func (r *reads) maskPieces(ctx context.Context, g *grant, v *view, want []store.Wanted) error {
	gate, items, err := r.ingester.Shown(ctx, g.number, g.choice)
	if err := checkGate(gate, g.choice, err); err != nil {
		return err
	}
	if gate.Rules != r.rules.Version() {
		return errStale
	}
	for _, w := range want {
		if v.pieces[w.Section], err = ingest.Masked(w, items); err != nil {
			return err
		}
	}
	return nil
}

// maskedPage is a page of a restricted person's list while the restriction is unbroken. Restricted people
// are few, so their lines are made when they are asked for. The filters see only what the page would show:
// asking for the entries of a practice must not tell that it is the person's.
func (r *reads) maskedPage(ctx context.Context, g *grant, f store.ListFilter) ([]store.ListedLine, error) {
	gate, items, err := r.ingester.Shown(ctx, g.number, g.choice)
	if err := checkGate(gate, g.choice, err); err != nil {
		return nil, err
	}
	if gate.Rules != r.rules.Version() {
		return nil, notReady()
	}
	practices := map[string]bool{}
	for _, i := range items {
		practices[i.Source.ODS] = practices[i.Source.ODS] || i.Source.Practice
	}
	var all []store.ListedLine
	for name, level := range g.levels {
		if !slices.Contains(f.Full, string(name)) && !slices.Contains(f.Summary, string(name)) {
			continue
		}
		lines, err := render.Lines(name, true, items)
		if err != nil {
			return nil, err
		}
		for _, l := range lines {
			if line, ok := listed(l, level, f, practices); ok {
				all = append(all, line)
			}
		}
	}
	slices.SortFunc(all, func(a, b store.ListedLine) int { return -compareCursor(a.Cursor, b.Cursor) })
	return all[:min(len(all), f.Limit)], nil
}

// listed is a line that passes the filters, in the form of its section.
func listed(l render.Line, level render.Level, f store.ListFilter, practices map[string]bool) (store.ListedLine, bool) {
	line := store.ListedLine{Cursor: cursorOf(l), Section: l.Section, Body: string(l.Full)}
	if level == render.Summary {
		if l.Summary == nil {
			return line, false
		}
		line.Body = string(l.Summary)
	}
	bySource := f.SourceODS == ""
	for _, m := range l.Members {
		line.Sources = append(line.Sources, m.ODS)
		bySource = bySource || m.ODS == f.SourceODS && !practices[m.ODS]
	}
	switch {
	case !bySource,
		f.Code != "" && !slices.Contains(l.Codes, f.Code),
		f.Since != nil && !l.SortAt.IsZero() && l.SortAt.Before(*f.Since),
		f.After != nil && compareCursor(line.Cursor, *f.After) >= 0:
		return line, false
	}
	return line, true
}

func cursorOf(l render.Line) store.Cursor {
	if l.SortAt.IsZero() {
		return store.Cursor{SortAt: "-infinity", EntryID: l.ID}
	}
	return store.Cursor{SortAt: l.SortAt.UTC().Format(cursorLayout), EntryID: l.ID}
}

// compareCursor orders as the database does: by instant, then by id.
func compareCursor(a, b store.Cursor) int {
	return cmp.Or(cursorTime(a).Compare(cursorTime(b)), cmp.Compare(a.EntryID, b.EntryID))
}

func cursorTime(c store.Cursor) time.Time {
	t, err := time.Parse(cursorLayout, c.SortAt)
	if err != nil {
		return time.Time{} // -infinity
	}
	return t
}
