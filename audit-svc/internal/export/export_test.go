package export_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/dorsetcarerecord/dcr/internal/testkit"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/export"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/logtest"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/store"
	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

func TestMain(m *testing.M) { testkit.Main(m) }

func limit(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// config exports everything into a new folder.
func config(t *testing.T, log *logtest.Log) export.Config {
	t.Helper()
	return export.Config{DB: log.App, Dir: filepath.Join(t.TempDir(), "export"), Trust: log.Trust, Account: func(context.Context, int64) error { return nil }}
}

// strict wants the witness to have cosigned.
func strict(t *testing.T, log *logtest.Log) *verify.Trust {
	t.Helper()
	trust, err := verify.NewTrust(log.Keys.Public(), []string{log.Cosigner.PublicKey()}, 1)
	if err != nil {
		t.Fatal(err)
	}
	return trust
}

// TestWhole: what is written is the whole log under a witnessed checkpoint, and holds with the keys alone.
func TestWhole(t *testing.T) {
	t.Parallel()
	log := logtest.New(t)
	cfg := config(t, log)
	var accounted int64
	cfg.Account = func(_ context.Context, events int64) error {
		accounted = events
		if _, err := os.Stat(cfg.Dir + ".unfinished/" + verify.ExportEvents); err == nil {
			t.Error("events were written before they were accounted for")
		}
		return nil
	}
	r, err := export.Write(limit(t), cfg)
	if err != nil || r.Events != logtest.Leaves || accounted != logtest.Leaves || r.Checkpoint.Size != logtest.Leaves {
		t.Fatalf("%+v, %v, %d accounted for", r, err, accounted)
	}
	report, err := verify.CheckExport(os.DirFS(cfg.Dir), strict(t, log), nil)
	if err != nil || !report.Whole() || report.Events != logtest.Leaves {
		t.Errorf("checked: %+v, %v", report, err)
	}
	info, err := os.Stat(cfg.Dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("others may read the folder: %v, %v", info.Mode(), err)
	}
	if _, err := export.Write(limit(t), cfg); err == nil {
		t.Error("an export was written over")
	}
}

// TestPart: some minutes of a log, with the tiles of these alone.
func TestPart(t *testing.T) {
	t.Parallel()
	log := logtest.New(t)
	cfg := config(t, log)
	cfg.From, cfg.To = logtest.Now().Add(10*time.Second), logtest.Now().Add(30*time.Second)
	r, err := export.Write(limit(t), cfg)
	if err != nil || r.Events == 0 || r.Events >= logtest.Leaves {
		t.Fatalf("%+v, %v", r, err)
	}
	report, err := verify.CheckExport(os.DirFS(cfg.Dir), strict(t, log), nil)
	if err != nil || report.Whole() || report.Events != r.Events {
		t.Errorf("checked: %+v, %v", report, err)
	}
	cfg = config(t, log)
	cfg.From = logtest.Now().Add(24 * time.Hour)
	if r, err = export.Write(limit(t), cfg); err != nil || r.Events != 0 {
		t.Errorf("nothing: %+v, %v", r, err)
	}
	if report, err = verify.CheckExport(os.DirFS(cfg.Dir), strict(t, log), nil); err != nil || report.Events != 0 {
		t.Errorf("nothing, checked: %+v, %v", report, err)
	}
}

// TestNothingIsLeftBehind: whatever ends an export, no folder of that name is there, and no half of one.
func TestNothingIsLeftBehind(t *testing.T) {
	t.Parallel()
	log := logtest.New(t)
	unaccounted := errors.New("the log is full")
	stranger := &logtest.Log{}
	stranger.MakeKeys(t)
	for name, tt := range map[string]struct {
		change func(*export.Config)
		tamper string
		want   error
	}{
		"not accounted for": {func(c *export.Config) { c.Account = func(context.Context, int64) error { return unaccounted } }, "", unaccounted},
		"not our log":       {func(c *export.Config) { c.Trust = stranger.Trust }, "", verify.ErrSignature},
		"a changed event":   {func(*export.Config) {}, "UPDATE audit.event SET body = body || 'x' WHERE id = (SELECT event_id FROM audit.leaf WHERE leaf_index = 77)", verify.ErrLeaf},
	} {
		if tt.tamper != "" {
			if _, err := log.Super.ExecContext(limit(t), tt.tamper); err != nil {
				t.Fatal(err)
			}
		}
		cfg := config(t, log)
		tt.change(&cfg)
		if _, err := export.Write(limit(t), cfg); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
		left, err := os.ReadDir(filepath.Dir(cfg.Dir))
		if err != nil || len(left) != 0 {
			t.Errorf("%s: left behind %v, %v", name, left, err)
		}
	}
}

func TestEmptyLog(t *testing.T) {
	t.Parallel()
	h := testkit.Database(t, store.Schema, store.Migrations)
	l := &logtest.Log{App: h.App}
	l.MakeKeys(t)
	if _, err := export.Write(limit(t), config(t, l)); !errors.Is(err, export.ErrNoCheckpoint) {
		t.Errorf("a log that has signed nothing: %v", err)
	}
	if _, err := export.Write(limit(t), export.Config{}); err == nil {
		t.Error("nothing was missed")
	}
}
