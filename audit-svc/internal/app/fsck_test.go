package app

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/dorsetcarerecord/dcr/internal/postgres"
	"github.com/dorsetcarerecord/dcr/internal/testkit"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/store"
	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

// TestFsckCommand: keys come from where they are named, and a difference has an exit code of its own.
func TestFsckCommand(t *testing.T) {
	t.Parallel()
	h := testkit.Database(t, store.Schema, store.Migrations)
	private, public, err := verify.GenerateLogKey(strings.NewReader(strings.Repeat("x", 64)), "audit.example/log")
	if err != nil {
		t.Fatal(err)
	}
	_, witness, err := verify.GenerateWitnessKey(strings.NewReader(strings.Repeat("w", 64)), "witness.example")
	if err != nil {
		t.Fatal(err)
	}
	file := func(name, text string) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	command := func(change func(*Fsck)) error {
		f := &Fsck{Database: postgres.Config{URL: h.AppURL}}
		change(f)
		return f.Run(limit(t))
	}
	for name, tt := range map[string]struct {
		change func(*Fsck)
		want   string
	}{
		"key":            {func(f *Fsck) { f.Key = []string{public} }, ""},
		"key file":       {func(f *Fsck) { f.KeyFile = []string{file("log.pub", "# ours\n"+public)} }, ""},
		"own key":        {func(f *Fsck) { f.SigningKeys, f.Origin = []string{file("log.key", private)}, "audit.example/log" }, ""},
		"own witnesses":  {func(f *Fsck) { f.Key, f.Witnesses = []string{public}, []string{witness + "=http://x"} }, ""},
		"odd witnesses":  {func(f *Fsck) { f.Key, f.Witnesses = []string{public}, []string{"x"} }, "DCR_AUDIT_WITNESSES"},
		"no key":         {func(*Fsck) {}, "public key is needed"},
		"missing file":   {func(f *Fsck) { f.KeyFile = []string{"/nowhere"} }, "read the log's keys"},
		"no such origin": {func(f *Fsck) { f.SigningKeys, f.Origin = []string{file("log.key", private)}, "other" }, "not that of DCR_AUDIT_ORIGIN"},
		"no checkpoint":  {func(f *Fsck) { f.Key, f.Against = []string{public}, []string{file("seen", "hello")} }, "no checkpoint"},
		"no database":    {func(f *Fsck) { f.Key, f.Database.URL = []string{public}, "postgres://x@127.0.0.1:1/x?sslmode=disable" }, "connect"},
	} {
		err := command(tt.change)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
		var own kong.ExitCoder
		if errors.As(err, &own) {
			t.Errorf("%s: what could not be checked looks like a difference", name)
		}
	}
	if _, err := h.Owner.ExecContext(limit(t), "DELETE FROM tree_head"); err != nil {
		t.Fatal(err)
	}
	err = command(func(f *Fsck) { f.Key = []string{public} })
	var own kong.ExitCoder
	if !errors.As(err, &own) || own.ExitCode() != exitDifference || !strings.Contains(err.Error(), "there is no head") {
		t.Errorf("a tree without a head: %v", err)
	}
}
