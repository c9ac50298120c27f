package ingest

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"

	"github.com/dorsetcarerecord/dcr/record-svc/internal/bundle"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/history"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/section"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/store"
)

// planned is what a bundle will do.
type planned struct {
	applied       []Applied
	changed       []store.Entry
	versions      []store.NewVersion
	relationships []section.Relationship
	patient       bool // a Patient changed

	// What the plan rests on: versions by entry, the current resources that state care relationships, and
	// how references are resolved.
	stored map[string][]history.Version
	before map[string][]byte
	find   section.Lookup
}

// plan decides what each change does, without writing.
func (w *work) plan(ctx context.Context) (*planned, error) {
	var known []string
	for i := range w.bundle.Changes {
		if e := w.byKey[w.bundle.Changes[i].Key]; e != nil {
			known = append(known, e.ID)
		}
	}
	p := &planned{}
	var err error
	if p.stored, err = w.Store.Versions(ctx, w.tx, w.settled.NHSNumber, known); err != nil {
		return nil, err
	}
	if p.before, err = w.statedBefore(ctx); err != nil {
		return nil, err
	}
	if p.find, err = w.finder(ctx); err != nil {
		return nil, err
	}
	for i := range w.bundle.Changes {
		if err := w.planOne(p, &w.bundle.Changes[i]); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (w *work) planOne(p *planned, c *bundle.Change) error {
	existing := w.byKey[c.Key]
	var stored []history.Version
	if existing != nil {
		stored = p.stored[existing.ID]
	}
	change := history.Change{Order: c.Order, ArrivedAt: w.at, Deleted: c.Verb == bundle.Delete, Content: c.Content}
	effect := history.Of(stored, change)
	switch effect {
	case history.Stale:
		return refusal(ReasonStale, c.Index, "This content was replaced by a newer version, and the bundle gives no order: set meta.lastUpdated or Bundle.timestamp.")
	case history.Contradiction:
		return refusal(ReasonOrderTaken, c.Index, "Another version has the same meta.lastUpdated (or Bundle.timestamp) and other content.")
	case history.Nothing:
		p.applied = append(p.applied, Applied{Index: c.Index, Verb: c.Verb, Key: c.Key, EntryID: existing.ID, Version: existing.Version})
		return nil
	}
	entry := w.entryFor(c, existing)
	version := store.NewVersion{
		EntryID: entry.ID, Number: entry.Versions + 1, OrderedAt: history.OrderedAt(stored, change), Given: !c.Order.IsZero(),
		Deleted: change.Deleted, SHA256: c.SHA256, Content: c.Content,
	}
	made, err := w.compute(c, &version, p.find)
	if err != nil {
		return err
	}
	entry.Versions++
	if effect == history.Current {
		if err := w.relate(p, c, entry, made); err != nil {
			return err
		}
		entry.State, entry.Content = made.state, made.content
		entry.Version, entry.OrderedAt, entry.ReceivedAt = version.Number, version.OrderedAt, w.at
		p.patient = p.patient || c.Key.Type == "Patient"
	}
	p.applied = append(p.applied, Applied{Index: c.Index, Verb: c.Verb, Key: c.Key, EntryID: entry.ID, Version: version.Number, New: true, Created: existing == nil})
	p.changed, p.versions = append(p.changed, *entry), append(p.versions, version)
	return nil
}

// entryFor is the entry of a change: the one there is, or a new one.
func (w *work) entryFor(c *bundle.Change, existing *store.Entry) *store.Entry {
	if existing != nil {
		return existing
	}
	entry := &store.Entry{ID: uuid.NewString(), SourceODS: w.from.ODSCode, Type: c.Key.Type, KeyID: c.Key.ID}
	w.entries[entry.ID], w.byKey[c.Key] = entry, entry
	return entry
}

// computed is what a change makes of its entry.
type computed struct {
	state   store.State
	content string
}

// compute decides what a change makes of its entry, and what of it the version keeps. Of what is never
// shared only the digest is kept.
func (w *work) compute(c *bundle.Change, v *store.NewVersion, find section.Lookup) (computed, error) {
	if c.Verb == bundle.Delete {
		return computed{state: store.Deleted}, nil
	}
	if _, matched := w.Rules.Match(c.Scan.Codes); matched {
		v.NeverShared = w.Rules.Version()
		return computed{state: store.NeverShared}, nil
	}
	raw := string(c.Raw)
	v.Raw = &raw
	if c.Supporting {
		return computed{state: store.Supporting}, nil
	}
	entry, err := section.Compute(c.Resource, c.Raw, KindOf(w.from.Kind), find)
	if err != nil {
		return computed{}, bundle.Unreadable(err, c.Index)
	}
	v.Section = entry.Section
	text, err := json.Marshal(entry)
	if err != nil {
		return computed{}, fmt.Errorf("print entry: %w", err)
	}
	if entry.EnteredInError {
		return computed{state: store.EnteredInError, content: string(text)}, nil
	}
	return computed{state: store.Shown, content: string(text)}, nil
}
