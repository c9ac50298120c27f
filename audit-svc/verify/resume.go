package verify

import (
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// ErrEdge is returned for the right edge of a tree that does not fit its size.
var ErrEdge = errors.New("the right edge does not fit the size of the tree")

// Resume continues the tree of size leaves. Edge reads the unfinished tiles at its right edge, one for each
// level that has one; Full is set by the caller afterwards. Whether the edge is the tree's, Root tells.
func Resume(size int64, edge func(t tlog.Tile) ([]tlog.Hash, error)) (*Builder, error) {
	if size < 0 || size > MaxSize {
		return nil, ErrEdge
	}
	b := &Builder{size: size}
	for level, width := 0, size; width > 0; level, width = level+1, width>>TileHeight {
		t := tlog.Tile{H: TileHeight, L: level, N: width >> TileHeight, W: int(width % TileWidth)}
		hashes := make([]tlog.Hash, 0, TileWidth)
		if t.W > 0 {
			found, err := edge(t)
			if err != nil {
				return nil, err
			}
			if len(found) != t.W {
				return nil, fmt.Errorf("%w: %s has %d hashes", ErrEdge, TilePath(t), len(found))
			}
			hashes = append(hashes, found...)
		}
		b.levels, b.done = append(b.levels, hashes), append(b.done, t.N)
	}
	return b, nil
}
