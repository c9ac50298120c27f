package tile_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/store"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/tile"
	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

// memory is a tree as the database keeps it: leaves, whole tiles and their roots.
type memory struct {
	leaves     []tlog.Hash
	whole      map[store.TileName][]byte
	roots      map[int][]tlog.Hash // of whole tiles, by level
	statements int
}

func (m *memory) Tiles(_ context.Context, names []store.TileName) (map[store.TileName][]byte, error) {
	m.statements++
	found := map[store.TileName][]byte{}
	for _, n := range names {
		if data, ok := m.whole[n]; ok {
			found[n] = data
		}
	}
	return found, nil
}

func (m *memory) Hashes(_ context.Context, level int, from, to int64) ([]tlog.Hash, error) {
	m.statements++
	all := m.leaves
	if level > 0 {
		all = m.roots[level-1]
	}
	from, to = min(from, int64(len(all))), min(to, int64(len(all)))
	return all[from:to], nil
}

// above is the hash at a level of tiles, computed from the leaves.
func (m *memory) above(level int, n int64) []byte {
	b, width := &verify.Builder{}, int64(1)<<(verify.TileHeight*level)
	for _, leaf := range m.leaves[n*width : (n+1)*width] {
		_ = b.Add(leaf)
	}
	root := b.Root()
	return root[:]
}

// grown is a tree of n leaves, and its roots at some sizes.
func grown(t *testing.T, n int, sizes ...int64) (*memory, map[int64]tlog.Hash) {
	t.Helper()
	m := &memory{whole: map[store.TileName][]byte{}, roots: map[int][]tlog.Hash{}}
	b := &verify.Builder{Full: func(t tlog.Tile, hashes []tlog.Hash) error {
		var data []byte
		for _, h := range hashes {
			data = append(data, h[:]...)
		}
		m.whole[store.TileName{Level: t.L, Index: t.N}] = data
		sub := &verify.Builder{}
		for _, h := range hashes {
			_ = sub.Add(h)
		}
		m.roots[t.L] = append(m.roots[t.L], sub.Root())
		return nil
	}}
	roots := map[int64]tlog.Hash{0: b.Root()}
	for i := range n {
		leaf := tlog.RecordHash([]byte{byte(i), byte(i >> 8), byte(i >> 16)})
		m.leaves = append(m.leaves, leaf)
		if err := b.Add(leaf); err != nil {
			t.Fatal(err)
		}
		if slices.Contains(sizes, b.Size()) {
			roots[b.Size()] = b.Root()
		}
	}
	return m, roots
}

const leaves = 70_000 // three levels of tiles

// TestProofs: proofs of leaves and sizes at the edges of tiles and of the tree are what the tree's own root
// says, and cost few statements.
func TestProofs(t *testing.T) {
	t.Parallel()
	sizes := []int64{1, 2, 255, 256, 257, 511, 65_535, 65_536, 65_537, 65_800, leaves}
	m, roots := grown(t, leaves, sizes...)
	r := tile.NewReader(m)
	for _, size := range sizes {
		for _, index := range []int64{0, 1, 254, 255, 256, 300, 65_535, 65_536, leaves - 1, size - 1} {
			m.statements = 0
			proof, leaf, err := r.Inclusion(t.Context(), index, size)
			if index >= size {
				if !errors.Is(err, tile.ErrOutside) {
					t.Errorf("leaf %d of %d: %v, want ErrOutside", index, size, err)
				}
				continue
			}
			if err != nil || leaf != m.leaves[index] {
				t.Fatalf("leaf %d of %d: %v", index, size, err)
			}
			if err := tlog.CheckRecord(proof, size, roots[size], index, leaf); err != nil {
				t.Errorf("leaf %d of %d: %v", index, size, err)
			}
			if m.statements > 4 {
				t.Errorf("leaf %d of %d took %d statements", index, size, m.statements)
			}
		}
		for _, older := range append(sizes, 0) {
			proof, err := r.Consistency(t.Context(), older, size)
			if older > size {
				if !errors.Is(err, tile.ErrOutside) {
					t.Errorf("%d before %d: %v, want ErrOutside", older, size, err)
				}
				continue
			}
			if err != nil {
				t.Fatalf("%d before %d: %v", older, size, err)
			}
			from := verify.Checkpoint{Origin: "o", Size: older, Root: roots[older]}
			if err := verify.CheckConsistency(from, verify.Checkpoint{Origin: "o", Size: size, Root: roots[size]}, proof); err != nil {
				t.Errorf("%d before %d: %v", older, size, err)
			}
		}
	}
}

// TestTiles: every tile of trees of several sizes is as the tree says, partial ones too, although the tree has
// grown since; those beyond are not there.
func TestTiles(t *testing.T) {
	t.Parallel()
	m, _ := grown(t, leaves)
	r := tile.NewReader(m)
	for _, size := range []int64{1, 256, 257, 65_536, 65_537, leaves} {
		for want := range verify.Tiles(size) {
			data, err := r.Tile(t.Context(), want)
			if err != nil || len(data) != want.W*tlog.HashSize {
				t.Fatalf("%s: %d bytes, %v", verify.TilePath(want), len(data), err)
			}
			if !bytes.Equal(data[:tlog.HashSize], m.above(want.L, want.N*verify.TileWidth)) {
				t.Errorf("%s does not begin with its hash", verify.TilePath(want))
			}
		}
	}
	for _, beyond := range []tlog.Tile{{H: 8, L: 0, N: 273, W: 113}, {H: 8, L: 0, N: 273, W: 256}, {H: 8, L: 0, N: 400, W: 1}, {H: 8, L: 1, N: 1, W: 18}, {H: 8, L: 2, N: 0, W: 2}, {H: 8, L: 5, N: 0, W: 1}} {
		if _, err := r.Tile(t.Context(), beyond); !errors.Is(err, tile.ErrNoTile) {
			t.Errorf("%s: %v, want ErrNoTile", verify.TilePath(beyond), err)
		}
	}
}

// TestSizesThatAreNone: what overflows the arithmetic of trees is refused before it is computed.
func TestSizesThatAreNone(t *testing.T) {
	t.Parallel()
	m, _ := grown(t, 3)
	r := tile.NewReader(m)
	for _, size := range []int64{-1, 0, 4, 1 << 47, verify.MaxSize + 1, 1<<63 - 1} {
		if _, _, err := r.Inclusion(t.Context(), 0, size); !errors.Is(err, tile.ErrOutside) {
			t.Errorf("size %d: %v, want ErrOutside", size, err)
		}
		if _, err := r.Consistency(t.Context(), 1, size); !errors.Is(err, tile.ErrOutside) {
			t.Errorf("size %d: %v, want ErrOutside", size, err)
		}
	}
}
