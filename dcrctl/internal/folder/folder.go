package folder

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Bundle is one file of the folder.
type Bundle struct {
	// Path below the folder, with slashes. It names a person: see Shown.
	Path string
	// Sender is the ODS code in the file's name; empty when the name has none.
	Sender string
	// Person is equal for the files of one person, whose bundles are sent one after the other.
	Person string
	// Size in bytes.
	Size int64
}

// Folder is where bundles are read.
type Folder struct {
	root    *os.Root
	Bundles []Bundle // sorted by path
	Bytes   int64    // of all bundles
}

// Open lists the bundles below dir; names that begin with a dot, and what is no .json, are passed over.
// Symbolic links that leave dir are not followed. Close it in the end.
func Open(ctx context.Context, dir string) (*Folder, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open the folder: %w", Quiet(err))
	}
	f := &Folder{root: root}
	if err := fs.WalkDir(root.FS(), ".", f.visit(ctx)); err != nil {
		return nil, errors.Join(fmt.Errorf("list the folder: %w", Quiet(err)), root.Close())
	}
	slices.SortFunc(f.Bundles, func(a, b Bundle) int { return strings.Compare(a.Path, b.Path) })
	return f, nil
}

func (f *Folder) visit(ctx context.Context) fs.WalkDirFunc {
	return func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case p != "." && strings.HasPrefix(d.Name(), "."):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir() || path.Ext(p) != ".json":
			return nil
		}
		info, err := f.root.Stat(filepath.FromSlash(p)) // what a link points at
		if err != nil {
			return err
		}
		if info.Mode().IsRegular() {
			f.Bundles = append(f.Bundles, named(p, info.Size()))
			f.Bytes += info.Size()
		}
		return nil
	}
}

// Read is the content of a bundle. Its error does not repeat the path.
func (f *Folder) Read(b Bundle) ([]byte, error) {
	text, err := f.root.ReadFile(filepath.FromSlash(b.Path))
	if err != nil {
		return nil, fmt.Errorf("read a bundle: %w", Quiet(err))
	}
	return text, nil
}

// Close ends the reading.
func (f *Folder) Close() error { return f.root.Close() }

// Quiet is what went wrong with a file without the file's path, which may name a person.
func Quiet(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
