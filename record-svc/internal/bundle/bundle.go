// Package bundle reads a FHIR R4 transaction bundle and checks everything that
// can be checked without a database: form, requests, references, and that all of
// it is about one person. What needs stored resources is asked for with Wanted
// and decided by Settle. A bundle is taken whole or refused whole.
package bundle

import (
	"encoding/json"
	"time"

	"github.com/dorsetcarerecord/dcr/internal/nhsnumber"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/fhir"
)

// Limits bound what is looked at. All are inclusive.
type Limits struct {
	// Bytes of the body.
	Bytes int
	// Entries of the bundle.
	Entries int
	// Depth of nested objects and lists, the bundle's own included.
	Depth int
}

// Standard are the limits of the feed: 16 MiB, 5,000 entries, depth 100.
func Standard() Limits { return Limits{Bytes: 16 << 20, Entries: 5000, Depth: 100} }

// Options are what the reading depends on beside the bundle.
type Options struct {
	Limits Limits
	// IgnoreUnsupported is the partner's switch: resources of FHIR types that the
	// record does not keep are ignored and reported instead of refused.
	IgnoreUnsupported bool
}

// Verb is what an entry asks for.
type Verb string

// The verbs that the record takes.
const (
	Put    Verb = "PUT"
	Post   Verb = "POST"
	Delete Verb = "DELETE"
)

// Key names a resource among those of one sender.
type Key struct {
	Type string
	// ID is the logical id (PUT, DELETE and the target of Type/id). For POST it is
	// "?" and the ifNoneExist query, else the business identifier as
	// "system|value", else the fullUrl, else "sha256:" and the content's digest;
	// "long:" and its digest where that would be longer than an index takes.
	// No logical id has one of the signs that tell these apart.
	ID string
}

// String is Type/ID.
func (k Key) String() string { return k.Type + "/" + k.ID }

// Change is one entry of an accepted form.
type Change struct {
	// Index of the entry in the bundle.
	Index int
	Verb  Verb
	Key   Key
	// FullURL as sent; may be empty.
	FullURL string
	// Raw is the resource byte for byte, a slice of the body; nil for DELETE.
	Raw json.RawMessage
	// Resource and Scan are what was read of Raw; nil and empty for DELETE.
	Resource *fhir.Resource
	Scan     fhir.Scan
	// Order is meta.lastUpdated, else Bundle.timestamp; zero when neither is
	// given and arrival orders.
	Order time.Time
	// SHA256 is of Raw; Content is of Raw without white space. Both zero for DELETE.
	SHA256  fhir.Digest
	Content fhir.Digest
	// Supporting is true for what is kept and is no entry.
	Supporting bool
}

// Ignored is an entry that the partner's switch left out.
type Ignored struct {
	Index int
	Type  string
}

// Bundle is a transaction bundle that is sound in itself.
type Bundle struct {
	// Changes in the order of the entries, without the ignored.
	Changes []Change
	Ignored []Ignored
	// Entries is how many the bundle had.
	Entries int
	// Patient is the change that carries the Patient; nil when there is none.
	Patient *Change
	// NHSNumber of Patient; empty when there is none.
	NHSNumber nhsnumber.Number

	index  index
	claims []claim
	seen   map[string]int // by fullUrl, of every entry
}

// Decode reads and checks a bundle. The error is a *Refusal. body must not
// change while the bundle is in use.
func Decode(body []byte, options Options) (*Bundle, error) {
	sent, refusal := open(body, options.Limits)
	if refusal != nil {
		return nil, refusal
	}
	b := &Bundle{Entries: len(sent.entries), Changes: make([]Change, 0, len(sent.entries)), seen: make(map[string]int)}
	for i := range sent.entries {
		if refusal := b.add(i, sent, options); refusal != nil {
			return nil, refusal
		}
	}
	if len(b.Changes) == 0 {
		return nil, refuse(ReasonNothingToKeep, "Bundle.entry", "Every entry is of a type that the record does not keep.")
	}
	for _, check := range []func() *Refusal{b.findPatient, b.indexAll, b.checkLocal} {
		if refusal := check(); refusal != nil {
			return nil, refusal
		}
	}
	return b, nil
}

// add reads one entry.
func (b *Bundle) add(i int, sent envelope, options Options) *Refusal {
	one, refusal := readEntry(sent.entries[i], i)
	if refusal != nil {
		return refusal
	}
	if refusal := b.claimFullURL(one.fullURL, i); refusal != nil {
		return refusal
	}
	ignore, refusal := one.supported(options.IgnoreUnsupported)
	if refusal != nil {
		return refusal
	}
	if ignore {
		b.Ignored = append(b.Ignored, Ignored{Index: i, Type: one.resourceType})
		return nil
	}
	change, refusal := one.change(sent.timestamp)
	if refusal != nil {
		return refusal
	}
	b.Changes = append(b.Changes, change)
	return nil
}

func (b *Bundle) claimFullURL(fullURL string, i int) *Refusal {
	if fullURL == "" {
		return nil
	}
	if _, taken := b.seen[fullURL]; taken {
		return refuse(ReasonDuplicateFullURL, at(i, "fullUrl"), "Another entry of the bundle has the same fullUrl.")
	}
	b.seen[fullURL] = i
	return nil
}
