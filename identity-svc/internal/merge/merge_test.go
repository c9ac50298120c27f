package merge_test

import (
	"testing"

	"github.com/dorsetcarerecord/dcr/identity-svc/internal/merge"
)

// TestStates is every state with what comes next.
func TestStates(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		state         merge.State
		next          merge.Next
		done, retired merge.State
		undone        merge.State
		undoable      bool
	}{
		{merge.Linking, merge.Link, merge.Linked, merge.Linked, merge.Unlinking, true},
		{merge.Linked, merge.Retire, merge.Linked, merge.Published, merge.Unlinking, true},
		{merge.Published, merge.Nothing, merge.Published, merge.Published, merge.Unlinking, true},
		{merge.Unlinking, merge.Unlink, merge.Unmerged, merge.Unmerged, merge.Unlinking, false},
		{merge.Unmerged, merge.Nothing, merge.Unmerged, merge.Unmerged, merge.Unmerged, false},
	} {
		undone, undoable := c.state.Undo()
		if c.state.Next() != c.next || c.state.Done(false) != c.done || c.state.Done(true) != c.retired || undone != c.undone || undoable != c.undoable {
			t.Errorf("state %d: next %d, done %d or %d, undone %d, %v", c.state, c.state.Next(), c.state.Done(false), c.state.Done(true), undone, undoable)
		}
		if c.state.Stands() != (c.state != merge.Unmerged) {
			t.Errorf("state %d stands: %v", c.state, c.state.Stands())
		}
	}
}

// TestNothingIsPublishedBeforeItIsLinked: whatever is done and asked in whatever order, a superseded number is
// looked up under another one only after both were linked, and no more once somebody asked to undo it and both
// were sealed.
func TestNothingIsPublishedBeforeItIsLinked(t *testing.T) {
	t.Parallel()
	var walk func(s merge.State, linked bool, depth int)
	walk = func(s merge.State, linked bool, depth int) {
		if s == merge.Published && !linked {
			t.Fatal("published and never linked")
		}
		if depth == 0 {
			return
		}
		for _, retired := range []bool{false, true} {
			walk(s.Done(retired), linked || s.Next() == merge.Link, depth-1)
		}
		if undone, ok := s.Undo(); ok {
			walk(undone, false, depth-1)
		}
	}
	walk(merge.Linking, false, 8)
}

// TestConflicts: chains and circles.
func TestConflicts(t *testing.T) {
	t.Parallel()
	standing := merge.Pair{InForce: "a", Superseded: "b"}
	for pair, want := range map[merge.Pair]bool{
		{InForce: "a", Superseded: "c"}: false, {InForce: "c", Superseded: "d"}: false,
		{InForce: "a", Superseded: "b"}: true, {InForce: "c", Superseded: "b"}: true,
		{InForce: "b", Superseded: "a"}: true, {InForce: "b", Superseded: "c"}: true, {InForce: "c", Superseded: "a"}: true,
	} {
		if got := pair.Conflicts(standing); got != want {
			t.Errorf("%s into %s while %s is merged into %s: %v", pair.Superseded, pair.InForce, standing.Superseded, standing.InForce, got)
		}
	}
}
