package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/dorsetcarerecord/dcr/internal/postgres"
)

// ErrNoMonth says that the log has no partition of that month: it never had, or it was deleted.
var ErrNoMonth = errors.New("the log has no partition of this month")

// Dropping is what is written when a month is deleted.
type Dropping struct {
	Month time.Time
	// Check looks at the month as it is, nobody able to change it, and returns what forbids its deletion.
	Check func(ctx context.Context, r *MonthReader) error
	// Events and Leaves are what Check found: their number, and the digest of their leaves.
	Events int64
	Leaves []byte
	// Manifest is the digest of the archive's manifest.
	Manifest []byte
	Policy   string
	At       time.Time
	// Event of the deletion.
	Event Row
}

const insertDropped = `
INSERT INTO dropped_month (month, events, leaves_sha256, manifest_sha256, policy_version, event_id, dropped_at)
VALUES ($1::date, $2, $3, $4, $5, $6::uuid, $7)`

// DropMonth deletes the events of a month, and keeps their leaves. All of it, with the event that says so, is one
// transaction. It needs the owner's role.
//
// The month is locked against writers while it is checked, which stops nobody: nothing is written into a month so old.
// The log as a whole is locked for the instant of the detaching; when that cannot be had within a second it gives up
// and changes nothing, since appends would queue behind it.
func DropMonth(ctx context.Context, owner *sqlx.DB, d *Dropping) error {
	name := pq.QuoteIdentifier(monthOf(d.Month).Format(partitionName))
	err := postgres.InTx(ctx, owner, func(tx *sqlx.Tx) error {
		if err := holdMonth(ctx, tx, d.Month); err != nil {
			return err
		}
		if err := d.Check(ctx, &MonthReader{tx: tx, month: monthOf(d.Month)}); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, insertEvents, columns([]Row{d.Event})...); err != nil {
			return fmt.Errorf("append the event of the deletion: %w", err)
		}
		if _, err := tx.ExecContext(ctx, insertDropped, monthOf(d.Month).Format(time.DateOnly), d.Events, d.Leaves, d.Manifest, d.Policy,
			d.Event.ID, instant(d.At)); err != nil {
			return fmt.Errorf("note the deletion: %w", err)
		}
		for _, text := range []string{"ALTER TABLE event DETACH PARTITION " + name, "DROP TABLE " + name} {
			if _, err := tx.ExecContext(ctx, text); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("drop month: %w", err)
	}
	return nil
}

// holdMonth makes sure that the month stays as it is, and that one deletes at a time.
func holdMonth(ctx context.Context, tx *sqlx.Tx, month time.Time) error {
	for _, text := range []string{"SET LOCAL lock_timeout = '1s'", "SET LOCAL statement_timeout = 0"} {
		if _, err := tx.ExecContext(ctx, text); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock($1)", int64(partitionLock)); err != nil {
		return err
	}
	var names []string
	if err := tx.SelectContext(ctx, &names, selectPartitions); err != nil {
		return err
	}
	name := monthOf(month).Format(partitionName)
	if !slices.Contains(names, name) {
		return ErrNoMonth
	}
	_, err := tx.ExecContext(ctx, "LOCK TABLE "+pq.QuoteIdentifier(name)+" IN SHARE MODE")
	return err
}

// AppendAsOwner stores one event of an owner's command in a transaction of its own.
func AppendAsOwner(ctx context.Context, owner *sqlx.DB, e Row) error {
	if _, err := owner.ExecContext(ctx, insertEvents, columns([]Row{e})...); err != nil {
		return fmt.Errorf("append event: %w", classify(err))
	}
	return nil
}
