package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/jmoiron/sqlx"

	"github.com/dorsetcarerecord/dcr/internal/postgres"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/archive"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/store"
)

// Migrate is the command that brings the schema to this release.
type Migrate struct{ Owner }

// Run migrates, and makes the partitions, since a log without them takes nothing.
func (m *Migrate) Run(ctx context.Context) error {
	if err := postgres.Migrate(ctx, m.URL, store.Schema, store.Migrations); err != nil {
		return err
	}
	return maintain(ctx, m.Owner)
}

// Maintain is the command that makes the partitions of coming months.
type Maintain struct{ Owner }

// Run makes what is missing and says what it made.
func (m *Maintain) Run(ctx context.Context) error { return maintain(ctx, m.Owner) }

func maintain(ctx context.Context, o Owner) (err error) {
	db, err := postgres.OpenOwner(ctx, o.URL, store.Schema)
	if err != nil {
		return fmt.Errorf("maintain: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	made, err := store.Maintain(ctx, db, clock())
	if len(made) > 0 {
		fmt.Fprintln(os.Stdout, "made partitions:", strings.Join(made, " "))
	}
	if err != nil {
		return fmt.Errorf("maintain: %w", err)
	}
	settled, err := store.Settle(ctx, db, clock())
	if err != nil {
		return fmt.Errorf("maintain: %w", err)
	}
	if settled.Cases > 0 {
		fmt.Fprintln(os.Stdout, "settled cases:", settled.Cases)
	}
	return accountMaintenance(ctx, db, made, settled)
}

// accountMaintenance makes a run of maintenance an event of the log, also one that found nothing to do: that nobody
// maintains is seen in the log too.
func accountMaintenance(ctx context.Context, owner *sqlx.DB, made []string, settled store.Settled) error {
	row, err := archive.MaintainEvent(made, settled.Cases, clock())
	if err != nil {
		return err
	}
	if err := store.AppendAsOwner(ctx, owner, row); err != nil {
		return fmt.Errorf("account for maintenance: %w", err)
	}
	return nil
}
