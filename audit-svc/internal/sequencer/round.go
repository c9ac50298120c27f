package sequencer

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/dorsetcarerecord/dcr/internal/failpoint"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/store"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/tree"
	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

// round gives a group of events their places; full is true when there may be more.
func (t *term) round(ctx context.Context) (full bool, err error) {
	ctx, cancel := t.whole(ctx)
	defer cancel()
	text, err := t.lead.Snapshot(ctx)
	if err != nil {
		return false, err
	}
	failpoint.Hit("audit.sequence.after_snapshot")
	now, err := tree.ParseSnapshot(text)
	if err != nil {
		return false, fmt.Errorf("read snapshot: %w", err)
	}
	spans, err := tree.Unseen(t.seen, now)
	if errors.Is(err, tree.ErrWentBack) {
		t.cfg.Diary.ErrorContext(ctx, "the database numbers transactions lower than the tree has seen: it was restored "+
			"into another server; all events are looked at again")
		t.seen, t.at = tree.Snapshot{Next: 1}, place{}
		return true, nil
	}
	if err != nil {
		return false, err
	}
	fresh, seen, full, err := t.gather(ctx, spans, now)
	if err != nil {
		return false, err
	}
	if len(fresh) > 0 {
		if err := t.grow(ctx, fresh, seen); err != nil {
			return false, err
		}
	}
	t.seen = seen
	return full, nil
}

// gather reads events of the spans, a group of them at most, with or without a leaf. It gives those without,
// and what the tree has seen when they are taken.
func (t *term) gather(ctx context.Context, spans []tree.Span, now tree.Snapshot) (fresh []store.Candidate, seen tree.Snapshot, full bool, err error) {
	room := t.cfg.Group
	for _, span := range spans {
		after := store.NoID
		if t.at.transaction == span.From && t.at.id != "" {
			after = t.at.id
		}
		found, err := t.lead.Stored(ctx, span.From, after, span.To, room)
		if err != nil {
			return nil, t.seen, false, err
		}
		for _, c := range found {
			if !c.Taken {
				fresh = append(fresh, c)
			}
		}
		if len(found) == room {
			last := found[len(found)-1]
			t.at = place{last.StoredIn, last.ID}
			return fresh, tree.AdvanceTo(t.seen, now, last.StoredIn), true, nil
		}
		room -= len(found)
	}
	t.at = place{}
	return fresh, now, false, nil
}

// grow appends events to the tree and writes what came of it.
func (t *term) grow(ctx context.Context, fresh []store.Candidate, seen tree.Snapshot) error {
	g := store.Growth{From: t.head.Size, Leaves: fresh}
	t.builder.Full = func(tile tlog.Tile, hashes []tlog.Hash) error {
		g.Tiles = append(g.Tiles, wholeTile(tile, hashes))
		return nil
	}
	for _, c := range fresh {
		if len(c.Leaf) != verify.HashSize {
			return errEdge
		}
		if err := t.builder.Add(tlog.Hash(c.Leaf)); err != nil {
			return err
		}
	}
	g.To = store.Head{Size: t.builder.Size(), Root: t.builder.Root(), Seen: seen.String(), MadeAt: t.cfg.Now()}
	if err := t.lead.Grow(ctx, g); err != nil {
		return err
	}
	t.head = g.To
	t.size.Store(t.head.Size)
	t.metrics.group.Record(ctx, int64(len(fresh)))
	return nil
}

// wholeTile is a finished tile with the hash over it, which is a hash of the tile above.
func wholeTile(tile tlog.Tile, hashes []tlog.Hash) store.Tile {
	made, over := store.Tile{Level: tile.L, Index: tile.N, Hashes: make([]byte, 0, len(hashes)*verify.HashSize)}, &verify.Builder{}
	for _, h := range hashes {
		made.Hashes = append(made.Hashes, h[:]...)
		_ = over.Add(h) // fails only when Full does, and there is none
	}
	made.Root = over.Root()
	return made
}
