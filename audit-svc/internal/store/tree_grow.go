package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/dorsetcarerecord/dcr/internal/failpoint"
	"github.com/dorsetcarerecord/dcr/internal/postgres"
)

// ErrFenced says that another sequencer has grown the tree since: whoever gets it has slept, and must read
// the tree anew.
var ErrFenced = errors.New("another sequencer has grown the tree")

// Head is the tree at one size.
type Head struct {
	Size int64
	Root tlog.Hash
	// Seen is a snapshot of transactions: every event that is visible in it has a leaf.
	Seen string
	// MadeAt is when the head was made, by the clock of the sequencer.
	MadeAt time.Time
}

// Tile is a whole tile.
type Tile struct {
	Level  int
	Index  int64
	Hashes []byte
	Root   tlog.Hash
}

// Growth is one step of the tree: whole or not at all.
type Growth struct {
	From   int64 // size of the head that it continues
	Leaves []Candidate
	Tiles  []Tile
	To     Head
}

const selectHead = `
SELECT tree_size, root_hash, seen::text AS seen, made_at FROM tree_head ORDER BY tree_size DESC LIMIT 1`

type headRow struct {
	Size   int64     `db:"tree_size"`
	Root   []byte    `db:"root_hash"`
	Seen   string    `db:"seen"`
	MadeAt time.Time `db:"made_at"`
}

func (r headRow) head() Head {
	return Head{Size: r.Size, Root: tlog.Hash(r.Root), Seen: r.Seen, MadeAt: r.MadeAt.UTC()}
}

// Head is the largest head.
func (l *Lead) Head(ctx context.Context) (Head, error) {
	var row headRow
	if err := l.selectRow(ctx, &row, selectHead); err != nil {
		return Head{}, fmt.Errorf("read tree head: %w", postgres.Translate(err))
	}
	return row.head(), nil
}

// insertLeaves numbers the events of a group, in the order of the arrays.
const insertLeaves = `
INSERT INTO leaf (leaf_index, event_id, leaf_hash)
SELECT $1::bigint + u.place - 1, u.id, u.hash FROM unnest($2::uuid[], $3::bytea[]) WITH ORDINALITY AS u (id, hash, place)`

const insertTiles = `
INSERT INTO tile (level, tile_index, hashes, root)
SELECT * FROM unnest($1::smallint[], $2::bigint[], $3::bytea[], $4::bytea[])`

const insertHead = `
INSERT INTO tree_head (tree_size, after_size, root_hash, seen, made_at) VALUES ($1, $2, $3, $4::pg_snapshot, $5)`

// Grow writes leaves, tiles and head in one transaction. It returns ErrFenced when the head that it continues
// was continued already, or an event has a leaf: then nothing was written.
func (l *Lead) Grow(ctx context.Context, g Growth) error {
	failpoint.Hit("audit.sequence.before")
	tx, err := l.conn.BeginTxx(ctx, nil)
	if err != nil {
		return fmt.Errorf("grow tree: %w", postgres.Translate(err))
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	if err := l.write(ctx, tx, g); err != nil {
		return fmt.Errorf("grow tree: %w", fenced(err))
	}
	failpoint.Hit("audit.sequence.before_commit")
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("grow tree: %w", fenced(err))
	}
	failpoint.Hit("audit.sequence.after_commit")
	return nil
}

// write adds the head last. The keys refuse what another sequencer wrote meanwhile.
func (l *Lead) write(ctx context.Context, tx *sqlx.Tx, g Growth) error {
	ids, hashes := make(pq.StringArray, len(g.Leaves)), make(pq.ByteaArray, len(g.Leaves))
	for i, c := range g.Leaves {
		ids[i], hashes[i] = c.ID, c.Leaf
	}
	if err := l.exec(ctx, tx, insertLeaves, g.From, ids, hashes); err != nil {
		return fmt.Errorf("leaves: %w", err)
	}
	failpoint.Hit("audit.sequence.after_leaves")
	if len(g.Tiles) > 0 {
		if err := l.exec(ctx, tx, insertTiles, tileColumns(g.Tiles)...); err != nil {
			return fmt.Errorf("tiles: %w", err)
		}
	}
	failpoint.Hit("audit.sequence.after_tiles")
	if err := l.exec(ctx, tx, insertHead, g.To.Size, g.From, g.To.Root[:], g.To.Seen, instant(g.To.MadeAt)); err != nil {
		return fmt.Errorf("head: %w", err)
	}
	return nil
}

func (l *Lead) exec(ctx context.Context, tx *sqlx.Tx, text string, args ...any) error {
	_, err := tx.StmtxContext(ctx, l.stmt[text]).ExecContext(ctx, args...)
	return err
}

func tileColumns(tiles []Tile) []any {
	n := len(tiles)
	levels, indexes := make(pq.Int32Array, n), make(pq.Int64Array, n)
	hashes, roots := make(pq.ByteaArray, n), make(pq.ByteaArray, n)
	for i, t := range tiles {
		levels[i], indexes[i] = int32(t.Level), t.Index //nolint:gosec // a tree has 6 levels at most
		hashes[i], roots[i] = t.Hashes, t.Root[:]
	}
	return []any{levels, indexes, hashes, roots}
}

// fenced tells the keys' refusal from other failures.
func fenced(err error) error {
	var pqErr *pq.Error
	if errors.As(err, &pqErr) && pqErr.Code == "23505" {
		return fmt.Errorf("%s: %w", pqErr.Constraint, ErrFenced)
	}
	return postgres.Translate(err)
}
