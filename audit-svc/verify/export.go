package verify

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// Names inside a folder of exported events. Beside them lie the tiles, each under its TilePath.
const (
	// ExportCheckpoint is the signed checkpoint that the export is checked against.
	ExportCheckpoint = "checkpoint"
	// ExportEvents is the folder of the events: files ending in ExportSuffix, one ExportedEvent in JSON on
	// each line, indexes growing from line to line and, in the order of their names, from file to file.
	ExportEvents = "events"
	// ExportSuffix ends the name of a file of events.
	ExportSuffix = ".jsonl"
)

// maxLine bounds a line of a file of events: an event of 64 KiB in base64, and room.
const maxLine = 256 << 10

// ErrExport is returned for a folder of exported events that is not whole, or that the log contradicts.
var ErrExport = errors.New("the export is not what the log holds")

// ExportedEvent is one event of an export.
type ExportedEvent struct {
	// Index of its leaf, from 0.
	Index int64 `json:"index"`
	// Nonce of its leaf, in base64.
	Nonce []byte `json:"nonce"`
	// Event as stored: message dcr.audit.v1.Event, in base64.
	Event []byte `json:"event"`
}

// ExportReport is what an export was found to hold.
type ExportReport struct {
	// Checkpoint that it was checked against.
	Checkpoint *Signed
	// Events in it, each of them in the log.
	Events int64
	// First and Last index of its events; meaningless without events.
	First, Last int64
}

// Whole tells whether every event of the log, as it was at the checkpoint, is in the export.
func (r ExportReport) Whole() bool { return r.Events == r.Checkpoint.Size }

// CheckExport reads a folder of exported events and checks everything in it: signatures of the checkpoint,
// tiles against the checkpoint, every event against its leaf. An export may hold any part of the log, with
// the tiles above its events. Progress, if not nil, is called with the number of events checked so far.
// Memory does not grow with the export. It returns the errors of Trust.Open, or ErrExport with the place
// of the first difference.
func CheckExport(folder fs.FS, t *Trust, progress func(events int64)) (*ExportReport, error) {
	message, err := readLimited(folder, ExportCheckpoint, maxCheckpoint)
	if err != nil {
		return nil, fmt.Errorf("%w: read the checkpoint: %w", ErrExport, err)
	}
	signed, err := t.Open(message)
	if err != nil {
		return nil, err
	}
	e := &exportReader{report: &ExportReport{Checkpoint: signed}, progress: progress,
		leaves: NewLeafReader(signed.Checkpoint, func(tile tlog.Tile) ([]byte, error) { return readLimited(folder, TilePath(tile), TileWidth*HashSize) })}
	if err := EachExported(folder, e.event); err != nil {
		return nil, err
	}
	return e.report, nil
}

// eventFiles lists the files of events in order.
func eventFiles(folder fs.FS) ([]string, error) {
	entries, err := fs.ReadDir(folder, ExportEvents)
	if err != nil {
		return nil, fmt.Errorf("%w: read the folder of events: %w", ErrExport, err)
	}
	var names []string
	for _, entry := range entries {
		if strings.HasSuffix(entry.Name(), ExportSuffix) {
			names = append(names, path.Join(ExportEvents, entry.Name()))
		}
	}
	slices.Sort(names)
	return names, nil
}

// exportReader goes through the events.
type exportReader struct {
	report   *ExportReport
	leaves   *LeafReader
	progress func(int64)
}

// EachExported reads the events of a folder in their order, and compares them with nothing: CheckExport does that. It
// returns ErrExport for what is no event, and what each returns, with its place.
func EachExported(folder fs.FS, each func(ExportedEvent) error) error {
	names, err := eventFiles(folder)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := eachLine(folder, name, each); err != nil {
			return err
		}
	}
	return nil
}

// eachLine reads one file of events.
func eachLine(folder fs.FS, name string, each func(ExportedEvent) error) error {
	f, err := folder.Open(name)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrExport, err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, maxLine)
	for n := 1; lines.Scan(); n++ {
		x, err := parseLine(lines.Bytes())
		if err == nil {
			err = each(x)
		}
		if err != nil {
			return fmt.Errorf("%w: %s, line %d: %w", ErrExport, name, n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%w: read %s: %w", ErrExport, name, err)
	}
	return nil
}

func parseLine(line []byte) (ExportedEvent, error) {
	var x ExportedEvent
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&x); err != nil {
		return x, errors.New("it is no event")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return x, errors.New("something follows the event")
	}
	return x, nil
}

// event compares one event with its leaf.
func (e *exportReader) event(x ExportedEvent) error {
	if e.report.Events > 0 && x.Index <= e.report.Last {
		return fmt.Errorf("index %d follows %d", x.Index, e.report.Last)
	}
	hash, err := LeafHash(x.Nonce, x.Event)
	if err != nil {
		return err
	}
	leaf, err := e.leaves.Leaf(x.Index)
	if err != nil {
		return err
	}
	if tlog.Hash(hash) != leaf {
		return fmt.Errorf("event %d: %w", x.Index, ErrLeaf)
	}
	if e.report.Events == 0 {
		e.report.First = x.Index
	}
	e.report.Events++
	e.report.Last = x.Index
	if e.progress != nil {
		e.progress(e.report.Events)
	}
	return nil
}

// readLimited reads a small file.
func readLimited(folder fs.FS, name string, limit int64) ([]byte, error) {
	f, err := folder.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s is larger than %d bytes", name, limit)
	}
	return data, nil
}
