package fsck

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jmoiron/sqlx"

	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

// Check names one of the comparisons.
type Check string

// What is compared.
const (
	// Place: leaf indexes count from 0, each once.
	Place Check = "place"
	// Event: every leaf has its event, once.
	Event Check = "event"
	// Bytes: the stored leaf hash is that of nonce and bytes.
	Bytes Check = "bytes"
	// Column: the columns beside the bytes say what the bytes say.
	Column Check = "column"
	// Leaf: the hash in the tree is the event's.
	Leaf Check = "leaf"
	// Tile: whole tiles are there, and are what the leaves make.
	Tile Check = "tile"
	// Head: the root of each head is what the leaves make.
	Head Check = "head"
	// Chain: each head continues the one before it, from the empty tree to the last leaf.
	Chain Check = "chain"
	// Sequenced: every event that the newest head has seen has a leaf, and only one.
	Sequenced Check = "sequenced"
	// Text: each checkpoint says what its head says.
	Text Check = "text"
	// Signature: each checkpoint is signed by the log.
	Signature Check = "signature"
	// Cosignature: what is kept of witnesses is theirs.
	Cosignature Check = "cosignature"
	// Dropped: of a deleted month there are the leaves that were archived, and an event that says so.
	Dropped Check = "dropped"
	// Against: the tree holds the checkpoint that somebody remembered.
	Against Check = "against"
)

// Difference is the first thing that does not fit. Its words quote nothing of an event but its id.
type Difference struct {
	Check Check
	Place string
	What  string
}

// Error names place and difference.
func (d *Difference) Error() string { return fmt.Sprintf("%s: %s (%s)", d.Place, d.What, d.Check) }

// Config is what a check needs.
type Config struct {
	// DB is the database, as a role that may read the schema.
	DB *sqlx.DB
	// Trust holds the log's keys, those no longer in use too, and the witnesses' keys. Quorum 0.
	Trust *verify.Trust
	// Against are checkpoints that somebody remembered elsewhere: the tree must hold them.
	Against []verify.Checkpoint
	// Progress, if not nil, is told how far it is.
	Progress func(leaves, of int64)

	without Check // switched off, in tests that see a guard fail
}

// Report is what was compared.
type Report struct {
	Leaves, Heads, Tiles, Checkpoints, Signatures, Cosignatures int64
	// Waiting are events that are stored and not in the tree yet: the sequencer takes them in a moment.
	Waiting int64
	// Dropped are leaves whose events were deleted with their month, in its time; they have hashes only.
	Dropped, DroppedMonths int64
	// Strangers are signatures and cosignatures by keys that were not named, and so not checked.
	Strangers int64
}

// batch is how many rows are read at once.
const batch = 512

// Run compares everything. It returns a *Difference, or another error when it could not read.
func Run(ctx context.Context, cfg Config) (*Report, error) {
	if cfg.DB == nil || cfg.Trust == nil {
		return nil, errors.New("fsck: database and keys are needed")
	}
	tx, err := cfg.DB.BeginTxx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return nil, fmt.Errorf("fsck: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // nothing was written
	return check(ctx, tx, cfg)
}

// check compares everything that a transaction sees.
func check(ctx context.Context, tx *sqlx.Tx, cfg Config) (*Report, error) {
	// Sorting a large table takes its time.
	if _, err := tx.ExecContext(ctx, `SET LOCAL statement_timeout = 0`); err != nil {
		return nil, fmt.Errorf("fsck: %w", err)
	}
	r := &run{cfg: cfg, tx: tx, report: &Report{}}
	for _, step := range []func(context.Context) error{r.size, r.dropped, r.tree, r.deletions, r.spareTiles, r.waiting, r.twice, r.checkpoints, r.orphans} {
		if err := step(ctx); err != nil {
			return r.report, err
		}
	}
	return r.report, nil
}

// run is one check in progress.
type run struct {
	cfg    Config
	tx     *sqlx.Tx
	report *Report
	newest newest // the largest head
	gone   map[string]*droppedRow
	// prepared
	tiles, events *sqlx.Stmt
}

// differ reports a difference, unless its check is switched off.
func (r *run) differ(check Check, place, what string, args ...any) error {
	if check == r.cfg.without {
		return nil
	}
	return &Difference{Check: check, Place: place, What: fmt.Sprintf(what, args...)}
}

// newest is the largest head.
type newest struct {
	Size int64  `db:"tree_size"`
	Seen string `db:"seen"`
	// Future tells whether it claims to have seen transactions that have not begun.
	Future bool `db:"future"`
}

const selectNewest = `
SELECT tree_size, seen::text AS seen, pg_snapshot_xmax(seen) > pg_snapshot_xmax(pg_current_snapshot()) AS future
FROM tree_head ORDER BY tree_size DESC LIMIT 1`

// size reads how large the tree claims to be.
func (r *run) size(ctx context.Context) error {
	err := r.tx.GetContext(ctx, &r.newest, selectNewest)
	if errors.Is(err, sql.ErrNoRows) {
		return &Difference{Check: Chain, Place: "tree", What: "there is no head, not even that of the empty tree"}
	}
	if err != nil {
		return fmt.Errorf("read the newest head: %w", err)
	}
	if r.newest.Size > verify.MaxSize || r.newest.Size < 0 {
		return &Difference{Check: Chain, Place: "tree", What: "the newest head claims an impossible size"}
	}
	for _, c := range r.cfg.Against {
		if c.Size > r.newest.Size {
			return r.differ(Against, fmt.Sprintf("tree of %d leaves", r.newest.Size), "a checkpoint of %d leaves was seen: the log was set back", c.Size)
		}
	}
	return nil
}
