package fsck

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/lib/pq"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

// checkpointRow is a checkpoint with its lines.
type checkpointRow struct {
	Size      int64          `db:"tree_size"`
	Body      string         `db:"body"`
	Root      []byte         `db:"root_hash"` // of its head; nil when there is none
	Signers   pq.StringArray `db:"signers"`
	Lines     pq.StringArray `db:"lines"`
	Witnesses pq.StringArray `db:"witnesses"`
	Words     pq.StringArray `db:"words"`
	Times     pq.Int64Array  `db:"times"` // seconds since 1970
}

const selectCheckpoints = `
SELECT c.tree_size, c.body, (SELECT h.root_hash FROM tree_head h WHERE h.tree_size = c.tree_size LIMIT 1) AS root_hash,
  s.signers, s.lines, w.witnesses, w.words, w.times
FROM checkpoint c,
LATERAL (SELECT coalesce(array_agg(signer ORDER BY signer), '{}') AS signers, coalesce(array_agg(line ORDER BY signer), '{}') AS lines
         FROM checkpoint_signature WHERE tree_size = c.tree_size) s,
LATERAL (SELECT coalesce(array_agg(witness ORDER BY witness), '{}') AS witnesses, coalesce(array_agg(line ORDER BY witness), '{}') AS words,
                coalesce(array_agg(extract(epoch FROM cosigned_at)::bigint ORDER BY witness), '{}') AS times
         FROM cosignature WHERE tree_size = c.tree_size) w
ORDER BY c.tree_size`

// checkpoints compares every checkpoint with its head, and checks what is written under it.
func (r *run) checkpoints(ctx context.Context) error {
	rows, err := openCursor[checkpointRow](ctx, r.tx, "checkpoints", selectCheckpoints)
	if err != nil {
		return err
	}
	for {
		c, err := rows.one(ctx)
		if err != nil || c == nil {
			return err
		}
		r.report.Checkpoints++
		for _, check := range []func(string, *checkpointRow) error{r.text, r.signatures, r.cosignatures} {
			if err := check(fmt.Sprintf("checkpoint of %d leaves", c.Size), c); err != nil {
				return err
			}
		}
	}
}

// text compares what is signed with the head.
func (r *run) text(place string, c *checkpointRow) error {
	if len(c.Root) != verify.HashSize {
		return r.differ(Text, place, "there is no head of this size")
	}
	want := verify.Checkpoint{Origin: r.cfg.Trust.Origin(), Size: c.Size, Root: tlog.Hash(c.Root)}
	if c.Body != want.Text() {
		return r.differ(Text, place, "it does not say what its head says")
	}
	return nil
}

// signatures checks the log's own lines.
func (r *run) signatures(place string, c *checkpointRow) error {
	for i, line := range c.Lines {
		if named(line) != c.Signers[i] {
			return r.differ(Signature, place, "the line of signer %q is another's", c.Signers[i])
		}
	}
	s, err := r.cfg.Trust.Open([]byte(c.Body + "\n" + strings.Join(c.Lines, "")))
	if err != nil {
		return r.differ(Signature, place, "%s", fixed(err))
	}
	r.report.Signatures += int64(len(s.Keys))
	r.report.Strangers += int64(len(c.Lines) - len(s.Keys))
	return nil
}

// cosignatures checks what is kept of witnesses. It opens them beside the log's lines, without which nothing
// is a checkpoint.
func (r *run) cosignatures(place string, c *checkpointRow) error {
	if len(c.Words) == 0 {
		return nil
	}
	s, err := r.cfg.Trust.Open([]byte(c.Body + "\n" + strings.Join(c.Lines, "") + strings.Join(c.Words, "")))
	if err != nil {
		return r.differ(Cosignature, place, "a cosignature is not its witness's")
	}
	known := map[string]verify.Cosignature{}
	for _, w := range s.Cosignatures {
		known[w.Line] = w
	}
	for i, line := range c.Words {
		if named(line) != c.Witnesses[i] {
			return r.differ(Cosignature, place, "the line of witness %q is another's", c.Witnesses[i])
		}
		w, ok := known[line]
		if !ok {
			r.report.Strangers++
			continue
		}
		r.report.Cosignatures++
		if w.At.Unix() != c.Times[i] {
			return r.differ(Cosignature, place, "witness %q signed at another time", c.Witnesses[i])
		}
	}
	return nil
}

// named is the key that a signature line names, as the columns write it: name+0123abcd.
func named(line string) string {
	fields := strings.Fields(line)
	if len(fields) != 3 {
		return ""
	}
	raw, err := base64.StdEncoding.DecodeString(fields[2])
	if err != nil || len(raw) < 4 {
		return ""
	}
	return fmt.Sprintf("%s+%x", fields[1], raw[:4])
}

// fixed are our own words for why a checkpoint was not opened.
func fixed(err error) string {
	for _, known := range []error{verify.ErrSignature, verify.ErrCheckpoint, verify.ErrQuorum} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	return "it cannot be read"
}

// selectOrphans finds lines under a checkpoint that is not there.
const selectOrphans = `
SELECT tree_size FROM (SELECT tree_size FROM checkpoint_signature UNION ALL SELECT tree_size FROM cosignature) lines
WHERE NOT EXISTS (SELECT FROM checkpoint c WHERE c.tree_size = lines.tree_size) ORDER BY tree_size LIMIT 1`

// orphans looks for signatures whose checkpoint is gone.
func (r *run) orphans(ctx context.Context) error {
	var sizes []int64
	if err := r.tx.SelectContext(ctx, &sizes, selectOrphans); err != nil {
		return fmt.Errorf("look for signatures without a checkpoint: %w", err)
	}
	if len(sizes) == 0 {
		return nil
	}
	return r.differ(Signature, fmt.Sprintf("checkpoint of %d leaves", sizes[0]), "it was signed, and is gone")
}
