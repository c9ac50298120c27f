package sequencer

import (
	"context"
	"errors"
	"fmt"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/store"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/tile"
	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

// errHistory says that the tree was rewritten since it was signed. To sign it would be to show two histories.
var errHistory = errors.New("the stored tree does not continue the newest signed checkpoint: run audit-svc fsck; nothing is sequenced or signed on it")

// continues tells whether a head continues the newest checkpoint that our keys signed. Whoever can write the
// database and has no key cannot make us sign another history of what was signed; a checkpoint that was taken
// away is for the witnesses to miss.
func (s *Sequencer) continues(ctx context.Context, head store.Head) error {
	c, err := s.cfg.Log.Largest(ctx)
	if err != nil || c == nil {
		return err
	}
	trust, err := verify.NewTrust(s.cfg.Keys.Public(), nil, 0)
	if err != nil {
		return fmt.Errorf("read own keys: %w", err)
	}
	signed, err := trust.Open([]byte(c.Note()))
	if errors.Is(err, verify.ErrSignature) && s.cfg.AnotherKey {
		return nil // the key that signed it was lost, and the operator said so
	}
	if err != nil {
		return fmt.Errorf("newest checkpoint: %w", errHistory)
	}
	proof, err := tile.NewReader(s.cfg.Log).Consistency(ctx, signed.Size, head.Size)
	if errors.Is(err, tile.ErrOutside) {
		return errHistory
	}
	if err != nil {
		return fmt.Errorf("prove growth: %w", err)
	}
	if err := verify.CheckConsistency(signed.Checkpoint, verify.Checkpoint{Origin: signed.Origin, Size: head.Size, Root: head.Root}, proof); err != nil {
		return errHistory
	}
	return nil
}
