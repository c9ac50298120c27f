package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/dorsetcarerecord/dcr/internal/postgres"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/fsck"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/store"
	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

// exitDifference is the code that fsck ends with when something does not fit.
const exitDifference = 2

// Fsck is the command that recomputes the log from the database.
type Fsck struct {
	Database postgres.Config `embed:""`

	known

	Against []string `help:"File with a checkpoint that somebody remembers, such as a witness's; the tree must hold it. May be repeated." placeholder:"FILE" sep:"none"`
}

// Help is the longer text of --help.
func (Fsck) Help() string {
	return `Reads the whole log in one snapshot, beside a running service, and changes nothing. Names the first place where
something does not fit: bytes against columns, leaf hashes against bytes and nonces, leaf indexes both ways, tiles
and heads against leaves, signatures of checkpoints and cosignatures. What was hashed and signed anew with the
log's own key fits; only --against finds that, and witnesses (docs/audit-tampering.md).

Exit code: 0 all fits, 2 something does not, 1 it could not be checked.`
}

// differs is a finding: an error with its own exit code.
type differs struct{ *fsck.Difference }

// Error says that something does not fit, and where.
func (d differs) Error() string { return "DIFFERENCE: " + d.Difference.Error() }

// ExitCode of the program.
func (differs) ExitCode() int { return exitDifference }

// Run checks, and says what was compared.
func (f *Fsck) Run(ctx context.Context) (err error) {
	trust, err := f.trust()
	if err != nil {
		return err
	}
	cfg := fsck.Config{Trust: trust, Progress: tellProgress(clock)}
	if cfg.Against, err = f.remembered(trust); err != nil {
		return err
	}
	f.Database.Schema = store.Schema
	if cfg.DB, err = postgres.Open(ctx, f.Database); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cfg.DB.Close()) }()
	r, err := fsck.Run(ctx, cfg)
	var d *fsck.Difference
	if errors.As(err, &d) {
		return differs{d}
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stdout, "All fits: %d leaves with their events, %d waiting for a leaf, %d heads, %d whole tiles, %d checkpoints with %d signatures and %d cosignatures.\n",
		r.Leaves-r.Dropped, r.Waiting, r.Heads, r.Tiles, r.Checkpoints, r.Signatures, r.Cosignatures)
	if r.DroppedMonths > 0 {
		fmt.Fprintf(os.Stdout, "%d further leaves are hashes only: the events of %d months were deleted when their time was over, and are in archives (audit-svc verify-archive).\n",
			r.Dropped, r.DroppedMonths)
	}
	if r.Strangers > 0 {
		fmt.Fprintf(os.Stdout, "%d signatures and cosignatures are by keys that were not named, and were not checked.\n", r.Strangers)
	}
	return nil
}

// remembered reads checkpoints, each signed by the log.
func (f *Fsck) remembered(trust *verify.Trust) ([]verify.Checkpoint, error) {
	var all []verify.Checkpoint
	for _, file := range f.Against {
		message, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read a checkpoint: %w", err)
		}
		s, err := trust.Open(message)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		all = append(all, s.Checkpoint)
	}
	return all, nil
}

// tellProgress says every few seconds how far it is.
func tellProgress(now func() time.Time) func(leaves, of int64) {
	const period = 5 * time.Second
	next := now().Add(period)
	return func(leaves, of int64) {
		if at := now(); !at.Before(next) {
			next = at.Add(period)
			fmt.Fprintf(os.Stderr, "  %d of %d leaves\n", leaves, of)
		}
	}
}
