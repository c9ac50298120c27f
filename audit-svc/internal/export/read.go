package export

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jmoiron/sqlx"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

// selectCheckpoint is the largest that a witness has cosigned, else the largest that is signed: what a witness
// stands behind is worth more than the last second.
const selectCheckpoint = `
SELECT c.body || E'\n' ||
  (SELECT coalesce(string_agg(s.line, '' ORDER BY s.made_at, s.signer), '') FROM checkpoint_signature s WHERE s.tree_size = c.tree_size) ||
  (SELECT coalesce(string_agg(w.line, '' ORDER BY w.stored_at, w.witness), '') FROM cosignature w WHERE w.tree_size = c.tree_size)
FROM checkpoint c ORDER BY EXISTS (SELECT FROM cosignature w WHERE w.tree_size = c.tree_size) DESC, c.tree_size DESC LIMIT 1`

func checkpoint(ctx context.Context, tx *sqlx.Tx) (string, error) {
	var note string
	err := tx.GetContext(ctx, &note, selectCheckpoint)
	if errors.Is(err, sql.ErrNoRows) {
		return "", ErrNoCheckpoint
	}
	if err != nil {
		return "", fmt.Errorf("read the checkpoint: %w", err)
	}
	return note, nil
}

// bounds of an export: ids from From to before To, leaves before Size.
type bounds struct {
	from, to string
	size     int64
}

// last is above every id of an event.
const last = "ffffffff-ffff-ffff-ffff-ffffffffffff"

func boundsOf(cfg Config, size int64) bounds {
	b := bounds{from: verify.FirstID(cfg.From), to: last, size: size}
	if !cfg.To.IsZero() {
		b.to = verify.FirstID(cfg.To)
	}
	return b
}

const (
	within = ` FROM leaf l JOIN event e ON e.id = l.event_id
WHERE e.id >= $1::uuid AND e.id < $2::uuid AND l.event_id >= $1::uuid AND l.event_id < $2::uuid AND l.leaf_index < $3`
	selectCount  = `SELECT count(*)` + within
	selectEvents = `SELECT l.leaf_index, e.nonce, e.body` + within + ` ORDER BY l.leaf_index`
)

func count(ctx context.Context, tx *sqlx.Tx, b bounds) (n int64, err error) {
	if err := tx.GetContext(ctx, &n, selectCount, b.from, b.to, b.size); err != nil {
		return 0, fmt.Errorf("count events: %w", err)
	}
	return n, nil
}

// Hashes of a tile: leaves at the bottom, above them the roots of the tiles below.
const (
	selectLeaves = `SELECT leaf_hash FROM leaf WHERE leaf_index >= $1 AND leaf_index < $2 ORDER BY leaf_index`
	selectRoots  = `SELECT root FROM tile WHERE level = $3 AND tile_index >= $1 AND tile_index < $2 ORDER BY tile_index`
)

// tile reads the content of a tile. Whether it is right, whoever asks finds out.
func tile(ctx context.Context, tx *sqlx.Tx, t tlog.Tile) ([]byte, error) {
	first := t.N * verify.TileWidth
	var hashes [][]byte
	var err error
	if t.L == 0 {
		err = tx.SelectContext(ctx, &hashes, selectLeaves, first, first+int64(t.W))
	} else {
		err = tx.SelectContext(ctx, &hashes, selectRoots, first, first+int64(t.W), t.L-1)
	}
	if err != nil {
		return nil, fmt.Errorf("read hashes: %w", err)
	}
	var data []byte
	for _, h := range hashes {
		data = append(data, h...)
	}
	return data, nil
}
