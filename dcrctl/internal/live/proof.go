package live

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

// ErrTiles means that what the log hands out is not the tree that it signed.
var ErrTiles = errors.New("the log's tiles are not the tree of its checkpoint")

// window is how many tiles are asked for at once.
const window = 16

// source reads tiles for package verify, and remembers whether reading failed: a tile that cannot be had is
// no proof of anything, a wrong one is.
type source struct {
	ctx    context.Context // a reader of tiles has no parameter for it, and lives for one call
	log    *Log
	failed error
}

func (s *source) read(t tlog.Tile) ([]byte, error) {
	data, err := s.log.Tile(s.ctx, t)
	if err != nil {
		s.failed = err
	}
	return data, err
}

// judge tells a tile that could not be had from one that is wrong.
func (s *source) judge(err error) error {
	if s.failed != nil {
		return s.failed
	}
	return fmt.Errorf("%w: %w", ErrTiles, err)
}

// Prove makes the proof that the tree of older leaves is the beginning of newer's, from the log's tiles,
// each checked against newer. It returns ErrTiles when they are not that tree.
func (l *Log) Prove(ctx context.Context, older int64, newer verify.Checkpoint) ([]tlog.Hash, error) {
	if older <= 0 || older >= newer.Size {
		return nil, nil
	}
	s := &source{ctx: ctx, log: l}
	proof, err := tlog.ProveTree(newer.Size, older, verify.NewHashReader(newer, s.read))
	if err != nil {
		return nil, s.judge(err)
	}
	return proof, nil
}

// Leaf is the leaf at an index, checked against the checkpoint. It returns ErrTiles when the tiles are not
// that tree.
func (l *Log) Leaf(ctx context.Context, c verify.Checkpoint, index int64) (tlog.Hash, error) {
	s := &source{ctx: ctx, log: l}
	leaf, err := verify.NewLeafReader(c, s.read).Leaf(index)
	if err != nil {
		return tlog.Hash{}, s.judge(err)
	}
	return leaf, nil
}

// Whole reads every tile of the tree of c, computes the tree anew from its leaves, and compares root and
// tiles. Progress is called with the number of leaves read so far. It returns ErrTiles with the place of the
// first difference.
func (l *Log) Whole(ctx context.Context, c verify.Checkpoint, progress func(leaves int64)) error {
	b := &verify.Builder{Full: func(t tlog.Tile, hashes []tlog.Hash) error {
		if t.L == 0 {
			return nil // it is what we build from
		}
		return l.compare(ctx, t, hashes)
	}}
	for first := int64(0); first < c.Size; first += window * verify.TileWidth {
		tiles, err := l.leafTiles(ctx, c, first)
		if err != nil {
			return err
		}
		for _, leaves := range tiles {
			for _, leaf := range leaves {
				if err := b.Add(leaf); err != nil {
					return err
				}
			}
		}
		progress(b.Size())
	}
	if b.Root() != c.Root {
		return fmt.Errorf("%w: its leaves make another root", ErrTiles)
	}
	return l.edge(ctx, b)
}

// edge compares the unfinished tiles above the leaves.
func (l *Log) edge(ctx context.Context, b *verify.Builder) error {
	var err error
	b.Partial(func(t tlog.Tile, hashes []tlog.Hash) bool {
		if t.L > 0 {
			err = l.compare(ctx, t, hashes)
		}
		return err == nil
	})
	return err
}

func (l *Log) compare(ctx context.Context, t tlog.Tile, hashes []tlog.Hash) error {
	data, err := l.Tile(ctx, t)
	if err != nil {
		return err
	}
	for i, h := range hashes {
		if tlog.Hash(data[i*verify.HashSize:]) != h {
			return fmt.Errorf("%w: %s, hash %d", ErrTiles, verify.TilePath(t), i)
		}
	}
	return nil
}

// leafTiles reads some tiles of leaves at once, in order.
func (l *Log) leafTiles(ctx context.Context, c verify.Checkpoint, first int64) ([][]tlog.Hash, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var names []tlog.Tile
	for at := first; at < min(c.Size, first+window*verify.TileWidth); at += verify.TileWidth {
		names = append(names, tlog.Tile{H: verify.TileHeight, N: at / verify.TileWidth, W: int(min(c.Size-at, verify.TileWidth))})
	}
	tiles, errs := make([][]tlog.Hash, len(names)), make([]error, len(names))
	var all sync.WaitGroup
	for i, name := range names {
		all.Go(func() {
			data, err := l.Tile(ctx, name)
			if err == nil {
				tiles[i], err = verify.TileData(name, data)
			}
			if errs[i] = err; err != nil {
				cancel()
			}
		})
	}
	all.Wait()
	return tiles, cause(errs)
}

// cause is the first error that is not only the echo of another.
func cause(errs []error) error {
	var echo error
	for _, err := range errs {
		if err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
		if err != nil {
			echo = err
		}
	}
	return echo
}
