// Package link decides what linking two NHS numbers of one person, and parting them, does to their choices
// (DESIGN section 6). While numbers are linked they are sealed alike: a choice under one is a choice under all. A
// link is made by a message that may come late, twice or after the one that undoes it. Pure; no SQL, no RPC.
package link

import "github.com/dorsetcarerecord/dcr/optout-svc/internal/choice"

// Member is one number of a group, all of whose numbers are linked with each other directly or through others,
// and its choice in force.
type Member struct {
	NHSNumber string
	Standing  choice.Standing
}

// State is how far a link has come.
type State uint8

// The states of a link. Unlinked is final: whoever links again makes a new link.
const (
	// Absent: nothing was heard of it.
	Absent State = iota
	// Linked: it binds.
	Linked
	// Unlinked: it was undone, perhaps before it was heard of.
	Unlinked
)

// Link is the state after a message to link, and whether it changed anything. One that comes after its unlink
// changes nothing.
func (s State) Link() (State, bool) {
	if s == Absent {
		return Linked, true
	}
	return s, false
}

// Unlink is the state after a message to unlink, and whether it changed anything. One that comes again changes
// nothing: a privacy officer may have decided meanwhile. One that overtook its link counts at once, since who
// sent it believes that both are linked.
func (s State) Unlink() (State, bool) {
	return Unlinked, s != Unlinked
}

// Join is what the members of a group that has just been joined choose next: when any of them is out, all of the
// others are sealed too. Those who stay as they are, are not in it.
func Join(group []Member) []Member {
	for _, m := range group {
		if m.Standing.Sealed {
			return Seal(group)
		}
	}
	return nil
}

// Follow is what the members of a group choose next when one of them has chosen: the same.
func Follow(chosen Member, group []Member) []Member {
	var next []Member
	for _, m := range group {
		if m.NHSNumber != chosen.NHSNumber && m.Standing.Sealed != chosen.Standing.Sealed {
			next = append(next, m.turned())
		}
	}
	return next
}

// Seal is what the members of a group choose next so that all are sealed: when numbers are parted, for which of
// them chose what can no longer be told.
func Seal(group []Member) []Member {
	var next []Member
	for _, m := range group {
		if !m.Standing.Sealed {
			next = append(next, m.turned())
		}
	}
	return next
}

// turned is the member after one more choice, opposite to the one in force, as all choices are.
func (m Member) turned() Member {
	m.Standing = choice.Standing{Number: m.Standing.Number + 1, Sealed: !m.Standing.Sealed}
	return m
}
