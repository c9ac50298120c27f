package archive

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/jmoiron/sqlx"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/keep"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/store"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/tile"
	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

// perFile is how many events a file holds: so much work is lost at most when writing is interrupted.
const perFile = 10_000

// ErrNotYet is returned for a month that cannot be archived now; its words say why.
var ErrNotYet = errors.New("the month cannot be archived yet")

// Config is what writing an archive needs.
type Config struct {
	// DB is the database, as a role that may read the schema.
	DB *sqlx.DB
	// Log is the store on DB.
	Log *store.Store
	// Trust holds the log's keys, and the witnesses'.
	Trust *verify.Trust
	// Month to archive.
	Month keep.Month
	// Dir is the folder; it is made unless it is there. What an interrupted run wrote into it is taken up.
	Dir string
	Now func() time.Time
	// Account is called with the number of events before any of them is written; an error ends it.
	Account func(ctx context.Context, events int64) error
	// Progress, if not nil, is told how many of the month's events are written.
	Progress func(events, of int64)
	// PerFile is how many events a file holds; 0 means 10,000.
	PerFile int
}

// writer is an archive in the making.
type writer struct {
	Config
	signed *verify.Signed
	tiles  *verify.LeafReader
	leaves *leaves
	last   int64 // index of the last event that is written; -1 at the start
}

// Write archives a month and verifies what it wrote. A folder that is an archive already is verified and left as it is. It
// returns ErrNotYet, or the errors of Verify.
func Write(ctx context.Context, cfg Config) (*Verified, error) {
	if now := cfg.Now(); now.Before(cfg.Month.Closed()) {
		return nil, fmt.Errorf("%w: %s may gain events until %s", ErrNotYet, cfg.Month, cfg.Month.Closed().Format(time.DateTime))
	}
	if cfg.PerFile == 0 {
		cfg.PerFile = perFile
	}
	if err := os.MkdirAll(filepath.Join(cfg.Dir, verify.ExportEvents), folderMode); err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	if _, err := os.Stat(filepath.Join(cfg.Dir, ManifestName)); errors.Is(err, os.ErrNotExist) {
		if err := write(ctx, cfg); err != nil {
			return nil, fmt.Errorf("archive %s: %w", cfg.Month, err)
		}
	}
	v, err := Verify(cfg.Dir, cfg.Trust, nil)
	if err == nil && v.Month != cfg.Month {
		return nil, fmt.Errorf("%w: the folder holds %s", ErrArchive, v.Month)
	}
	return v, err
}

func write(ctx context.Context, cfg Config) error {
	if err := tidy(cfg.Dir); err != nil {
		return err
	}
	w := &writer{Config: cfg, leaves: newLeaves(), last: -1}
	return store.ReadMonth(ctx, cfg.DB, cfg.Month.First(), func(r *store.MonthReader) error {
		facts, err := r.Facts(ctx)
		if err != nil {
			return err
		}
		if facts.Events == 0 {
			return fmt.Errorf("%w: the log has no events of %s", ErrNotYet, cfg.Month)
		}
		if facts.Waiting > 0 {
			return fmt.Errorf("%w: %d of its events have no place in the tree; audit-svc serve gives them one", ErrNotYet, facts.Waiting)
		}
		if err := w.checkpoint(ctx, facts.Last); err != nil {
			return err
		}
		if err := w.Account(ctx, facts.Events); err != nil {
			return fmt.Errorf("account for the archive: %w", err)
		}
		if err := w.takeUp(); err != nil {
			return err
		}
		if err := w.events(ctx, r, facts.Events); err != nil {
			return err
		}
		return w.manifest(facts.Events)
	})
}

// checkpoint takes the largest that a witness has cosigned, else the largest; or the one that an interrupted run took.
func (w *writer) checkpoint(ctx context.Context, last int64) error {
	note, err := os.ReadFile(filepath.Join(w.Dir, verify.ExportCheckpoint))
	if errors.Is(err, os.ErrNotExist) {
		note, err = w.choose(ctx, last)
	}
	if err != nil {
		return err
	}
	if w.signed, err = w.Trust.Open(note); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	if w.signed.Size <= last {
		return fmt.Errorf("%w: the checkpoint in the folder does not cover the month: take an empty folder", ErrArchive)
	}
	reader := tile.NewReader(w.Log)
	// Whatever a reader needs to believe the events, it asks for here: those are the tiles of the archive.
	w.tiles = verify.NewLeafReader(w.signed.Checkpoint, func(t tlog.Tile) ([]byte, error) {
		data, err := reader.Tile(ctx, t)
		if err != nil {
			return nil, err
		}
		return data, w.putBytes(verify.TilePath(t), data)
	})
	return w.putBytes(verify.ExportCheckpoint, note)
}

func (w *writer) choose(ctx context.Context, last int64) ([]byte, error) {
	for _, find := range []func(context.Context) (*store.Checkpoint, error){w.Log.Witnessed, w.Log.Largest} {
		c, err := find(ctx)
		if err != nil {
			return nil, err
		}
		if c != nil && c.Size > last && c.Signatures != "" {
			return []byte(c.Note()), nil
		}
	}
	return nil, fmt.Errorf("%w: no checkpoint covers it; audit-svc serve signs one", ErrNotYet)
}

// takeUp goes over the events that an interrupted run wrote. They are read whole: their tiles are written with them.
func (w *writer) takeUp() error {
	return verify.EachExported(os.DirFS(w.Dir), func(x verify.ExportedEvent) error {
		leaf, err := verify.LeafHash(x.Nonce, x.Event)
		if err != nil {
			return err
		}
		return w.take(x.Index, leaf[:])
	})
}

// take proves that an event is in the tree, and counts it.
func (w *writer) take(index int64, leaf []byte) error {
	if index <= w.last {
		return fmt.Errorf("%w: event %d follows event %d", ErrArchive, index, w.last)
	}
	proved, err := w.tiles.Leaf(index)
	if err != nil {
		return err
	}
	if string(proved[:]) != string(leaf) {
		return fmt.Errorf("event %d: %w", index, verify.ErrLeaf)
	}
	w.leaves.add(index, leaf)
	w.last = index
	return nil
}

// events writes what is not written yet, a file at a time. A file is named after its first event, so that names sort
// as indexes do.
func (w *writer) events(ctx context.Context, r *store.MonthReader, of int64) error {
	var batch []verify.ExportedEvent
	flush := func() error {
		if len(batch) == 0 || ctx.Err() != nil {
			return ctx.Err()
		}
		name := fmt.Sprintf("%s/%015d%s", verify.ExportEvents, batch[0].Index, verify.ExportSuffix)
		err := put(w.Dir, name, func(to io.Writer) error { return lines(to, batch) })
		batch = batch[:0]
		if w.Progress != nil {
			w.Progress(w.leaves.count, of)
		}
		return err
	}
	err := r.Each(ctx, w.last, func(e store.MonthEvent) error {
		leaf, err := verify.LeafHash(e.Nonce, e.Body)
		if err != nil {
			return err
		}
		if err := w.take(e.Index, leaf[:]); err != nil {
			return err
		}
		batch = append(batch, verify.ExportedEvent{Index: e.Index, Nonce: e.Nonce, Event: e.Body})
		if len(batch) < w.PerFile {
			return nil
		}
		return flush()
	})
	if err != nil {
		return err
	}
	return flush()
}

func lines(to io.Writer, events []verify.ExportedEvent) error {
	out := json.NewEncoder(to)
	for _, e := range events {
		if err := out.Encode(e); err != nil {
			return err
		}
	}
	return nil
}

// manifest makes the archive whole.
func (w *writer) manifest(events int64) error {
	if w.leaves.count != events {
		return fmt.Errorf("%w: %d of %d events were written", ErrArchive, w.leaves.count, events)
	}
	files, err := list(w.Dir)
	if err != nil {
		return err
	}
	m := Manifest{Format: format, Month: w.Month.String(), Origin: w.Trust.Origin(), Events: events, LeavesSHA256: w.leaves.text(),
		TreeSize: w.signed.Size, MadeAt: w.Now().UTC().Truncate(time.Second), Files: files}
	return put(w.Dir, ManifestName, func(to io.Writer) error {
		out := json.NewEncoder(to)
		out.SetIndent("", "  ")
		return out.Encode(m)
	})
}

func (w *writer) putBytes(name string, data []byte) error {
	return put(w.Dir, name, func(to io.Writer) error {
		_, err := to.Write(data)
		return err
	})
}
