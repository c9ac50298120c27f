package verify_test

import (
	"bytes"
	"errors"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

// TestBuilder compares the streaming tree with package tlog's: root and every tile, at sizes around the
// widths of tiles.
func TestBuilder(t *testing.T) {
	t.Parallel()
	const most = 1<<16 + 700
	m := &memory{}
	b := verify.Builder{Full: func(tile tlog.Tile, hashes []tlog.Hash) error { compareTile(t, m, tile, hashes); return nil }}
	check := map[int64]bool{0: true, 1: true, 2: true, 255: true, 256: true, 257: true, 511: true, 512: true, 1 << 16: true, 1<<16 + 1: true, most: true}
	for i := int64(0); i <= most; i++ {
		if check[i] || i%997 == 0 {
			if got, want := b.Root(), m.checkpoint(t, i).Root; got != want {
				t.Fatalf("root at %d: %v, want %v", i, got, want)
			}
		}
		if i == most {
			break
		}
		m.addLeaf(t, bytes.Repeat([]byte{9}, verify.NonceSize), number(uint64(i)))
		if err := b.Add(m.leaf(i)); err != nil {
			t.Fatal(err)
		}
	}
	b.Partial(func(tile tlog.Tile, hashes []tlog.Hash) bool { compareTile(t, m, tile, hashes); return true })
}

func compareTile(t *testing.T, m *memory, tile tlog.Tile, hashes []tlog.Hash) {
	t.Helper()
	want, err := m.tile(tile)
	if err != nil {
		t.Fatal(err)
	}
	var got []byte
	for _, h := range hashes {
		got = append(got, h[:]...)
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("tile %s differs", verify.TilePath(tile))
	}
}

// TestBuilderStops: an error of the caller ends the building.
func TestBuilderStops(t *testing.T) {
	t.Parallel()
	stop := errors.New("stop")
	b := verify.Builder{Full: func(tlog.Tile, []tlog.Hash) error { return stop }}
	for i := range verify.TileWidth {
		if err := b.Add(tlog.Hash{byte(i)}); (err != nil) != (i == verify.TileWidth-1) {
			t.Fatalf("leaf %d: %v", i, err)
		}
	}
}

// TestTiles lists what C2SP tlog-tiles gives as its example.
func TestTiles(t *testing.T) {
	t.Parallel()
	count := map[int][2]int{} // level to full and partial
	width := map[int]int{}
	for tile := range verify.Tiles(70_000) {
		c := count[tile.L]
		if tile.W == verify.TileWidth {
			c[0]++
		} else {
			c[1]++
			width[tile.L] = tile.W
		}
		count[tile.L] = c
	}
	if count[0] != [2]int{273, 1} || count[1] != [2]int{1, 1} || count[2] != [2]int{0, 1} || len(count) != 3 {
		t.Errorf("tiles %v", count)
	}
	if width[0] != 112 || width[1] != 17 || width[2] != 1 {
		t.Errorf("widths %v", width)
	}
}

func TestTilePath(t *testing.T) {
	t.Parallel()
	for path, tile := range map[string]tlog.Tile{
		"tile/0/x001/x234/067":   {H: 8, L: 0, N: 1234067, W: 256},
		"tile/3/000.p/1":         {H: 8, L: 3, N: 0, W: 1},
		"tile/63/x999/999.p/255": {H: 8, L: 63, N: 999999, W: 255},
	} {
		if got := verify.TilePath(tile); got != path {
			t.Errorf("path %s, want %s", got, path)
		}
		if got, err := verify.ParseTilePath(path); err != nil || got != tile {
			t.Errorf("%s: %+v, %v", path, got, err)
		}
	}
	for _, path := range []string{"", "tile", "tile/0", "tile/0/1", "tile/00/001", "tile/-1/001", "tile/64/001", "tile/entries/001", "tile/data/001",
		"tile/0/001.p/0", "tile/0/001.p/256", "tile/0/001.p/01", "tile/0/x000/001", "tile/0/0001", "tile/0/../001", "tile/0/+01", "/tile/0/001",
		"tile/0/x999/x999/x999/x999/x999/x999/x999/999"} {
		if tile, err := verify.ParseTilePath(path); !errors.Is(err, verify.ErrTile) {
			t.Errorf("%q was read as %+v, %v", path, tile, err)
		}
	}
}

// TestLeafReader reads leaves out of tiles, and believes no tile in which a bit was changed.
func TestLeafReader(t *testing.T) {
	t.Parallel()
	m := newMemory(t, "a", 1500)
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.Int64Range(1, m.size()).Draw(t, "size")
		index := rapid.Int64Range(0, size-1).Draw(t, "index")
		c := m.checkpoint(t, size)
		var read []tlog.Tile
		leaf, err := verify.NewLeafReader(c, func(tile tlog.Tile) ([]byte, error) {
			read = append(read, tile)
			return m.tile(tile)
		}).Leaf(index)
		if err != nil || leaf != m.leaf(index) {
			t.Fatalf("leaf %v, %v", leaf, err)
		}
		wrong := rapid.SampledFrom(read).Draw(t, "tile")
		at := rapid.IntRange(0, wrong.W*verify.HashSize-1).Draw(t, "at")
		_, err = verify.NewLeafReader(c, func(tile tlog.Tile) ([]byte, error) {
			data, err := m.tile(tile)
			if tile == wrong {
				data[at] ^= 1
			}
			return data, err
		}).Leaf(index)
		if err == nil {
			t.Fatalf("a changed tile %s was believed", verify.TilePath(wrong))
		}
	})
}

func TestLeafReaderRefuses(t *testing.T) {
	t.Parallel()
	m := newMemory(t, "a", 10)
	c := m.checkpoint(t, 10)
	r := verify.NewLeafReader(c, func(tlog.Tile) ([]byte, error) { return make([]byte, 31), nil })
	for _, index := range []int64{-1, 10} {
		if _, err := r.Leaf(index); !errors.Is(err, verify.ErrInclusion) {
			t.Errorf("index %d: %v", index, err)
		}
	}
	if _, err := r.Leaf(3); !errors.Is(err, verify.ErrTile) {
		t.Errorf("short tile: %v", err)
	}
}
