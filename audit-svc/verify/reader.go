package verify

import (
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// keptTiles bounds the tiles that a reader keeps: the way from one leaf to the root, and the right edge.
const keptTiles = 32

// NewHashReader reads hashes of the tree of c out of tiles that somebody untrusted hands out: every tile is
// checked against the root before anything of it is believed. Read gives the content of a tile. Use it
// with tlog.ProveRecord, tlog.ProveTree and tlog.TreeHash; it is not for several goroutines at once.
func NewHashReader(c Checkpoint, read func(tlog.Tile) ([]byte, error)) tlog.HashReader {
	return tlog.TileHashReader(tlog.Tree{N: c.Size, Hash: c.Root}, &tileCache{read: read, tiles: map[tlog.Tile][]byte{}})
}

// tileCache implements tlog.TileReader. It keeps tiles between calls, since neighbouring leaves have
// nearly all of them in common.
type tileCache struct {
	read  func(tlog.Tile) ([]byte, error)
	tiles map[tlog.Tile][]byte
	order []tlog.Tile
}

// Height of tiles.
func (c *tileCache) Height() int { return TileHeight }

// ReadTiles gives the content of tiles, kept ones or new ones.
func (c *tileCache) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	out := make([][]byte, len(tiles))
	for i, t := range tiles {
		data, ok := c.tiles[t]
		if !ok {
			var err error
			if data, err = c.read(t); err != nil {
				return nil, fmt.Errorf("read %s: %w", TilePath(t), err)
			}
			if len(data) != t.W*HashSize {
				return nil, fmt.Errorf("%w: %s has %d bytes", ErrTile, TilePath(t), len(data))
			}
			c.keep(t, data)
		}
		out[i] = data
	}
	return out, nil
}

// keep drops the oldest tile when there are too many.
func (c *tileCache) keep(t tlog.Tile, data []byte) {
	if len(c.order) == keptTiles {
		delete(c.tiles, c.order[0])
		c.order = c.order[1:]
	}
	c.tiles[t], c.order = data, append(c.order, t)
}

// SaveTiles is told which tiles proved right. They are kept already, and a wrong one ends the reading.
func (c *tileCache) SaveTiles([]tlog.Tile, [][]byte) {}

// LeafReader gives the leaves of a tree, in any order but fastest in theirs, each checked against the root.
// It is not for several goroutines at once.
type LeafReader struct {
	size   int64
	hashes tlog.HashReader
	first  int64 // index of the first of leaves
	leaves []tlog.Hash
}

// NewLeafReader makes a LeafReader on tiles that somebody untrusted hands out.
func NewLeafReader(c Checkpoint, read func(tlog.Tile) ([]byte, error)) *LeafReader {
	return &LeafReader{size: c.Size, hashes: NewHashReader(c, read)}
}

// Leaf is the leaf at an index. Its error is about the index, or about the tiles on the way to the root.
func (r *LeafReader) Leaf(index int64) (tlog.Hash, error) {
	if index < 0 || index >= r.size {
		return tlog.Hash{}, fmt.Errorf("%w: index %d of %d", ErrInclusion, index, r.size)
	}
	if index < r.first || index >= r.first+int64(len(r.leaves)) {
		if err := r.load(index / TileWidth * TileWidth); err != nil {
			return tlog.Hash{}, err
		}
	}
	return r.leaves[index-r.first], nil
}

// load reads the leaves of one tile at once.
func (r *LeafReader) load(first int64) error {
	count := min(r.size-first, TileWidth)
	want := make([]int64, count)
	for i := range want {
		want[i] = tlog.StoredHashIndex(0, first+int64(i))
	}
	leaves, err := r.hashes.ReadHashes(want)
	if err != nil {
		return fmt.Errorf("tile of leaf %d: %w", first, err)
	}
	r.first, r.leaves = first, leaves
	return nil
}
