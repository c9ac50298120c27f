package bundle

import (
	"strings"

	"github.com/dorsetcarerecord/dcr/record-svc/internal/fhir"
)

// index finds the entries of a bundle by what references call them.
type index struct {
	fullURL map[string]int // to the entry
	local   map[Key]int    // to the entry, by Type/id
	change  map[int]int    // from the entry to its change; ignored ones are not in it
}

// indexAll builds the index and refuses two entries for one resource.
func (b *Bundle) indexAll() *Refusal {
	b.index = index{fullURL: b.seen, local: make(map[Key]int), change: make(map[int]int)}
	keys := make(map[Key]struct{}, len(b.Changes))
	for i := range b.Changes {
		c := &b.Changes[i]
		if _, twice := keys[c.Key]; twice {
			return refuse(ReasonDuplicateResource, at(c.Index, ""), "Another entry of the bundle is for the same resource.")
		}
		keys[c.Key] = struct{}{}
		b.index.change[c.Index] = i
		if c.Verb == Delete {
			continue
		}
		b.index.local[Key{Type: c.Key.Type, ID: string(c.Resource.ID)}] = c.Index
	}
	return nil
}

// Find is the resource that a reference points to within the bundle: by
// fullUrl, then as Type/id. Nil when there is none, or it is ignored.
func (b *Bundle) Find(reference string) *fhir.Resource {
	c := b.target(reference)
	if c == nil {
		return nil
	}
	return c.Resource
}

// target is the change that a reference points to within the bundle.
func (b *Bundle) target(reference string) *Change {
	entry, ok := b.entry(reference)
	if !ok {
		return nil
	}
	i, ok := b.index.change[entry]
	if !ok {
		return nil
	}
	return &b.Changes[i]
}

// entry is the entry that a reference points to, ignored ones too.
func (b *Bundle) entry(reference string) (int, bool) {
	reference = unversioned(reference)
	if entry, ok := b.index.fullURL[reference]; ok {
		return entry, true
	}
	if key, ok := Relative(reference); ok {
		entry, ok := b.index.local[key]
		return entry, ok
	}
	return 0, false
}

// Relative reads a reference of the form Type/id, with or without a version.
func Relative(reference string) (Key, bool) {
	resourceType, id, ok := strings.Cut(unversioned(reference), "/")
	if !ok || !fhir.IsType(resourceType) || !validID(id) {
		return Key{}, false
	}
	return Key{Type: resourceType, ID: id}, true
}

// unversioned drops /_history/n.
func unversioned(reference string) string {
	reference, _, _ = strings.Cut(strings.TrimSpace(reference), "/_history/")
	return reference
}

// bound tells a reference that has a meaning only inside one bundle.
func bound(reference string) bool {
	return strings.HasPrefix(reference, "urn:uuid:") || strings.HasPrefix(reference, "urn:oid:")
}
