package fsck

import (
	"bytes"
	"context"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

// leafRow is a leaf of the tree.
type leafRow struct {
	Index   int64  `db:"leaf_index"`
	EventID string `db:"event_id"`
	Hash    []byte `db:"leaf_hash"`
}

// headRow is a head of the tree.
type headRow struct {
	Size  int64  `db:"tree_size"`
	After *int64 `db:"after_size"`
	Root  []byte `db:"root_hash"`
}

const (
	selectLeaves = `SELECT leaf_index, event_id::text AS event_id, leaf_hash FROM leaf ORDER BY leaf_index, event_id`
	selectHeads  = `SELECT tree_size, after_size, root_hash FROM tree_head ORDER BY tree_size`
	selectTile   = `SELECT hashes, root FROM tile WHERE level = $1 AND tile_index = $2`
	// selectSpare finds the first tile that no tree of this size has.
	selectSpare = `SELECT level, tile_index FROM tile
WHERE level < 0 OR tile_index < 0 OR tile_index >= div($1::numeric, 256::numeric ^ (level + 1)::numeric)
ORDER BY level, tile_index LIMIT 1`
)

// tree builds the tree anew from its leaves, and compares leaves, tiles and heads on the way.
func (r *run) tree(ctx context.Context) (err error) {
	leaves, err := openCursor[leafRow](ctx, r.tx, "leaves", selectLeaves)
	if err != nil {
		return err
	}
	heads, err := openCursor[headRow](ctx, r.tx, "heads", selectHeads)
	if err != nil {
		return err
	}
	if err := r.prepare(ctx); err != nil {
		return err
	}
	defer r.tiles.Close()
	defer r.events.Close()
	w := &walk{run: r, heads: heads, builder: &verify.Builder{Full: func(t tlog.Tile, hashes []tlog.Hash) error { return r.tile(ctx, t, hashes) }}}
	if err := w.passed(ctx); err != nil {
		return err
	}
	for {
		rows, err := leaves.batch(ctx)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return w.end()
		}
		events, err := r.eventsOf(ctx, rows)
		if err != nil {
			return err
		}
		for i := range rows {
			if err := w.leaf(ctx, &rows[i], events[rows[i].EventID]); err != nil {
				return err
			}
		}
		if r.cfg.Progress != nil {
			r.cfg.Progress(w.builder.Size(), r.newest.Size)
		}
	}
}

// prepare plans once what is asked thousands of times: planning over all months takes longer than reading.
func (r *run) prepare(ctx context.Context) (err error) {
	if r.tiles, err = r.tx.PreparexContext(ctx, selectTile); err != nil {
		return fmt.Errorf("read tiles: %w", err)
	}
	if r.events, err = r.tx.PreparexContext(ctx, selectEvents); err != nil {
		return fmt.Errorf("read events: %w", err)
	}
	return nil
}

// walk goes through leaves and heads side by side.
type walk struct {
	*run
	builder *verify.Builder
	heads   *cursor[headRow]
	before  *headRow // the last head that was compared
	ahead   *headRow // the next one
	ended   bool
}

// leaf compares one leaf with its place and its event, and adds it to the tree.
func (w *walk) leaf(ctx context.Context, l *leafRow, events []eventRow) error {
	place := fmt.Sprintf("leaf %d, event %s", l.Index, l.EventID)
	if l.Index != w.builder.Size() {
		if err := w.differ(Place, place, "leaf %d was to come", w.builder.Size()); err != nil {
			return err
		}
	}
	switch len(events) {
	case 0:
		if d := w.droppedAt(l.EventID); d != nil {
			w.withoutEvent(d, l)
		} else if err := w.differ(Event, place, "the event is gone"); err != nil {
			return err
		}
	case 1:
		if err := w.event(place, &events[0]); err != nil {
			return err
		}
		if !bytes.Equal(l.Hash, events[0].LeafHash) {
			if err := w.differ(Leaf, place, "the hash in the tree is not the event's"); err != nil {
				return err
			}
		}
	default:
		if err := w.differ(Event, place, "the event is stored %d times", len(events)); err != nil {
			return err
		}
	}
	if len(l.Hash) != verify.HashSize {
		return &Difference{Check: Leaf, Place: place, What: "the hash in the tree is none"}
	}
	if err := w.builder.Add(tlog.Hash(l.Hash)); err != nil {
		return err
	}
	w.report.Leaves++
	return w.passed(ctx)
}

// passed compares the heads, and what was remembered elsewhere, of the tree as large as it is now.
func (w *walk) passed(ctx context.Context) error {
	size := w.builder.Size()
	for _, c := range w.cfg.Against {
		if c.Size == size && c.Root != w.builder.Root() {
			if err := w.differ(Against, fmt.Sprintf("tree of %d leaves", size), "somebody saw another root of this size: history was rewritten"); err != nil {
				return err
			}
		}
	}
	for {
		if w.ahead == nil && !w.ended {
			var err error
			if w.ahead, err = w.heads.one(ctx); err != nil {
				return err
			}
			w.ended = w.ahead == nil
		}
		if w.ended || w.ahead.Size > size {
			return nil
		}
		if err := w.head(w.ahead); err != nil {
			return err
		}
		w.before, w.ahead = w.ahead, nil
	}
}

// head compares one head with the tree and with the head before it.
func (w *walk) head(h *headRow) error {
	place := fmt.Sprintf("head of %d leaves", h.Size)
	w.report.Heads++
	follows := w.before == nil && h.After == nil && h.Size == 0 ||
		w.before != nil && h.After != nil && *h.After == w.before.Size && h.Size > w.before.Size
	if !follows {
		if err := w.differ(Chain, place, "it does not continue the head before it"); err != nil {
			return err
		}
	}
	root := w.builder.Root()
	if h.Size == w.builder.Size() && !bytes.Equal(h.Root, root[:]) {
		return w.differ(Head, place, "its root is not what the leaves make")
	}
	return nil
}

// end compares what is left when there are no more leaves.
func (w *walk) end() error {
	size := w.builder.Size()
	if w.ahead != nil {
		return w.differ(Chain, fmt.Sprintf("head of %d leaves", w.ahead.Size), "there are %d leaves only", size)
	}
	if w.before == nil || w.before.Size != size {
		return w.differ(Chain, fmt.Sprintf("leaf %d", size-1), "no head has it: the newest is of %d leaves", sizeOf(w.before))
	}
	return nil
}

func sizeOf(h *headRow) int64 {
	if h == nil {
		return 0
	}
	return h.Size
}

// tileRow is a whole tile.
type tileRow struct {
	Hashes []byte `db:"hashes"`
	Root   []byte `db:"root"`
}

// tile compares a whole tile with the leaves below it.
func (r *run) tile(ctx context.Context, t tlog.Tile, hashes []tlog.Hash) error {
	place := verify.TilePath(t)
	var rows []tileRow
	if err := r.tiles.SelectContext(ctx, &rows, t.L, t.N); err != nil {
		return fmt.Errorf("read %s: %w", place, err)
	}
	if len(rows) != 1 {
		return r.differ(Tile, place, "it is stored %d times", len(rows))
	}
	r.report.Tiles++
	want := make([]byte, 0, len(hashes)*verify.HashSize)
	for _, h := range hashes {
		want = append(want, h[:]...)
	}
	b := &verify.Builder{}
	for _, h := range hashes {
		if err := b.Add(h); err != nil {
			return err
		}
	}
	root := b.Root()
	if !bytes.Equal(rows[0].Hashes, want) {
		return r.differ(Tile, place, "hash %d is not what the leaves make", firstUnlike(rows[0].Hashes, want))
	}
	if !bytes.Equal(rows[0].Root, root[:]) {
		return r.differ(Tile, place, "its root is not what the leaves make")
	}
	return nil
}

// firstUnlike is the first hash of two tiles that differs.
func firstUnlike(a, b []byte) int {
	for i := 0; i < len(a) && i < len(b); i++ {
		if a[i] != b[i] {
			return i / verify.HashSize
		}
	}
	return min(len(a), len(b)) / verify.HashSize
}

// spareTiles looks for tiles beyond the tree.
func (r *run) spareTiles(ctx context.Context) error {
	var spare []struct {
		Level int   `db:"level"`
		Index int64 `db:"tile_index"`
	}
	if err := r.tx.SelectContext(ctx, &spare, selectSpare, r.newest.Size); err != nil {
		return fmt.Errorf("read tiles: %w", err)
	}
	if len(spare) == 0 {
		return nil
	}
	return r.differ(Tile, verify.TilePath(tlog.Tile{H: verify.TileHeight, L: spare[0].Level, N: spare[0].Index, W: verify.TileWidth}), "no tree of this size has it")
}
