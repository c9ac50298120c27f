package store

import (
	"context"
	"fmt"

	"github.com/lib/pq"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/dorsetcarerecord/dcr/internal/postgres"
)

// Head is the largest head.
func (s *Store) Head(ctx context.Context) (Head, error) {
	var row headRow
	if err := s.stmt.Get(ctx, nil, &row, selectHead); err != nil {
		return Head{}, fmt.Errorf("read tree head: %w", postgres.Translate(err))
	}
	return row.head(), nil
}

const selectTiles = `
SELECT t.level, t.tile_index, t.hashes FROM unnest($1::smallint[], $2::bigint[]) AS u (level, tile_index)
JOIN tile t ON t.level = u.level AND t.tile_index = u.tile_index`

// TileName is a tile's place in the tree.
type TileName struct {
	Level int
	Index int64
}

// Tiles are those of the named tiles that are whole.
func (s *Store) Tiles(ctx context.Context, names []TileName) (map[TileName][]byte, error) {
	levels, indexes := make(pq.Int32Array, len(names)), make(pq.Int64Array, len(names))
	for i, n := range names {
		levels[i], indexes[i] = int32(n.Level), n.Index //nolint:gosec // a tree has 6 levels at most
	}
	var rows []struct {
		Level  int    `db:"level"`
		Index  int64  `db:"tile_index"`
		Hashes []byte `db:"hashes"`
	}
	if err := s.stmt.Select(ctx, nil, &rows, selectTiles, levels, indexes); err != nil {
		return nil, fmt.Errorf("read tiles: %w", postgres.Translate(err))
	}
	found := make(map[TileName][]byte, len(rows))
	for _, r := range rows {
		found[TileName{r.Level, r.Index}] = r.Hashes
	}
	return found, nil
}

// The hashes of an unfinished tile: leaves at the bottom, above them the roots of the tiles below.
const (
	selectLeafHashes = `
SELECT leaf_hash FROM leaf WHERE leaf_index >= $1 AND leaf_index < $2 ORDER BY leaf_index`
	selectRoots = `
SELECT root FROM tile WHERE level = $3 AND tile_index >= $1 AND tile_index < $2 ORDER BY tile_index`
)

// Hashes are those at a level of tiles, from from to before to: fewer when the tree does not reach so far.
func (s *Store) Hashes(ctx context.Context, level int, from, to int64) ([]tlog.Hash, error) {
	var rows [][]byte
	var err error
	if level == 0 {
		err = s.stmt.Select(ctx, nil, &rows, selectLeafHashes, from, to)
	} else {
		err = s.stmt.Select(ctx, nil, &rows, selectRoots, from, to, level-1)
	}
	if err != nil {
		return nil, fmt.Errorf("read hashes: %w", postgres.Translate(err))
	}
	hashes := make([]tlog.Hash, len(rows))
	for i, r := range rows {
		hashes[i] = tlog.Hash(r)
	}
	return hashes, nil
}

const selectProven = `
SELECT e.body, e.nonce, e.leaf_hash, l.leaf_index, l.leaf_hash AS proven
FROM event e LEFT JOIN leaf l ON l.event_id = e.id WHERE e.id = $1::uuid`

// Proven is an event with its leaf.
type Proven struct {
	Body  []byte `db:"body"`
	Nonce []byte `db:"nonce"`
	// Stored is the leaf's hash beside the event, Leaf that in the tree; nil while it has no index.
	Stored []byte `db:"leaf_hash"`
	Leaf   []byte `db:"proven"`
	// Index of the leaf; nil while it has none.
	Index *int64 `db:"leaf_index"`
}

// Proven is the event of an id; nil when there is none.
func (s *Store) Proven(ctx context.Context, id string) (*Proven, error) {
	var found []Proven
	if err := s.stmt.Select(ctx, nil, &found, selectProven, id); err != nil {
		return nil, fmt.Errorf("read event and leaf: %w", postgres.Translate(err))
	}
	if len(found) == 0 {
		return nil, nil //nolint:nilnil // absence is no error here
	}
	return &found[0], nil
}

// selectLag is the age of the first event, in the order of transactions, that began after the largest head
// had looked and has no leaf. It reads the index from there on: a group of events at most, and no count.
const selectLag = `
SELECT coalesce((
  SELECT extract(epoch FROM clock_timestamp() - e.stored_at) FROM event e
  LEFT JOIN LATERAL (SELECT true AS there FROM leaf WHERE leaf.event_id = e.id LIMIT 1) l ON true
  WHERE e.stored_in >= (SELECT pg_snapshot_xmax(seen) FROM tree_head ORDER BY tree_size DESC LIMIT 1)
    AND l.there IS NULL
  ORDER BY e.stored_in, e.id LIMIT 1), 0)::float8`

// Lag is for how many seconds the oldest event waits for its leaf; 0 when none does.
func (s *Store) Lag(ctx context.Context) (float64, error) {
	var seconds float64
	if err := s.stmt.Get(ctx, nil, &seconds, selectLag); err != nil {
		return 0, fmt.Errorf("read lag: %w", postgres.Translate(err))
	}
	return max(seconds, 0), nil
}
