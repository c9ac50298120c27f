package sequencer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/store"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/tree"
	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

// errEdge says that the tree was changed behind our back. Nothing is built on such a tree.
var errEdge = errors.New("the stored tree does not hash to its newest head: run audit-svc fsck; nothing is sequenced on it")

// term is a time of office: what is known of the tree between two rounds. After any error it is thrown
// away, since memory and database may differ then.
type term struct {
	*Sequencer
	lead    *store.Lead
	head    store.Head
	builder *verify.Builder
	seen    tree.Snapshot
	at      place
	// signed is who signed the newest checkpoint, and signedAt when this term did so last.
	signed   store.Signed
	signedAt time.Time
	sweep    sweep
}

// place is where a round stopped inside a transaction with many events. It only saves reading them again.
type place struct {
	transaction uint64
	id          string
}

// begin reads the tree and checks its edge.
func (s *Sequencer) begin(ctx context.Context, lead *store.Lead) (*term, error) {
	t := &term{Sequencer: s, lead: lead, sweep: sweep{after: store.NoID, due: s.cfg.Now()}}
	var err error
	if t.head, err = lead.Head(ctx); err != nil {
		return nil, err
	}
	if t.seen, err = tree.ParseSnapshot(t.head.Seen); err != nil {
		return nil, fmt.Errorf("tree head: %w", err)
	}
	if t.builder, err = verify.Resume(t.head.Size, s.edge(ctx)); err != nil {
		return nil, fmt.Errorf("read edge of the tree: %w", err)
	}
	if t.builder.Root() != t.head.Root {
		return nil, errEdge
	}
	if err := s.continues(ctx, t.head); err != nil {
		return nil, err
	}
	signed, err := s.cfg.Log.Signed(ctx)
	if err != nil {
		return nil, err
	}
	t.signed = store.Signed{Size: -1}
	if signed != nil {
		t.signed = *signed
	}
	s.size.Store(t.head.Size)
	return t, nil
}

// edge reads the unfinished tiles.
func (s *Sequencer) edge(ctx context.Context) func(tlog.Tile) ([]tlog.Hash, error) {
	return func(tile tlog.Tile) ([]tlog.Hash, error) {
		first := tile.N * verify.TileWidth
		return s.cfg.Log.Hashes(ctx, tile.L, first, first+int64(tile.W))
	}
}

// run serves until ctx ends, or something fails. Being stopped never cuts a step short: the last one leaves a
// signed tree behind.
func (t *term) run(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := t.turn(ctx); err != nil {
			return err
		}
		pause(ctx, t.cfg.Every)
	}
	if _, err := t.round(ctx); err != nil {
		return err
	}
	return t.sign(ctx, 0)
}

// whole is a context in which a step ends by itself, and not because the process is being stopped.
func (t *term) whole(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), t.cfg.Step)
}

// turn takes all that waits, signs, and else looks for what was missed.
func (t *term) turn(ctx context.Context) error {
	for full := true; full && ctx.Err() == nil; {
		var err error
		if full, err = t.round(ctx); err != nil {
			return err
		}
		if err := t.sign(ctx, t.cfg.Checkpoint); err != nil {
			return err
		}
	}
	return t.sweepOn(ctx)
}

// sign signs the head when it is due: with every key that has not signed it.
func (t *term) sign(ctx context.Context, atLeast time.Duration) error {
	ctx, cancel := t.whole(ctx)
	defer cancel()
	now := t.cfg.Now()
	if t.signed.Size == t.head.Size && !t.keysMissing() {
		return nil
	}
	if since := now.Sub(t.signedAt); since >= 0 && since < atLeast {
		return nil
	}
	text, lines, err := t.cfg.Keys.Sign(verify.Checkpoint{Origin: t.cfg.Keys.Origin(), Size: t.head.Size, Root: t.head.Root})
	if err != nil {
		return err
	}
	signatures := make([]store.Signature, len(lines))
	for i, l := range lines {
		signatures[i] = store.Signature{Signer: l.Signer, Line: l.Line}
	}
	if err := t.lead.Sign(ctx, t.head.Size, text, signatures, now); err != nil {
		return err
	}
	if t.signed.Size != t.head.Size {
		t.signed = store.Signed{Size: t.head.Size}
	}
	t.signed.Signers, t.signedAt = append(t.signed.Signers, t.cfg.Keys.Signers()...), now
	t.metrics.checkpoints.Add(ctx, 1)
	return nil
}

// keysMissing tells whether a key of ours is not under the newest checkpoint.
func (t *term) keysMissing() bool {
	return slices.ContainsFunc(t.cfg.Keys.Signers(), func(s string) bool { return !slices.Contains(t.signed.Signers, s) })
}
