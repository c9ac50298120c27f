package app

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dorsetcarerecord/dcr/internal/postgres"
	"github.com/dorsetcarerecord/dcr/internal/testkit"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/archive"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/event"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/keep"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/logtest"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/store"
)

// TestMaintenanceIsAnEvent: each run, also one that finds nothing to do, says in the log what it made.
func TestMaintenanceIsAnEvent(t *testing.T) {
	t.Parallel()
	h := testkit.Database(t, store.Schema, store.Migrations)
	for range 2 {
		if err := (&Maintain{Owner{URL: h.OwnerURL}}).Run(limit(t)); err != nil {
			t.Fatal(err)
		}
	}
	var bodies [][]byte
	if err := h.Owner.SelectContext(limit(t), &bodies, "SELECT body FROM event WHERE action = 'log.maintain' ORDER BY id"); err != nil || len(bodies) != 2 {
		t.Fatalf("%d events, %v", len(bodies), err)
	}
	for i, want := range []string{"made 14 partitions [event_", "made 0 partitions []"} {
		e, err := event.Decode(bodies[i])
		if err != nil || !strings.HasPrefix(e.GetChange().GetSummary(), want) {
			t.Errorf("run %d: %q, %v", i, e.GetChange().GetSummary(), err)
		}
	}
}

// TestArchiveCommands: what may not be done yet is refused, by the real clock and the shipped policy.
func TestArchiveCommands(t *testing.T) {
	t.Parallel()
	h := database(t)
	keys := &logtest.Log{}
	keys.MakeKeys(t)
	known := known{Key: keys.Keys.Public()}
	this, dir := keep.MonthOf(clock()).String(), filepath.Join(t.TempDir(), "archive")
	write := func(month string) error {
		return (&Archive{Database: postgres.Config{URL: h.AppURL}, Month: month, To: dir, known: known}).Run(limit(t))
	}
	drop := func(month, url string) error {
		return (&Drop{Owner: Owner{URL: url}, Month: month, Archive: dir, known: known}).Run(limit(t))
	}
	for name, c := range map[string]struct{ got, want error }{
		"archive of this month":     {write(this), archive.ErrNotYet},
		"archive without events":    {write("2020-01"), archive.ErrNotYet},
		"archive of no month":       {write("soon"), keep.ErrMonth},
		"deletion of this month":    {drop(this, h.OwnerURL), keep.ErrEarly},
		"deletion after ten years":  {drop("2016-01", h.OwnerURL), keep.ErrEarly},
		"deletion without archive":  {drop("1980-01", h.OwnerURL), archive.ErrArchive},
		"deletion of no month":      {drop("then", h.OwnerURL), keep.ErrMonth},
		"verification of a nothing": {(&VerifyArchive{Dir: dir, known: known}).Run(), archive.ErrArchive},
	} {
		if !errors.Is(c.got, c.want) {
			t.Errorf("%s: %v, want %v", name, c.got, c.want)
		}
	}
	if err := drop("2016-01", h.AppURL); err == nil || !strings.Contains(err.Error(), "does not own") {
		t.Errorf("deletion as the service: %v", err)
	}
	if files, err := os.ReadDir(dir); err == nil && len(files) > 1 {
		t.Errorf("%d files were written", len(files))
	}
}
