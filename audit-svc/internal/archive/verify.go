package archive

import (
	"encoding/hex"
	"fmt"
	"os"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/event"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/keep"
	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

// Verified is an archive in which everything fits.
type Verified struct {
	Manifest *Manifest
	Month    keep.Month
	// Checkpoint that every event was proved against.
	Checkpoint *verify.Signed
	// Leaves is the digest of Manifest.LeavesSHA256, computed from the events.
	Leaves []byte
	// Digest is the SHA-256 of the manifest, which names every file: it stands for the whole archive.
	Digest []byte
}

// Verify checks an archive with nothing but the log's public keys: every file against the manifest, none missing and none
// added; checkpoint, tiles and events against each other; every event against the month. It returns ErrArchive,
// verify.ErrExport or an error of Trust.Open, with the place of the first difference. Progress may be nil.
func Verify(dir string, trust *verify.Trust, progress func(events int64)) (*Verified, error) {
	m, sum, err := readManifest(dir)
	if err != nil {
		return nil, err
	}
	month, err := keep.ParseMonth(m.Month)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrArchive, err)
	}
	if err := checkFiles(dir, m.Files); err != nil {
		return nil, err
	}
	report, err := verify.CheckExport(os.DirFS(dir), trust, progress)
	if err != nil {
		return nil, err
	}
	found, err := monthLeaves(dir, month)
	if err != nil {
		return nil, err
	}
	v := &Verified{Manifest: m, Month: month, Checkpoint: report.Checkpoint, Leaves: found.sum(), Digest: sum}
	switch {
	case m.Events != report.Events, m.LeavesSHA256 != hex.EncodeToString(v.Leaves):
		return nil, fmt.Errorf("%w: its events are not those that the manifest names", ErrArchive)
	case m.TreeSize != report.Checkpoint.Size, m.Origin != trust.Origin():
		return nil, fmt.Errorf("%w: its checkpoint is not the one that the manifest names", ErrArchive)
	}
	return v, nil
}

// checkFiles compares the folder with the manifest.
func checkFiles(dir string, want []File) error {
	have, err := list(dir)
	if err != nil {
		return err
	}
	named := make(map[string]File, len(want))
	for _, f := range want {
		named[f.Name] = f
	}
	for _, f := range have {
		if w, ok := named[f.Name]; !ok {
			return fmt.Errorf("%w: %s is not in the manifest", ErrArchive, f.Name)
		} else if w != f {
			return fmt.Errorf("%w: %s was changed", ErrArchive, f.Name)
		}
		delete(named, f.Name)
	}
	for name := range named {
		return fmt.Errorf("%w: %s is missing", ErrArchive, name)
	}
	return nil
}

// monthLeaves digests the leaves of the events, each of the month.
func monthLeaves(dir string, month keep.Month) (*leaves, error) {
	found := newLeaves()
	err := verify.EachExported(os.DirFS(dir), func(x verify.ExportedEvent) error {
		e, err := event.Decode(x.Event)
		if err != nil {
			return err
		}
		at, err := verify.Time(e.GetId())
		if err != nil {
			return err
		}
		if keep.MonthOf(at) != month {
			return fmt.Errorf("event %d is of another month", x.Index)
		}
		leaf, err := verify.LeafHash(x.Nonce, x.Event)
		if err != nil {
			return err
		}
		found.add(x.Index, leaf[:])
		return nil
	})
	return found, err
}
