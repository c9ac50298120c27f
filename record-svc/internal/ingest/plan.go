package ingest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/google/uuid"

	"github.com/dorsetcarerecord/dcr/record-svc/internal/bundle"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/fhir"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/history"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/section"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/store"
)

// Refusals of the order of changes.
const (
	// ReasonStale is an old copy that came without an order.
	ReasonStale bundle.Reason = "STALE_CONTENT"
	// ReasonOrderTaken is different content under an order that another version has.
	ReasonOrderTaken bundle.Reason = "ORDER_TAKEN"
)

// planned is what a bundle will do.
type planned struct {
	applied       []Applied
	changed       []store.Entry
	versions      []store.NewVersion
	relationships []section.Relationship
	patient       bool // a Patient changed
}

// plan decides what each change does, without writing.
func (w *work) plan(ctx context.Context) (*planned, error) {
	var known []string
	for i := range w.bundle.Changes {
		if e := w.byKey[w.bundle.Changes[i].Key]; e != nil {
			known = append(known, e.ID)
		}
	}
	versions, err := w.Store.Versions(ctx, w.tx, w.settled.NHSNumber, known)
	if err != nil {
		return nil, err
	}
	find, err := w.finder(ctx)
	if err != nil {
		return nil, err
	}
	p := &planned{}
	for i := range w.bundle.Changes {
		if err := w.planOne(ctx, p, &w.bundle.Changes[i], versions, find); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (w *work) planOne(ctx context.Context, p *planned, c *bundle.Change, versions map[string][]history.Version, find section.Lookup) error {
	existing := w.byKey[c.Key]
	var stored []history.Version
	if existing != nil {
		stored = versions[existing.ID]
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
	made, err := w.compute(c, &version, find)
	if err != nil {
		return err
	}
	entry.Versions++
	if effect == history.Current {
		if err := w.relate(ctx, p, c, entry, made, find); err != nil {
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
	entry, err := section.Compute(c.Resource, c.Raw, kindOf(w.from.Kind), find)
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

// relate adds what the change says about care relationships, and what it no longer says.
func (w *work) relate(ctx context.Context, p *planned, c *bundle.Change, entry *store.Entry, made computed, find section.Lookup) error {
	if !section.States(c.Key.Type) {
		return nil
	}
	key, ods, kind := c.Key.String(), w.from.ODSCode, kindOf(w.from.Kind)
	var before, after []section.Relationship
	if entry.Version > 0 {
		previous, err := w.Store.Current(ctx, w.tx, w.settled.NHSNumber, []string{entry.ID})
		if err != nil {
			return err
		}
		if raw := previous[entry.ID]; raw != nil {
			r, err := fhir.Decode(raw)
			if err != nil {
				return fmt.Errorf("read stored resource: %w", err)
			}
			before = section.Relationships(r, key, ods, kind, find)
		}
	}
	if c.Verb != bundle.Delete {
		after = section.Relationships(c.Resource, key, ods, kind, find)
	}
	gone := made.state == store.Deleted || made.state == store.EnteredInError
	p.relationships = append(p.relationships, section.Changed(before, after, gone)...)
	return nil
}

// finder resolves references: in the bundle, then among what this sender stored of supporting resources.
func (w *work) finder(ctx context.Context) (section.Lookup, error) {
	stored, err := w.Store.Supporting(ctx, w.tx, w.settled.NHSNumber, w.from.ODSCode)
	if err != nil {
		return nil, err
	}
	read := make(map[bundle.Key]*fhir.Resource)
	return func(reference string) *fhir.Resource {
		if found := w.bundle.Find(reference); found != nil {
			return found
		}
		key, ok := bundle.Relative(reference)
		if !ok || stored[key] == nil {
			return nil
		}
		if found := read[key]; found != nil {
			return found
		}
		found, err := fhir.Decode(stored[key])
		if err != nil { // it was read when it came; a reader of today that cannot shows no author
			return nil
		}
		read[key] = found
		return found
	}, nil
}

func refusal(reason bundle.Reason, index int, text string) *bundle.Refusal {
	return &bundle.Refusal{Reason: reason, Expression: fmt.Sprintf("Bundle.entry[%d]", index), Text: text}
}

// Status is the HTTP status of a refusal, those of this package's reasons too.
func Status(r *bundle.Refusal) int {
	switch r.Reason {
	case ReasonStale, ReasonOrderTaken:
		return http.StatusConflict
	case bundle.Reason("BIRTH_DATE_DIFFERS"), bundle.Reason("NAME_DIFFERS"), bundle.Reason("FITS_ANOTHER_PERSON"):
		return http.StatusUnprocessableEntity
	}
	return r.Status()
}
