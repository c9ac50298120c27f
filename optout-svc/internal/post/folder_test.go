package post

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
)

func fixed() time.Time { return time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC) }

func openTestFolder(t *testing.T) (Outbound, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "post")
	out, err := Open(Config{Kind: KindFolder, Folder: path, Now: fixed})
	if err != nil {
		t.Fatal(err)
	}
	return out, path
}

func files(t *testing.T, path string) []string {
	t.Helper()
	entries, err := os.ReadDir(path)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

func TestFolderKeepsOneFilePerID(t *testing.T) {
	t.Parallel()
	out, path := openTestFolder(t)
	item := Item{ID: uuid.New(), By: Letter, PDF: []byte("%PDF-first")}
	if _, found, err := out.Find(t.Context(), item.ID, Letter); found || err != nil {
		t.Fatalf("found %v before it was sent (%v)", found, err)
	}
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			again := item
			if i > 0 {
				again.PDF = []byte("%PDF-again")
			}
			if got, err := out.Send(t.Context(), again); err != nil || got.Reference != item.ID.String()+".letter.pdf" || got.Progress != Done {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
	group.Wait()
	if got := files(t, path); len(got) != 1 {
		t.Fatalf("files %v", got)
	}
	info, err := os.Stat(filepath.Join(path, files(t, path)[0]))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others may read it: %v (%v)", info.Mode(), err)
	}
	if got, found, err := out.Find(t.Context(), item.ID, Letter); !found || err != nil || got.Progress != Done {
		t.Errorf("%+v, %v, %v", got, found, err)
	}
}

func TestFolderOfEmailsAndTexts(t *testing.T) {
	t.Parallel()
	out, path := openTestFolder(t)
	email := Item{ID: uuid.New(), By: Email, Email: "x@example.org", Subject: "Your code", Body: "words"}
	text := Item{ID: uuid.New(), By: Text, Mobile: "07700 900000", Body: "words"}
	for item, want := range map[*Item]string{
		&email: "To: x@example.org\nSubject: Your code\n\nwords", &text: "To: 07700 900000\n\nwords",
	} {
		got, err := out.Send(t.Context(), *item)
		if err != nil {
			t.Fatal(err)
		}
		kept, err := os.ReadFile(filepath.Join(path, got.Reference))
		if err != nil || string(kept) != want {
			t.Errorf("%q (%v)", kept, err)
		}
	}
}

func TestFolderSweepsWhatWasAbandoned(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	for name, age := range map[string]time.Duration{partial + "old": 2 * time.Hour, partial + "new": time.Minute, "other": 48 * time.Hour} {
		file := filepath.Join(path, name)
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, fixed(), fixed().Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Open(Config{Kind: KindFolder, Folder: path, Now: fixed}); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(files(t, path), " "); got != partial+"new other" {
		t.Error(got)
	}
}

func TestFolderThatIsGone(t *testing.T) {
	t.Parallel()
	out, path := openTestFolder(t)
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
	_, err := out.Send(context.Background(), Item{ID: uuid.New(), By: Letter})
	var failed *Error
	if !errors.As(err, &failed) || failed.Reason != ReasonStorage || failed.Final || strings.Contains(err.Error(), path) {
		t.Errorf("%+v", err)
	}
}
