package witness

import (
	"context"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

// Source is a log that is asked, rather than waited for.
type Source interface {
	// Checkpoint is the largest signed checkpoint.
	Checkpoint(ctx context.Context) ([]byte, error)
	// Prove makes a proof of consistency from what the log hands out, older leaves to newer.
	Prove(ctx context.Context, older int64, newer verify.Checkpoint) ([]tlog.Hash, error)
}

// Pull asks a log for its checkpoint, proves from its tiles that it only grew, and answers as Add does. An
// error means that the log could not be asked, and that nothing is known of it. Tiles that are not the tree
// that was signed are no such error: without proof the checkpoint is judged inconsistent.
func (w *Witness) Pull(ctx context.Context, origin string, from Source, wrongTiles func(error) bool) (Answer, error) {
	trust := w.logs[origin]
	if trust == nil {
		return Answer{}, fmt.Errorf("the log %q is not watched here", origin)
	}
	message, err := from.Checkpoint(ctx)
	if err != nil {
		return Answer{}, err
	}
	last, _ := w.Last(origin)
	s := verify.Submission{Old: last.Size, Checkpoint: message}
	if next, err := trust.Open(message); err == nil {
		s.Proof, err = from.Prove(ctx, last.Size, next.Checkpoint)
		if err != nil && !wrongTiles(err) {
			return Answer{}, err
		}
	}
	return w.Add(ctx, s.Format()), nil
}
