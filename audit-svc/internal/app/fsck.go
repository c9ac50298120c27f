package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/dorsetcarerecord/dcr/internal/postgres"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/fsck"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/sign"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/store"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/witness"
	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

// exitDifference is the code that fsck ends with when something does not fit.
const exitDifference = 2

// Fsck is the command that recomputes the log from the database.
type Fsck struct {
	Database postgres.Config `embed:""`

	Key         []string `help:"Public key of the log, name+id+key, also one that no longer signs; may be repeated." placeholder:"KEY" sep:"none"`
	KeyFile     []string `name:"key-file" help:"File of public keys of the log, one on a line." placeholder:"FILE" sep:"none"`
	SigningKeys []string `name:"audit-signing-keys" env:"DCR_AUDIT_SIGNING_KEYS" help:"Files with private keys of the log, to take the public ones from when no others are named." hidden:""`
	Origin      string   `name:"audit-origin" env:"DCR_AUDIT_ORIGIN" hidden:"" help:"Name of the log, with --audit-signing-keys."`
	WitnessKey  []string `name:"witness-key" help:"Public key of a witness; may be repeated. Those of DCR_AUDIT_WITNESSES when none is named." placeholder:"KEY" sep:"none"`
	Witnesses   []string `name:"audit-witnesses" env:"DCR_AUDIT_WITNESSES" hidden:"" help:"Witnesses as serve has them: key=URL."`
	Against     []string `help:"File with a checkpoint that somebody remembers, such as a witness's; the tree must hold it. May be repeated." placeholder:"FILE" sep:"none"`
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
		r.Leaves, r.Waiting, r.Heads, r.Tiles, r.Checkpoints, r.Signatures, r.Cosignatures)
	if r.Strangers > 0 {
		fmt.Fprintf(os.Stdout, "%d signatures and cosignatures are by keys that were not named, and were not checked.\n", r.Strangers)
	}
	return nil
}

// trust reads the keys: those that are named, else the service's own.
func (f *Fsck) trust() (*verify.Trust, error) {
	keys := slices.Clone(f.Key)
	for _, file := range f.KeyFile {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read the log's keys: %w", err)
		}
		keys = append(keys, verify.Keys(string(text))...)
	}
	if len(keys) == 0 && len(f.SigningKeys) > 0 {
		own, err := sign.Load(sign.Config{Origin: f.Origin, Keys: f.SigningKeys})
		if err != nil {
			return nil, err
		}
		keys = own.Public()
	}
	if len(keys) == 0 {
		return nil, errors.New("the log's public key is needed: --key or --key-file")
	}
	witnesses := slices.Clone(f.WitnessKey)
	if len(witnesses) == 0 {
		peers, err := witness.Config{Witnesses: f.Witnesses}.Peers()
		if err != nil {
			return nil, err
		}
		for _, p := range peers {
			witnesses = append(witnesses, p.Verifier)
		}
	}
	return verify.NewTrust(keys, witnesses, 0)
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
