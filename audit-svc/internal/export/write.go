package export

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/jmoiron/sqlx"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

const (
	// batch is how many events are read at once.
	batch = 512
	// perFile is how many events go into a file: some hundred megabytes at most, in fact a tenth of that.
	perFile = 50_000
)

// writer writes events and the tiles that they need.
type writer struct {
	ctx      context.Context // of the one call that it serves
	tx       *sqlx.Tx
	dir      string
	leaves   *verify.LeafReader
	have     map[tlog.Tile]bool
	events   int64
	progress func(events int64)
}

func newWriter(ctx context.Context, tx *sqlx.Tx, dir string, c verify.Checkpoint) *writer {
	w := &writer{ctx: ctx, tx: tx, dir: dir, have: map[tlog.Tile]bool{}}
	w.leaves = verify.NewLeafReader(c, w.tile)
	return w
}

// tile reads a tile that an event needs, and keeps it for those who check.
func (w *writer) tile(t tlog.Tile) ([]byte, error) {
	data, err := tile(w.ctx, w.tx, t)
	if err != nil || w.have[t] {
		return data, err
	}
	w.have[t] = true
	return data, save(filepath.Join(w.dir, filepath.FromSlash(verify.TilePath(t))), data)
}

// eventRow is an event with its place in the tree.
type eventRow struct {
	Index int64  `db:"leaf_index"`
	Nonce []byte `db:"nonce"`
	Body  []byte `db:"body"`
}

// all writes the events within bounds, in the order of their leaves, some in each file.
func (w *writer) all(b bounds) error {
	if err := os.Mkdir(filepath.Join(w.dir, verify.ExportEvents), 0o700); err != nil {
		return err
	}
	if _, err := w.tx.ExecContext(w.ctx, "DECLARE events NO SCROLL CURSOR FOR "+selectEvents, b.from, b.to, b.size); err != nil {
		return fmt.Errorf("read events: %w", err)
	}
	for n := 1; ; n++ {
		more, err := w.file(filepath.Join(w.dir, verify.ExportEvents, fmt.Sprintf("%06d%s", n, verify.ExportSuffix)))
		if err != nil || !more {
			return err
		}
	}
}

// file writes one file; more says whether there may be another.
func (w *writer) file(path string) (more bool, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	lines := bufio.NewWriter(f)
	for range perFile / batch {
		var rows []eventRow
		if err := w.tx.SelectContext(w.ctx, &rows, fmt.Sprintf("FETCH FORWARD %d FROM events", batch)); err != nil {
			return false, fmt.Errorf("read events: %w", err)
		}
		for _, row := range rows {
			if err := w.event(lines, row); err != nil {
				return false, err
			}
		}
		if more = len(rows) == batch; !more {
			break
		}
		w.progress(w.events)
	}
	if err := lines.Flush(); err != nil {
		return false, err
	}
	return more, f.Sync()
}

// event checks an event against the tree, and writes it.
func (w *writer) event(lines *bufio.Writer, row eventRow) error {
	hash, err := verify.LeafHash(row.Nonce, row.Body)
	if err != nil {
		return fmt.Errorf("leaf %d: %w", row.Index, err)
	}
	leaf, err := w.leaves.Leaf(row.Index)
	if err != nil {
		return err
	}
	if tlog.Hash(hash) != leaf {
		return fmt.Errorf("leaf %d: %w: run audit-svc fsck", row.Index, verify.ErrLeaf)
	}
	line, err := json.Marshal(verify.ExportedEvent{Index: row.Index, Nonce: row.Nonce, Event: row.Body})
	if err != nil {
		return err
	}
	w.events++
	_, err = lines.Write(append(line, '\n'))
	return err
}
