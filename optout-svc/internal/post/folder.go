package post

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"
)

const (
	// partial marks a file that is being written.
	partial = ".part-"
	// abandoned is the age at which a partial file is nobody's any more.
	abandoned = time.Hour
)

// folder keeps items as files that are named by id: there can be one of each, whole or not at all, however
// often and from however many replicas it is sent.
type folder struct {
	path string
}

// openFolder makes the folder if need be, readable by its owner alone, and tries whether it can be written.
func openFolder(path string, now func() time.Time) (*folder, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("DCR_OPTOUT_POST_FOLDER: %w", err)
	}
	probe, err := os.CreateTemp(path, partial+"*")
	if err != nil {
		return nil, fmt.Errorf("DCR_OPTOUT_POST_FOLDER: %w", err)
	}
	if err := errors.Join(probe.Close(), os.Remove(probe.Name())); err != nil {
		return nil, fmt.Errorf("DCR_OPTOUT_POST_FOLDER: %w", err)
	}
	return &folder{path: path}, sweep(path, now())
}

// sweep removes what a process that was killed left unfinished.
func sweep(path string, now time.Time) error {
	entries, err := os.ReadDir(path)
	if err != nil {
		return fmt.Errorf("DCR_OPTOUT_POST_FOLDER: %w", err)
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil || !strings.HasPrefix(entry.Name(), partial) || now.Sub(info.ModTime()) < abandoned {
			continue
		}
		if err := os.Remove(filepath.Join(path, entry.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("DCR_OPTOUT_POST_FOLDER: %w", err)
		}
	}
	return nil
}

// Remembers is for good, as long as nobody takes files away: who prints them moves them elsewhere only when
// their letters show as sent.
func (f *folder) Remembers() time.Duration { return 0 }

// Find looks for the file.
func (f *folder) Find(_ context.Context, id uuid.UUID, by Way) (Receipt, bool, error) {
	name := fileName(id, by)
	_, err := os.Stat(filepath.Join(f.path, name))
	switch {
	case err == nil:
		return Receipt{Reference: name, Progress: Done}, true, nil
	case errors.Is(err, fs.ErrNotExist):
		return Receipt{}, false, nil
	}
	return Receipt{}, false, &Error{Reason: ReasonStorage, cause: err}
}

// Send writes the file under another name, to the disk, and only then gives it its own: a name that is taken
// means that it was sent before.
func (f *folder) Send(_ context.Context, item Item) (Receipt, error) {
	name := fileName(item.ID, item.By)
	part, err := f.write(item)
	if err != nil {
		return Receipt{}, &Error{Reason: ReasonStorage, cause: err}
	}
	defer func() { _ = os.Remove(part) }() // left over, it is swept
	if err := os.Link(part, filepath.Join(f.path, name)); err != nil && !errors.Is(err, fs.ErrExist) {
		return Receipt{}, &Error{Reason: ReasonStorage, cause: err}
	}
	if err := f.sync(); err != nil {
		return Receipt{}, &Error{Reason: ReasonStorage, Unsure: true, cause: err}
	}
	return Receipt{Reference: name, Progress: Done}, nil
}

// write puts the item on the disk as a partial file and gives its path.
func (f *folder) write(item Item) (path string, err error) {
	file, err := os.CreateTemp(f.path, partial+"*")
	if err != nil {
		return "", err
	}
	_, err = file.Write(contents(item))
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return "", errors.Join(err, os.Remove(file.Name()))
	}
	return file.Name(), nil
}

// sync puts the names on the disk.
func (f *folder) sync() error {
	dir, err := os.Open(f.path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func fileName(id uuid.UUID, by Way) string {
	if by == Letter {
		return id.String() + ".letter.pdf"
	}
	return id.String() + "." + string(by) + ".txt"
}

// contents of the file: a letter's PDF; of the others what a person needs to send them.
func contents(item Item) []byte {
	switch item.By {
	case Letter:
		return item.PDF
	case Email:
		return []byte("To: " + item.Email + "\nSubject: " + item.Subject + "\n\n" + item.Body)
	default:
		return []byte("To: " + item.Mobile + "\n\n" + item.Body)
	}
}
