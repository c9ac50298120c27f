package verify_test

import (
	"errors"
	"slices"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

// TestResumeGoesOn: a tree that is taken up again from its tiles ends as one that never stopped.
func TestResumeGoesOn(t *testing.T) {
	t.Parallel()
	const leaves = 70_000 // three levels of tiles
	leaf := func(i int64) tlog.Hash { return tlog.RecordHash([]byte{byte(i), byte(i >> 8), byte(i >> 16)}) }
	for _, stop := range []int64{0, 1, 255, 256, 257, 65_535, 65_536, 65_537, 66_000} {
		var first verify.Builder
		for i := range stop {
			if err := first.Add(leaf(i)); err != nil {
				t.Fatal(err)
			}
		}
		edge := map[tlog.Tile][]tlog.Hash{}
		first.Partial(func(tile tlog.Tile, hashes []tlog.Hash) bool {
			edge[tile] = slices.Clone(hashes)
			return true
		})
		second, err := verify.Resume(stop, func(tile tlog.Tile) ([]tlog.Hash, error) { return edge[tile], nil })
		if err != nil {
			t.Fatalf("resume at %d: %v", stop, err)
		}
		if second.Root() != first.Root() || second.Size() != stop {
			t.Errorf("resumed at %d: size %d, another root: %v", stop, second.Size(), second.Root() != first.Root())
		}
		var whole, again []tlog.Tile
		first.Full = func(tile tlog.Tile, _ []tlog.Hash) error { whole = append(whole, tile); return nil }
		second.Full = func(tile tlog.Tile, _ []tlog.Hash) error { again = append(again, tile); return nil }
		for i := stop; i < leaves; i++ {
			if err := errors.Join(first.Add(leaf(i)), second.Add(leaf(i))); err != nil {
				t.Fatal(err)
			}
		}
		if second.Root() != first.Root() || !slices.Equal(whole, again) {
			t.Errorf("resumed at %d: another tree at %d leaves", stop, leaves)
		}
	}
}

func TestResumeRefusesAnotherEdge(t *testing.T) {
	t.Parallel()
	none := func(tlog.Tile) ([]tlog.Hash, error) { return nil, nil }
	for _, size := range []int64{-1, 1, 300, verify.MaxSize + 1} {
		if _, err := verify.Resume(size, none); !errors.Is(err, verify.ErrEdge) {
			t.Errorf("%d leaves without an edge: %v, want ErrEdge", size, err)
		}
	}
	// Whole tiles need no edge.
	if _, err := verify.Resume(verify.TileWidth*verify.TileWidth, func(t tlog.Tile) ([]tlog.Hash, error) {
		return make([]tlog.Hash, t.W), nil
	}); err != nil {
		t.Error(err)
	}
}
