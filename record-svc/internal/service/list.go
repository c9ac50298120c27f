package service

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/dorsetcarerecord/dcr/internal/fault"
	recordv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/record/v1"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/render"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/section"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/store"
)

// ListEntries returns a page of the flat list. The first page carries whole, before the list, the sections
// in which missing must never look like none, whatever the filters say.
func (r *reads) ListEntries(ctx context.Context, req *recordv1.ListEntriesRequest) (*recordv1.ListEntriesResponse, error) {
	g, err := readGrant(req.GetGrant())
	if err != nil {
		return nil, err
	}
	names, err := asked(req.GetAsked())
	if err != nil {
		return nil, err
	}
	filter, err := readFilter(g, names, req)
	if err != nil {
		return nil, err
	}
	var whole []store.Wanted
	if filter.After == nil {
		whole = always(g, names)
	}
	v, err := r.read(ctx, g, whole)
	if err != nil {
		return nil, err
	}
	lines, err := r.page(ctx, g, v, filter)
	if err != nil {
		return nil, err
	}
	next := ""
	if len(lines) == filter.Limit {
		lines = lines[:filter.Limit-1]
		next = cursorText(lines[len(lines)-1].Cursor)
	}
	body, err := joinPage(g, v, names, lines)
	if err != nil {
		return nil, err
	}
	return &recordv1.ListEntriesResponse{Body: body, Manifest: pageManifest(g, v, names, lines), Next: next}, nil
}

// always are the sections that the first page carries whole: allergies, current medication, care plans and
// safeguarding, as far as they are asked for and permitted.
func always(g *grant, names []section.Name) []store.Wanted {
	var whole []store.Wanted
	for _, w := range wanted(g, names) {
		switch w.Section {
		case section.Allergies, section.CarePlans, section.Safeguarding:
			whole = append(whole, w)
		case section.Medication:
			whole = append(whole, store.Wanted{Section: w.Section, Level: render.Summary}) // the summary is what is current
		}
	}
	return whole
}

// readFilter makes the store's filter; one line more than the page has room for tells whether there is a next.
func readFilter(g *grant, names []section.Name, req *recordv1.ListEntriesRequest) (store.ListFilter, error) {
	f := store.ListFilter{SourceODS: req.GetSourceOdsCode(), Code: req.GetCode(), Limit: int(req.GetPageSize()) + 1}
	for _, w := range wanted(g, names) {
		if w.Level == render.Full {
			f.Full = append(f.Full, string(w.Section))
		} else {
			f.Summary = append(f.Summary, string(w.Section))
		}
	}
	if req.GetSince() != nil {
		if err := req.GetSince().CheckValid(); err != nil {
			return f, fault.Invalid("INVALID_ARGUMENT", "since", "Not an instant.")
		}
		since := req.GetSince().AsTime()
		f.Since = &since
	}
	if req.GetAfter() == "" {
		return f, nil
	}
	at, id, ok := strings.Cut(req.GetAfter(), "|")
	if _, err := uuid.Parse(id); err != nil || !ok || !plausibleCursor(at) {
		return f, fault.Invalid("INVALID_PAGE_TOKEN", "after", "Not a place in this list.")
	}
	f.After = &store.Cursor{SortAt: at, EntryID: id}
	return f, nil
}

// plausibleCursor keeps what is no timestamp away from the database, whose error would be ours.
func plausibleCursor(at string) bool {
	if at == "-infinity" {
		return true
	}
	_, err := time.Parse(cursorLayout, at)
	return err == nil
}

// cursorLayout is how PostgreSQL prints an instant of UTC.
const cursorLayout = "2006-01-02 15:04:05.999999"

func cursorText(c store.Cursor) string { return c.SortAt + "|" + c.EntryID }

// page reads the lines: ready ones, or for an unbroken view of a restricted person masked ones, made anew.
func (r *reads) page(ctx context.Context, g *grant, v *view, f store.ListFilter) ([]store.ListedLine, error) {
	if v.masked(g) {
		return r.maskedPage(ctx, g, f)
	}
	gate, lines, err := r.store.List(ctx, g.number, g.choice, g.mask, f)
	if err := checkGate(gate, g.choice, err); err != nil {
		return nil, err
	}
	if g.mask.Applies(gate) || gate.Rules != r.rules.Version() { // it became so since the first statement
		return nil, notReady()
	}
	return lines, nil
}

// joinPage puts a page together: message EntryPage without its token.
func joinPage(g *grant, v *view, names []section.Name, lines []store.ListedLine) ([]byte, error) {
	body := []byte(`{"entries":[`)
	for i, l := range lines {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(body, l.Body...)
	}
	body = append(body, `],"always":[`...)
	first := true
	for _, name := range names {
		if p, ok := v.pieces[name]; ok {
			if !first {
				body = append(body, ',')
			}
			body, first = append(body, p.Body...), false
		}
	}
	body = append(body, `],"not_included":`...)
	body, err := appendJSON(body, gaps(g, anyRefused(v.feeds), v.masked(g)))
	if err != nil {
		return nil, fmt.Errorf("join page: %w", err)
	}
	return append(body, '}'), nil
}

// pageManifest says what a page holds: its lines, and the sections that come whole.
func pageManifest(g *grant, v *view, names []section.Name, lines []store.ListedLine) *recordv1.Manifest {
	m := v.manifest(names)
	seen := map[section.Name]bool{}
	for name := range v.pieces {
		seen[name] = true
	}
	for _, l := range lines {
		m.Entries++
		if !seen[l.Section] {
			seen[l.Section] = true
			m.Sections = append(m.Sections, grantOf(l.Section, g.levels[l.Section]))
		}
		for _, ods := range l.Sources {
			if !slices.Contains(m.SourceOdsCodes, ods) {
				m.SourceOdsCodes = append(m.SourceOdsCodes, ods)
			}
		}
	}
	slices.Sort(m.SourceOdsCodes)
	return m
}
