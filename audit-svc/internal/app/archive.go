package app

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/dorsetcarerecord/dcr/internal/postgres"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/archive"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/event"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/keep"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/store"
)

// Archive is the command that writes one month of the log into a folder.
type Archive struct {
	Database postgres.Config `embed:""`
	Month    string          `required:"" help:"The month, such as 2026-01, in UTC." placeholder:"MONTH"`
	To       string          `required:"" help:"Folder of the archive; an interrupted one is taken up." placeholder:"DIR"`

	known
}

// Help is the longer text of --help.
func (Archive) Help() string {
	return `Writes the events of a month that can gain no more (29 days after its end) as they were stored, with the tiles that
prove them and the largest checkpoint that covers them, cosigned where a witness has, and verifies what it wrote. Run it again with
the same folder when it was interrupted: it goes on where it stopped. Nothing is deleted. The folder is about people. That it was
made is itself in the log.`
}

// Run archives.
func (a *Archive) Run(ctx context.Context) (err error) {
	trust, err := a.trust()
	if err != nil {
		return err
	}
	month, err := keep.ParseMonth(a.Month)
	if err != nil {
		return err
	}
	a.Database.Schema = store.Schema
	db, err := postgres.Open(ctx, a.Database)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	log, err := store.Open(ctx, db, event.Same)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	v, err := archive.Write(ctx, archive.Config{DB: db, Log: log, Trust: trust, Month: month, Dir: a.To, Now: clock, Progress: tellProgress(clock),
		Account: func(ctx context.Context, events int64) error { return accountExport(ctx, log, events) }})
	if err != nil {
		return err
	}
	say("Archived", v)
	return nil
}

// VerifyArchive is the command that checks an archive without the log.
type VerifyArchive struct {
	Dir string `arg:"" help:"Folder of the archive."`

	known
}

// Help is the longer text of --help.
func (VerifyArchive) Help() string {
	return `Checks every file against the manifest and every event against its leaf and the signed checkpoint, with the log's
public key alone: no database, no network. "dcrctl audit verify" checks the same folder, all but the manifest.`
}

// Run verifies.
func (a *VerifyArchive) Run() error {
	trust, err := a.trust()
	if err != nil {
		return err
	}
	v, err := archive.Verify(a.Dir, trust, nil)
	if err != nil {
		return err
	}
	say("True", v)
	return nil
}

// Drop is the command that deletes the events of a month whose time is over.
type Drop struct {
	Owner
	Month   string `required:"" help:"The month, such as 2026-01, in UTC." placeholder:"MONTH"`
	Archive string `required:"" help:"Folder of its archive." placeholder:"DIR"`

	known
}

// Help is the longer text of --help.
func (Drop) Help() string {
	return `Refuses before the time of the retention policy, and unless the archive verifies and holds every event that the log has
of the month. Leaves, tiles and checkpoints stay: the log, its proofs and fsck still verify. That it was done is an event of the
log, in the same transaction.`
}

// Run deletes, or refuses and changes nothing.
func (d *Drop) Run(ctx context.Context) (err error) {
	trust, err := d.trust()
	if err != nil {
		return err
	}
	month, err := keep.ParseMonth(d.Month)
	if err != nil {
		return err
	}
	policy, err := keep.Default()
	if err != nil {
		return err
	}
	db, err := postgres.OpenOwner(ctx, d.URL, store.Schema)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	v, err := archive.Drop(ctx, archive.DropConfig{Owner: db, Trust: trust, Policy: policy, Month: month, Dir: d.Archive, Now: clock})
	if err != nil {
		return err
	}
	say("Deleted, and kept in this archive", v)
	return nil
}

// say is what a command did with an archive.
func say(what string, v *archive.Verified) {
	fmt.Fprintf(os.Stdout, "%s: %s, %d events, under the checkpoint of %d leaves with %d cosignatures\nmanifest sha256 %x\n",
		what, v.Month, v.Manifest.Events, v.Checkpoint.Size, len(v.Checkpoint.Cosignatures), v.Digest)
}
