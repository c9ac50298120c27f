// Package merge decides how a merge of two NHS numbers goes on, and what stands against one (DESIGN section 6). Its
// first step is in optout-svc: until both numbers are linked there and sealed alike in record-svc too, nothing
// else happens. Pure; no SQL, no RPC.
package merge

// State is how far a merge is. The numbers are those of the contract.
type State int16

// The states.
const (
	// Linking: asked for; the choices of both numbers are not yet bound together everywhere.
	Linking State = iota + 1
	// Linked: they are. The superseded number has a record of its own, which nobody may be kept from by looking
	// the number up: so it is found under itself.
	Linked
	// Published: the superseded number has no record and never will have; looking it up finds the one in force.
	Published
	// Unlinking: to be undone; not yet sealed on both sides everywhere.
	Unlinking
	// Unmerged: apart, both sealed until a privacy officer decides about each.
	Unmerged
)

// Next is what must be done to a merge now.
type Next uint8

// What must be done.
const (
	// Nothing: it rests.
	Nothing Next = iota
	// Link both numbers in optout-svc, and wait until record-svc has their seals.
	Link
	// Retire the superseded number in record-svc, if it has no record.
	Retire
	// Unlink both numbers in optout-svc, and wait until record-svc has both seals. Only then may either be found
	// under itself.
	Unlink
)

// Next is what must be done to a merge in this state.
func (s State) Next() Next {
	switch s {
	case Linking:
		return Link
	case Linked:
		return Retire
	case Unlinking:
		return Unlink
	case Published, Unmerged:
	}
	return Nothing
}

// Done is the state after what Next says was done. A number that has a record is not retired, and its merge
// stays Linked.
func (s State) Done(retired bool) State {
	switch {
	case s == Linking:
		return Linked
	case s == Linked && retired:
		return Published
	case s == Unlinking:
		return Unmerged
	}
	return s
}

// Undo is the state after somebody asked to undo the merge, and whether that was possible: of one that is undone,
// or being undone, it is not.
func (s State) Undo() (State, bool) {
	switch s {
	case Linking, Linked, Published:
		return Unlinking, true
	case Unlinking, Unmerged:
	}
	return s, false
}

// Stands tells whether the merge binds its numbers: until it is undone everywhere.
func (s State) Stands() bool { return s != Unmerged }

// Pair is a merge of one number into another.
type Pair struct{ InForce, Superseded string }

// Conflicts tells whether a merge that stands is in the way of a new one: a number is superseded once, and no
// number is in force that is superseded itself, or what looks a number up would have to follow a chain.
func (p Pair) Conflicts(standing Pair) bool {
	return standing.Superseded == p.Superseded || standing.InForce == p.Superseded || standing.Superseded == p.InForce
}
