package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/lib/pq"

	"github.com/dorsetcarerecord/dcr/internal/failpoint"
	"github.com/dorsetcarerecord/dcr/internal/postgres"
)

// ErrOtherText says that a checkpoint of this size was signed with another text: the log has another name or
// another root than it had.
var ErrOtherText = errors.New("a checkpoint of this size says something else")

// Signature is one line of a signed note.
type Signature struct {
	// Signer is the name and id of the key, "name+0123abcd".
	Signer string
	// Line as it stands in the note, with its newline.
	Line string
}

// Checkpoint is a signed head with all signatures that it has so far.
type Checkpoint struct {
	Size   int64     `db:"tree_size"`
	Body   string    `db:"body"`
	MadeAt time.Time `db:"made_at"`
	// Signatures of the log and Cosignatures of witnesses are lines of the note.
	Signatures   string `db:"signatures"`
	Cosignatures string `db:"cosignatures"`
}

// Note is the signed note.
func (c Checkpoint) Note() string { return c.Body + "\n" + c.Signatures + c.Cosignatures }

// signedCheckpoint joins a checkpoint and its lines, in the order in which they came.
const signedCheckpoint = `
SELECT c.tree_size, c.body, c.made_at,
  (SELECT coalesce(string_agg(s.line, '' ORDER BY s.made_at, s.signer), '') FROM checkpoint_signature s WHERE s.tree_size = c.tree_size) AS signatures,
  (SELECT coalesce(string_agg(w.line, '' ORDER BY w.stored_at, w.witness), '') FROM cosignature w WHERE w.tree_size = c.tree_size) AS cosignatures
FROM checkpoint c `

const (
	selectLargest   = signedCheckpoint + `ORDER BY c.tree_size DESC LIMIT 1`
	selectOfSize    = signedCheckpoint + `WHERE c.tree_size = $1`
	selectWitnessed = signedCheckpoint + `WHERE c.tree_size = (SELECT max(tree_size) FROM cosignature)`
)

// Largest is the largest checkpoint; nil when none was signed.
func (s *Store) Largest(ctx context.Context) (*Checkpoint, error) {
	return s.checkpoint(ctx, selectLargest)
}

// OfSize is the checkpoint of a size; nil when none was signed.
func (s *Store) OfSize(ctx context.Context, size int64) (*Checkpoint, error) {
	return s.checkpoint(ctx, selectOfSize, size)
}

// Witnessed is the largest checkpoint that a witness has cosigned; nil when none was.
func (s *Store) Witnessed(ctx context.Context) (*Checkpoint, error) {
	return s.checkpoint(ctx, selectWitnessed)
}

func (s *Store) checkpoint(ctx context.Context, text string, args ...any) (*Checkpoint, error) {
	var found []Checkpoint
	if err := s.stmt.Select(ctx, nil, &found, text, args...); err != nil {
		return nil, fmt.Errorf("read checkpoint: %w", postgres.Translate(err))
	}
	if len(found) == 0 {
		return nil, nil //nolint:nilnil // absence is no error here
	}
	return &found[0], nil
}

const selectSigners = `
SELECT c.tree_size, c.body, coalesce(array_agg(s.signer) FILTER (WHERE s.signer IS NOT NULL), '{}') AS signers
FROM (SELECT tree_size, body FROM checkpoint ORDER BY tree_size DESC LIMIT 1) c
LEFT JOIN checkpoint_signature s ON s.tree_size = c.tree_size GROUP BY c.tree_size, c.body`

// Signed is who signed the largest checkpoint.
type Signed struct {
	Size    int64          `db:"tree_size"`
	Body    string         `db:"body"`
	Signers pq.StringArray `db:"signers"`
}

// Signed is who signed the largest checkpoint; nil when there is none.
func (s *Store) Signed(ctx context.Context) (*Signed, error) {
	var found []Signed
	if err := s.stmt.Select(ctx, nil, &found, selectSigners); err != nil {
		return nil, fmt.Errorf("read signers: %w", postgres.Translate(err))
	}
	if len(found) == 0 {
		return nil, nil //nolint:nilnil // absence is no error here
	}
	return &found[0], nil
}

// insertCheckpoint keeps the first text of a size, and says whether ours is the same.
const insertCheckpoint = `
WITH fresh AS (
  INSERT INTO checkpoint (tree_size, body, made_at) VALUES ($1, $2, $3)
  ON CONFLICT (tree_size) DO NOTHING RETURNING body)
SELECT body = $2 FROM (SELECT body FROM fresh UNION ALL SELECT body FROM checkpoint WHERE tree_size = $1) known LIMIT 1`

const insertSignatures = `
INSERT INTO checkpoint_signature (tree_size, signer, line, made_at)
SELECT $1, u.signer, u.line, $4 FROM unnest($2::text[], $3::text[]) AS u (signer, line)
ON CONFLICT DO NOTHING`

// Sign keeps the checkpoint of a head that is stored, and signatures under it, in one transaction. A
// signature that is there already stays as it is. It returns ErrOtherText when the size has another text.
func (l *Lead) Sign(ctx context.Context, size int64, body string, signatures []Signature, at time.Time) error {
	failpoint.Hit("audit.sign.before")
	tx, err := l.conn.BeginTxx(ctx, nil)
	if err != nil {
		return fmt.Errorf("keep checkpoint: %w", postgres.Translate(err))
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	var same bool
	if err := tx.StmtxContext(ctx, l.stmt[insertCheckpoint]).GetContext(ctx, &same, size, body, instant(at)); err != nil { //nolint:sqlclosecheck // the transaction closes its copy
		return fmt.Errorf("keep checkpoint: %w", postgres.Translate(err))
	}
	if !same {
		return fmt.Errorf("keep checkpoint of %d leaves: %w", size, ErrOtherText)
	}
	failpoint.Hit("audit.sign.after_body")
	signers, lines := make(pq.StringArray, len(signatures)), make(pq.StringArray, len(signatures))
	for i, sig := range signatures {
		signers[i], lines[i] = sig.Signer, sig.Line
	}
	if err := l.exec(ctx, tx, insertSignatures, size, signers, lines, instant(at)); err != nil {
		return fmt.Errorf("keep signatures: %w", postgres.Translate(err))
	}
	failpoint.Hit("audit.sign.before_commit")
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("keep checkpoint: %w", postgres.Translate(err))
	}
	failpoint.Hit("audit.sign.after_commit")
	return nil
}
