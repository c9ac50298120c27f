// Package tile reads the Merkle tree: tiles as C2SP tlog-tiles serves them, and proofs. Whole tiles are
// rows; what is at the right edge is made from the rows below. A proof costs two or three statements by key,
// however large the tree is.
package tile

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/store"
	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

var (
	// ErrNoTile says that the tree does not reach so far.
	ErrNoTile = errors.New("there is no such tile")
	// ErrOutside says that a leaf or a size lies outside the tree.
	ErrOutside = errors.New("the tree is not so large")
)

// Tree reads hashes; *store.Store is the real one.
type Tree interface {
	Tiles(ctx context.Context, names []store.TileName) (map[store.TileName][]byte, error)
	Hashes(ctx context.Context, level int, from, to int64) ([]tlog.Hash, error)
}

// Reader reads tiles and proofs of a tree.
type Reader struct{ tree Tree }

// NewReader makes a Reader.
func NewReader(tree Tree) *Reader { return &Reader{tree} }

// Tile is the hashes of a tile, one after the other. It returns ErrNoTile.
func (r *Reader) Tile(ctx context.Context, t tlog.Tile) ([]byte, error) {
	found, err := r.tiles(ctx, []tlog.Tile{t})
	if err != nil {
		return nil, err
	}
	return found[0], nil
}

// tiles reads several: whole ones together, each at the right edge by itself. A tree has one of these on
// each level.
func (r *Reader) tiles(ctx context.Context, wanted []tlog.Tile) ([][]byte, error) {
	names := make([]store.TileName, len(wanted))
	for i, t := range wanted {
		names[i] = store.TileName{Level: t.L, Index: t.N}
	}
	whole, err := r.tree.Tiles(ctx, names)
	if err != nil {
		return nil, err
	}
	data := make([][]byte, len(wanted))
	for i, t := range wanted {
		width := t.W * tlog.HashSize
		if stored := whole[names[i]]; len(stored) >= width {
			data[i] = stored[:width]
			continue
		}
		if data[i], err = r.edge(ctx, t); err != nil {
			return nil, err
		}
	}
	return data, nil
}

// edge makes a tile that is not whole yet.
func (r *Reader) edge(ctx context.Context, t tlog.Tile) ([]byte, error) {
	first := t.N * verify.TileWidth
	hashes, err := r.tree.Hashes(ctx, t.L, first, first+int64(t.W))
	if err != nil {
		return nil, err
	}
	if len(hashes) != t.W {
		return nil, ErrNoTile
	}
	data := make([]byte, 0, t.W*tlog.HashSize)
	for _, h := range hashes {
		data = append(data, h[:]...)
	}
	return data, nil
}

// Inclusion proves that a leaf is in the tree of size leaves, and gives the leaf's hash. It returns ErrOutside.
func (r *Reader) Inclusion(ctx context.Context, index, size int64) (proof []tlog.Hash, leaf tlog.Hash, err error) {
	if index < 0 || index >= size || size > verify.MaxSize {
		return nil, tlog.Hash{}, ErrOutside
	}
	// The leaf is read with its proof: the library asks for all that a proof needs at once, and for nothing
	// when the tree has one leaf.
	own, read := tlog.StoredHashIndex(0, index), false
	proof, err = tlog.ProveRecord(size, index, tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		hashes, err := r.hashes(ctx, append([]int64{own}, indexes...))
		if err != nil {
			return nil, err
		}
		leaf, read = hashes[0], true
		return hashes[1:], nil
	}))
	if err == nil && !read {
		var alone []tlog.Hash
		if alone, err = r.hashes(ctx, []int64{own}); err == nil {
			leaf = alone[0]
		}
	}
	if err != nil {
		return nil, tlog.Hash{}, outside("prove inclusion", err)
	}
	return proof, leaf, nil
}

// Consistency proves that the tree of first leaves is the beginning of that of second leaves. Nothing needs to
// be shown of the empty tree and of the same. It returns ErrOutside.
func (r *Reader) Consistency(ctx context.Context, first, second int64) ([]tlog.Hash, error) {
	if first < 0 || first > second || second > verify.MaxSize {
		return nil, ErrOutside
	}
	if first == 0 || first == second {
		return nil, nil
	}
	proof, err := tlog.ProveTree(second, first, tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		return r.hashes(ctx, indexes)
	}))
	if err != nil {
		return nil, outside("prove consistency", err)
	}
	return proof, nil
}

// outside is what a proof fails with when a hash that it needs is not there.
func outside(what string, err error) error {
	if errors.Is(err, ErrNoTile) {
		return ErrOutside
	}
	return fmt.Errorf("%s: %w", what, err)
}

// hashes reads inner hashes of the tree by the library's numbers for them, each out of the tile that holds it.
func (r *Reader) hashes(ctx context.Context, indexes []int64) ([]tlog.Hash, error) {
	widest := map[store.TileName]int{}
	var wanted []tlog.Tile
	for _, index := range indexes {
		t := tlog.TileForIndex(verify.TileHeight, index)
		name := store.TileName{Level: t.L, Index: t.N}
		if at, known := widest[name]; !known {
			widest[name] = len(wanted)
			wanted = append(wanted, t)
		} else if wanted[at].W < t.W {
			wanted[at].W = t.W
		}
	}
	data, err := r.tiles(ctx, wanted)
	if err != nil {
		return nil, err
	}
	hashes := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		t := tlog.TileForIndex(verify.TileHeight, index)
		at := widest[store.TileName{Level: t.L, Index: t.N}]
		if hashes[i], err = tlog.HashFromTile(wanted[at], data[at], index); err != nil {
			return nil, fmt.Errorf("read hash out of a tile: %w", err)
		}
	}
	return hashes, nil
}
