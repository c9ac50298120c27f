package folder_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dorsetcarerecord/dcr/dcrctl/internal/folder"
)

func write(t *testing.T, dir string, names ...string) {
	t.Helper()
	for _, name := range names {
		p := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte("{}"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLayouts(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "9990002673/RDY.json", "9990002673/J81900.json", "RBD.json", "Anning, Mary.R0D.json", "9990002673.RYF.json",
		"9990002673.json", "mary.json", "notes.txt", ".hidden.RDY.json", ".git/RDY.json")
	f, err := folder.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	type row struct{ Sender, Person, Shown string }
	got := map[string]row{}
	for _, b := range f.Bundles {
		got[b.Path] = row{b.Sender, b.Person, b.Shown()}
	}
	want := map[string]row{
		"9990002673/RDY.json":    {"RDY", "9990002673/", "999…/RDY.json"},
		"9990002673/J81900.json": {"J81900", "9990002673/", "999…/J81900.json"},
		"RBD.json":               {"RBD", "", "RBD.json"},
		"Anning, Mary.R0D.json":  {"R0D", "Anning, Mary", "Ann….R0D.json"},
		"9990002673.RYF.json":    {"RYF", "9990002673", "999….RYF.json"},
		"9990002673.json":        {"", "9990002673", "999….json"},
		"mary.json":              {"", "mary", "mar….json"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if f.Bytes != 2*int64(len(want)) {
		t.Errorf("%d bytes", f.Bytes)
	}
}

// TestErrorsDoNotNameAnybody: the path of a folder or file may be an NHS number.
func TestErrorsDoNotNameAnybody(t *testing.T) {
	dir := t.TempDir()
	_, err := folder.Open(t.Context(), filepath.Join(dir, "9990002673"))
	if err == nil || strings.Contains(err.Error(), "9990002673") {
		t.Errorf("got %v", err)
	}
	write(t, dir, "9990002673/RDY.json")
	f, err := folder.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := os.Remove(filepath.Join(dir, "9990002673", "RDY.json")); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Read(f.Bundles[0]); err == nil || strings.Contains(err.Error(), "9990002673") {
		t.Errorf("got %v", err)
	}
}
