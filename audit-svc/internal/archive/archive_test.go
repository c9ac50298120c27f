package archive_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/archive"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/keep"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/logtest"
	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

// TestArchive: the folder holds the month, whole and nothing else, and the public checker believes it too.
func TestArchive(t *testing.T) {
	t.Parallel()
	log := newLog(t)
	dir, v := written(t, log)
	if v.Manifest.Events != inMonth || v.Month != month() || v.Checkpoint.Size != inMonth+next {
		t.Errorf("archived %+v", v.Manifest)
	}
	r, err := verify.CheckExport(os.DirFS(dir), log.Trust, nil)
	if err != nil || r.Events != inMonth || r.Whole() {
		t.Errorf("public checker: %+v, %v", r, err)
	}
	if files, err := filepath.Glob(filepath.Join(dir, verify.ExportEvents, "*")); err != nil || len(files) != 4 {
		t.Errorf("%d files of events", len(files))
	}
	again := config(t, log)
	again.Dir = dir
	again.Account = func(context.Context, int64) error { t.Error("an archive that is whole was written again"); return nil }
	if w, err := archive.Write(limit(t), again); err != nil || string(w.Digest) != string(v.Digest) {
		t.Errorf("a second time: %v", err)
	}
	again.Month = keep.MonthOf(logtest.Now().AddDate(0, 1, 0))
	again.Now = later
	if _, err := archive.Write(limit(t), again); !errors.Is(err, archive.ErrArchive) {
		t.Errorf("another month into the folder: %v", err)
	}
}

// TestNotYet: a month that may change is not archived.
func TestNotYet(t *testing.T) {
	t.Parallel()
	log := logtest.New(t) // with events that have no leaf
	cfg := config(t, log)
	if _, err := archive.Write(limit(t), cfg); !errors.Is(err, archive.ErrNotYet) {
		t.Errorf("events wait for a leaf: %v", err)
	}
	sequence(t, log, inMonth)
	cfg.Now = func() time.Time { return month().Closed().Add(-time.Second) }
	if _, err := archive.Write(limit(t), cfg); !errors.Is(err, archive.ErrNotYet) {
		t.Errorf("the month is not over: %v", err)
	}
	cfg.Now, cfg.Month = later, keep.MonthOf(logtest.Now().AddDate(0, 2, 0))
	if _, err := archive.Write(limit(t), cfg); !errors.Is(err, archive.ErrNotYet) {
		t.Errorf("a month without events: %v", err)
	}
}

// TestUnaccounted: nothing about people is written before the log says so.
func TestUnaccounted(t *testing.T) {
	t.Parallel()
	cfg, full := config(t, newLog(t)), errors.New("the log is full")
	cfg.Account = func(context.Context, int64) error { return full }
	_, err := archive.Write(limit(t), cfg)
	files, globErr := filepath.Glob(filepath.Join(cfg.Dir, verify.ExportEvents, "*"))
	if !errors.Is(err, full) || globErr != nil || len(files) != 0 {
		t.Errorf("%v, %d files", err, len(files))
	}
}

// TestInterrupted: a run that ended in the middle leaves no archive; the next one goes on with what is there, and
// takes nothing that was half written.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	log := newLog(t)
	cfg := config(t, log)
	ctx, kill := context.WithCancel(limit(t))
	cfg.Progress = func(events, _ int64) {
		if events >= 200 {
			kill()
		}
	}
	if _, err := archive.Write(ctx, cfg); err == nil {
		t.Fatal("it was not interrupted")
	}
	if _, err := archive.Verify(cfg.Dir, log.Trust, nil); !errors.Is(err, archive.ErrArchive) {
		t.Errorf("half an archive: %v", err)
	}
	first := filepath.Join(cfg.Dir, verify.ExportEvents, "000000000000000.jsonl")
	before, err := os.Stat(first)
	if err != nil {
		t.Fatal(err)
	}
	half := filepath.Join(cfg.Dir, verify.ExportEvents, ".unfinished-1")
	if err := os.WriteFile(half, []byte(`{"index":`), 0o600); err != nil {
		t.Fatal(err)
	}
	var told []int64
	cfg.Progress = func(events, _ int64) { told = append(told, events) }
	v, err := archive.Write(limit(t), cfg)
	if err != nil || v.Manifest.Events != inMonth {
		t.Fatalf("gone on: %v", err)
	}
	after, err := os.Stat(first)
	if err != nil || !os.SameFile(before, after) || len(told) != 2 || told[0] != 300 {
		t.Errorf("it did not go on where it stopped: %v, %v", told, err)
	}
	if _, err := os.Stat(half); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what was half written is in the archive: %v", err)
	}
	if _, whole := written(t, log); string(whole.Leaves) != string(v.Leaves) {
		t.Error("not what an uninterrupted run writes")
	}
}
