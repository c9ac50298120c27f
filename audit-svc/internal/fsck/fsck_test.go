package fsck_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/jmoiron/sqlx"

	"github.com/dorsetcarerecord/dcr/internal/testkit"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/fsck"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/logtest"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/store"
	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

// TestHonestLog: nothing is wrong with what the service wrote, and everything of it was looked at.
func TestHonestLog(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	err := f.within(t, func(tx *sqlx.Tx) error {
		cfg := f.config()
		cfg.Against = []verify.Checkpoint{f.Seen}
		var told int64
		cfg.Progress = func(leaves, of int64) {
			if told = leaves; of != int64(f.size()) {
				t.Errorf("progress to %d", of)
			}
		}
		r, err := fsck.Within(limit(t), tx, cfg)
		if err != nil {
			return err
		}
		if r.Leaves != leaves || r.Waiting != waiting || r.Tiles != 1 || r.Heads < stages+1 || r.Checkpoints < stages || r.Signatures != r.Checkpoints || r.Cosignatures != stages || r.Strangers != 0 || told != leaves {
			t.Errorf("looked at %+v", r)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func (f *fixture) size() int { return leaves }

// within runs work in a transaction in the schema, and rolls it back.
func (f *fixture) within(t *testing.T, work func(*sqlx.Tx) error) error {
	t.Helper()
	tx, err := f.Super.BeginTxx(limit(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := tx.ExecContext(limit(t), "SET LOCAL search_path TO "+store.Schema); err != nil {
		t.Fatal(err)
	}
	return work(tx)
}

// TestStrangers: signatures of keys that were not named are counted, and an unnamed key of the log is no key.
func TestStrangers(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	public := f.Keys.Public()
	for name, tt := range map[string]struct {
		log, witnesses []string
		strangers      int64
		found          bool
	}{
		"witness not named": {public, nil, stages, false},
		"another log's key": {[]string{otherKey(t)}, nil, 0, true},
	} {
		trust, err := verify.NewTrust(tt.log, tt.witnesses, 0)
		if err != nil {
			t.Fatal(err)
		}
		var r *fsck.Report
		err = f.within(t, func(tx *sqlx.Tx) error {
			var err error
			r, err = fsck.Within(limit(t), tx, fsck.Config{DB: f.Super, Trust: trust})
			return err
		})
		var d *fsck.Difference
		if errors.As(err, &d) != tt.found || r.Strangers != tt.strangers {
			t.Errorf("%s: %v, %+v", name, err, r)
		}
	}
}

func otherKey(t *testing.T) string {
	t.Helper()
	_, public, err := verify.GenerateLogKey(strings.NewReader(strings.Repeat("x", 64)), origin)
	if err != nil {
		t.Fatal(err)
	}
	return public
}

// TestEveryColumnIsCompared: a column that somebody adds to the log is compared, or is named here with the
// reason why not.
func TestEveryColumnIsCompared(t *testing.T) {
	t.Parallel()
	h := testkit.Database(t, store.Schema, store.Migrations)
	var columns []string
	const query = `SELECT column_name FROM information_schema.columns WHERE table_schema = 'audit' AND table_name = 'event' ORDER BY 1`
	if err := h.Owner.SelectContext(limit(t), &columns, query); err != nil {
		t.Fatal(err)
	}
	compared := []string{"action", "body", "id", "leaf_hash", "marks", "nhs_number", "nonce", "occurred_at", "ods_code", "outcome", "reason",
		"relationship_kind", "staff_id"}
	notes := []string{"stored_at", "stored_in"} // the service's own notes: nothing is claimed of them
	want := slices.Sorted(slices.Values(append(compared, notes...)))
	if !slices.Equal(columns, want) {
		t.Errorf("columns of event %v, known %v", columns, want)
	}
}

// TestReader: the application's role, which cannot write over anything, can check everything.
func TestReader(t *testing.T) {
	t.Parallel()
	h := testkit.Database(t, store.Schema, store.Migrations)
	f := &logtest.Log{}
	f.MakeKeys(t)
	r, err := fsck.Run(limit(t), fsck.Config{DB: h.App, Trust: f.Trust})
	if err != nil || r.Heads != 1 || r.Leaves != 0 {
		t.Errorf("empty log: %+v, %v", r, err)
	}
	if _, err := fsck.Run(limit(t), fsck.Config{DB: h.App}); err == nil {
		t.Error("without keys: nothing was missed")
	}
	ctx, cancel := context.WithCancel(limit(t))
	cancel()
	var d *fsck.Difference
	if _, err := fsck.Run(ctx, fsck.Config{DB: h.App, Trust: f.Trust}); err == nil || errors.As(err, &d) {
		t.Errorf("a database that cannot be read is no difference: %v", err)
	}
}
