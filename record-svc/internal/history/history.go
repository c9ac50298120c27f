// Package history decides what a change does to the versions of a resource: whether it is news, is late,
// says nothing new, or must be refused. It is a pure function of what is stored and what came.
//
// Versions are ordered by meta.lastUpdated, else Bundle.timestamp, else arrival, so that feeds that come
// twice or out of order end in the same state. Where no order is given, content equal to an earlier
// version is refused: it is an old copy that would otherwise undo the newer one.
package history

import (
	"time"

	"github.com/dorsetcarerecord/dcr/record-svc/internal/fhir"
)

// Version is one that is stored.
type Version struct {
	// Number by arrival, from 1.
	Number int
	// OrderedAt is the instant that orders it, and Given whether the sender gave it.
	OrderedAt time.Time
	Given     bool
	// Deleted is true for a tombstone.
	Deleted bool
	// Content is the digest of the resource without white space; zero for a tombstone.
	Content fhir.Digest
}

// Change is what came.
type Change struct {
	// Order that the sender gave; zero when arrival orders.
	Order time.Time
	// ArrivedAt orders the change where the sender gave no order.
	ArrivedAt time.Time
	Deleted   bool
	Content   fhir.Digest
}

// Effect is what a change does.
type Effect int

// The effects.
const (
	// Nothing: it is stored already.
	Nothing Effect = iota
	// Current: it becomes the current version.
	Current
	// Late: it is kept, behind a newer version that stays current.
	Late
	// Stale: it is refused, being an old copy that came without an order.
	Stale
	// Contradiction: it is refused, being different content under an order that is taken.
	Contradiction
)

// resolution is that of a stored instant, PostgreSQL's. FHIR instants may be finer: an order is cut to it
// before it is compared, or the same bundle would be news each time that it comes.
const resolution = time.Microsecond

// Of decides. stored are all versions of the resource, in any order; none for a new one.
func Of(stored []Version, c Change) Effect {
	if c.Order.IsZero() {
		return byArrival(stored, c)
	}
	order := c.Order.Truncate(resolution)
	newest := Newest(stored)
	for _, v := range stored {
		if v.Given && v.OrderedAt.Equal(order) {
			if same(v, c) {
				return Nothing
			}
			return Contradiction
		}
	}
	if newest == nil || order.After(newest.OrderedAt) {
		return Current
	}
	// An old copy may have come before without its order.
	for _, v := range stored {
		if !v.Given && same(v, c) {
			return Nothing
		}
	}
	return Late
}

// byArrival decides for a change without an order: it is news unless its content is known.
func byArrival(stored []Version, c Change) Effect {
	newest := Newest(stored)
	if newest == nil {
		return Current
	}
	if same(*newest, c) {
		return Nothing
	}
	if c.Deleted {
		return Current
	}
	for _, v := range stored {
		if same(v, c) {
			return Stale
		}
	}
	return Current
}

// OrderedAt is the instant that orders a change, once it is known to be Current or Late. A change without
// an order comes after everything stored, also when the sender's clock runs ahead of ours.
func OrderedAt(stored []Version, c Change) time.Time {
	if !c.Order.IsZero() {
		return c.Order.Truncate(resolution)
	}
	if newest := Newest(stored); newest != nil && !c.ArrivedAt.After(newest.OrderedAt) {
		return newest.OrderedAt.Add(resolution)
	}
	return c.ArrivedAt
}

// Newest is the version that is current; nil when there is none. Among equals the later arrival is.
func Newest(stored []Version) *Version {
	var newest *Version
	for i := range stored {
		v := &stored[i]
		if newest == nil || v.OrderedAt.After(newest.OrderedAt) || v.OrderedAt.Equal(newest.OrderedAt) && v.Number > newest.Number {
			newest = v
		}
	}
	return newest
}

func same(v Version, c Change) bool { return v.Deleted == c.Deleted && v.Content == c.Content }
