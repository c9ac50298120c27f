package archive_test

import (
	"bytes"
	"errors"
	"os"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/archive"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/fsck"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/keep"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/logtest"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/store"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/tile"
	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

// TestDrop: in its time a month goes; tree, proofs and fsck verify as before, and its events verify from the archive.
func TestDrop(t *testing.T) {
	t.Parallel()
	log := newLog(t)
	dir, v := written(t, log)
	if err := drop(t, log, dir, later); err != nil {
		t.Fatal(err)
	}
	if n := stored(t, log); n != 0 {
		t.Errorf("%d events are left", n)
	}
	r, err := check(t, log)
	if err != nil || r.Dropped != inMonth || r.DroppedMonths != 1 || r.Leaves != inMonth+next || r.Waiting != 1 {
		t.Errorf("fsck: %+v, %v", r, err)
	}
	sequence(t, log, inMonth+next+1) // the event of the deletion
	if r, err = check(t, log); err != nil || r.Waiting != 0 || r.Dropped != inMonth {
		t.Errorf("fsck later: %+v, %v", r, err)
	}
	largest, err := log.Store.Largest(limit(t))
	if err != nil {
		t.Fatal(err)
	}
	signed, err := log.Trust.Open([]byte(largest.Note()))
	if err != nil {
		t.Fatal(err)
	}
	proofs := tile.NewReader(log.Store)
	err = verify.EachExported(os.DirFS(dir), func(x verify.ExportedEvent) error {
		proof, _, err := proofs.Inclusion(limit(t), x.Index, signed.Size)
		if err != nil {
			return err
		}
		leaf, err := verify.LeafHash(x.Nonce, x.Event)
		if err != nil {
			return err
		}
		return tlog.CheckRecord(proof, signed.Size, signed.Root, x.Index, tlog.Hash(leaf))
	})
	if err != nil {
		t.Errorf("an event of the archive is not in the log of today: %v", err)
	}
	if w, err := archive.Verify(dir, log.Trust, nil); err != nil || !bytes.Equal(w.Digest, v.Digest) {
		t.Errorf("the archive: %v", err)
	}
	if err := drop(t, log, dir, later); !errors.Is(err, store.ErrNoMonth) {
		t.Errorf("a second time: %v", err)
	}
	if _, err := log.App.ExecContext(limit(t), "DELETE FROM dropped_month"); err == nil {
		t.Error("the service may write what was deleted")
	}
}

// TestEarly: not an instant before the policy's time, as the month's content decides.
func TestEarly(t *testing.T) {
	t.Parallel()
	log := newLog(t)
	dir, _ := written(t, log)
	policy, err := keep.Default()
	if err != nil {
		t.Fatal(err)
	}
	due := policy.Due(month(), true)
	for _, at := range []time.Time{soon(), withoutPeople(), due.Add(-time.Second)} {
		if err := drop(t, log, dir, func() time.Time { return at }); !errors.Is(err, keep.ErrEarly) {
			t.Errorf("at %v: %v", at, err)
		}
	}
	if n := stored(t, log); n != inMonth {
		t.Errorf("%d events are left", n)
	}
}

// withoutPeople is when a month without people in it might go.
func withoutPeople() time.Time { return month().End().AddDate(40, 0, 0) }

// TestSilentDeletion: fsck wants what was noted of a deletion, its leaves and its event in the log to agree.
func TestSilentDeletion(t *testing.T) {
	t.Parallel()
	log := newLog(t)
	dir, _ := written(t, log)
	if err := drop(t, log, dir, later); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"UPDATE audit.dropped_month SET events = events - 1",
		"UPDATE audit.dropped_month SET leaves_sha256 = sha256('')",
		"UPDATE audit.dropped_month SET manifest_sha256 = sha256('')",
		"UPDATE audit.dropped_month SET event_id = (SELECT id FROM audit.event WHERE action = 'log.maintain' LIMIT 1)",
	} {
		if _, err := log.Super.ExecContext(limit(t), "CREATE TABLE audit.saved AS SELECT * FROM audit.dropped_month; "+text); err != nil {
			t.Fatal(err)
		}
		var d *fsck.Difference
		if _, err := check(t, log); !errors.As(err, &d) || d.Check != fsck.Dropped {
			t.Errorf("%s: %v", text, err)
		}
		restore := "DELETE FROM audit.dropped_month; INSERT INTO audit.dropped_month SELECT * FROM audit.saved; DROP TABLE audit.saved"
		if _, err := log.Super.ExecContext(limit(t), restore); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := log.Super.ExecContext(limit(t), "DELETE FROM audit.dropped_month"); err != nil {
		t.Fatal(err)
	}
	var d *fsck.Difference
	if _, err := check(t, log); !errors.As(err, &d) || d.Check != fsck.Event {
		t.Errorf("a deletion that is not noted: %v", err)
	}
}

// TestNotInTheArchive: an event that the log took after the archive was written, whatever should have made it so late,
// is not deleted with the others; neither while it waits for its leaf nor afterwards.
func TestNotInTheArchive(t *testing.T) {
	t.Parallel()
	log := newLog(t)
	dir, _ := written(t, log)
	logtest.AppendEvents(t, log.Store, 1)
	if err := drop(t, log, dir, later); !errors.Is(err, archive.ErrUncovered) {
		t.Errorf("an event without a leaf: %v", err)
	}
	sequence(t, log, inMonth+next+1)
	if err := drop(t, log, dir, later); !errors.Is(err, archive.ErrUncovered) {
		t.Errorf("an event with a leaf: %v", err)
	}
	if n := stored(t, log); n != inMonth+1 {
		t.Errorf("%d events are left", n)
	}
}
