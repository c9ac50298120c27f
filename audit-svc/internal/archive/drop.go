package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/keep"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/store"
	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

// ErrUncovered is returned when an archive does not hold exactly what the log holds of the month.
var ErrUncovered = errors.New("the archive does not hold what the log holds of this month")

// DropConfig is what deleting a month needs.
type DropConfig struct {
	// Owner is the database, as the schema's owner.
	Owner *sqlx.DB
	Trust *verify.Trust
	// Policy says from when the month may be deleted.
	Policy *keep.Policy
	Month  keep.Month
	// Dir is the archive of the month.
	Dir string
	Now func() time.Time
}

// Drop deletes the events of a month whose time is over, after its archive was verified and found to hold every one of
// them. Leaves, tiles and checkpoints stay, so that the log and every proof still verify; that it was done is an event of
// the log. It returns keep.ErrEarly, ErrUncovered, store.ErrNoMonth, or the errors of Verify; on an error nothing was
// deleted.
func Drop(ctx context.Context, cfg DropConfig) (*Verified, error) {
	now := cfg.Now().UTC().Truncate(time.Microsecond)
	// Before all the work: with people in it, which is looked at below, it is kept no shorter.
	if err := cfg.Policy.MayDrop(cfg.Month, false, now); err != nil {
		return nil, err
	}
	v, err := Verify(cfg.Dir, cfg.Trust, nil)
	if err != nil {
		return nil, err
	}
	if v.Month != cfg.Month {
		return nil, fmt.Errorf("%w: it is of %s", ErrUncovered, v.Month)
	}
	e, err := dropEvent(v, now)
	if err != nil {
		return nil, err
	}
	return v, store.DropMonth(ctx, cfg.Owner, &store.Dropping{
		Month: cfg.Month.First(), Events: v.Manifest.Events, Leaves: v.Leaves, Manifest: v.Digest, Policy: cfg.Policy.Version(), At: now, Event: e,
		Check: func(ctx context.Context, r *store.MonthReader) error { return cfg.mayGo(ctx, r, v, now) },
	})
}

// mayGo looks at the month as it will be deleted.
func (c DropConfig) mayGo(ctx context.Context, r *store.MonthReader, v *Verified, now time.Time) error {
	facts, err := r.Facts(ctx)
	if err != nil {
		return err
	}
	if err := c.Policy.MayDrop(c.Month, facts.AboutPeople, now); err != nil {
		return err
	}
	if facts.Events != v.Manifest.Events || facts.Waiting > 0 {
		return fmt.Errorf("%w: the log holds %d events, %d of them without a leaf, the archive %d", ErrUncovered, facts.Events, facts.Waiting, v.Manifest.Events)
	}
	found := newLeaves()
	err = r.Each(ctx, -1, func(e store.MonthEvent) error {
		found.add(e.Index, e.Leaf)
		return nil
	})
	if err != nil {
		return err
	}
	if !bytes.Equal(found.sum(), v.Leaves) {
		return fmt.Errorf("%w: other leaves", ErrUncovered)
	}
	return nil
}
