package verify

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

const (
	// TileHeight is the height of a tile: C2SP tlog-tiles knows no other.
	TileHeight = 8
	// TileWidth is the number of hashes in a whole tile.
	TileWidth = 1 << TileHeight
)

// ErrTile is returned for a path that names no tile of hashes, or data that is none.
var ErrTile = errors.New("this is no tile")

// TilePath is the path of a tile below the log's prefix as C2SP tlog-tiles writes it, such as
// "tile/0/x001/067" or "tile/1/000.p/3". Package tlog writes the height too, which tlog-tiles does not.
func TilePath(t tlog.Tile) string {
	return "tile/" + strings.TrimPrefix(t.Path(), fmt.Sprintf("tile/%d/", t.H))
}

// ParseTilePath reads what TilePath writes. Bundles of entries (tile/entries/…) are none: they would hold
// what the log says about people. It returns ErrTile.
func ParseTilePath(path string) (tlog.Tile, error) {
	rest, ok := strings.CutPrefix(path, "tile/")
	if !ok || strings.HasPrefix(rest, "data/") || len(path) > 100 {
		return tlog.Tile{}, ErrTile
	}
	t, err := tlog.ParseTilePath(fmt.Sprintf("tile/%d/%s", TileHeight, rest))
	if err != nil || t.L < 0 || t.L > 63 || t.N > MaxSize {
		return tlog.Tile{}, ErrTile
	}
	return t, nil
}

// TileData is the content of a tile as hashes; ErrTile when it has another width than its name says.
func TileData(t tlog.Tile, data []byte) ([]tlog.Hash, error) {
	if t.W < 1 || t.W > TileWidth || len(data) != t.W*HashSize {
		return nil, fmt.Errorf("%w: %s has %d bytes", ErrTile, TilePath(t), len(data))
	}
	hashes := make([]tlog.Hash, t.W)
	for i := range hashes {
		hashes[i] = tlog.Hash(data[i*HashSize:])
	}
	return hashes, nil
}

// Tiles are all tiles of a tree of a size, level by level from the leaves up, as their names and widths
// follow from the size alone. The sequence is lazy: a large log has many.
func Tiles(size int64) func(yield func(tlog.Tile) bool) {
	return func(yield func(tlog.Tile) bool) {
		for level, width := 0, size; width > 0; level, width = level+1, width>>TileHeight {
			for n := int64(0); n*TileWidth < width; n++ {
				t := tlog.Tile{H: TileHeight, L: level, N: n, W: int(min(width-n*TileWidth, TileWidth))}
				if !yield(t) {
					return
				}
			}
		}
	}
}
