package ingest

import (
	"context"
	"fmt"

	"github.com/dorsetcarerecord/dcr/record-svc/internal/bundle"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/fhir"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/section"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/store"
)

// statedBefore reads the current versions of those resources of the bundle that can state care relationships,
// by entry.
func (w *work) statedBefore(ctx context.Context) (map[string][]byte, error) {
	var ids []string
	for i := range w.bundle.Changes {
		key := w.bundle.Changes[i].Key
		if e := w.byKey[key]; e != nil && section.States(key.Type) {
			ids = append(ids, e.ID)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	return w.Store.Current(ctx, w.tx, w.settled.NHSNumber, ids)
}

// relate adds what the change says about care relationships, and what it no longer says. What is never shared
// states none: where a person was treated can tell what for.
func (w *work) relate(p *planned, c *bundle.Change, entry *store.Entry, made computed) error {
	if !section.States(c.Key.Type) {
		return nil
	}
	key, ods, kind := c.Key.String(), w.from.ODSCode, KindOf(w.from.Kind)
	var before, after []section.Relationship
	if raw := p.before[entry.ID]; raw != nil {
		r, err := fhir.Decode(raw)
		if err != nil {
			return fmt.Errorf("read stored resource: %w", err)
		}
		before = section.Relationships(r, key, ods, kind, p.find)
	}
	if made.state != store.Deleted && made.state != store.NeverShared {
		after = section.Relationships(c.Resource, key, ods, kind, p.find)
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
