package verify_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"testing/fstest"

	"pgregory.net/rapid"

	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

// export writes the events [first, last] of a log as a folder.
func export(t fatal, m *memory, log keys, first, last int64) fstest.MapFS {
	folder := fstest.MapFS{verify.ExportCheckpoint: {Data: sign(t, m.checkpoint(t, m.size()), log)}}
	for tile := range verify.Tiles(m.size()) {
		data, err := m.tile(tile)
		if err != nil {
			t.Fatalf("tile: %v", err)
		}
		folder[verify.TilePath(tile)] = &fstest.MapFile{Data: data}
	}
	half := (first + last) / 2
	folder["events/1.jsonl"] = &fstest.MapFile{Data: lines(t, m, first, half)}
	folder["events/2.jsonl"] = &fstest.MapFile{Data: lines(t, m, half+1, last)}
	folder["events/readme.txt"] = &fstest.MapFile{Data: []byte("no events")}
	return folder
}

func lines(t fatal, m *memory, first, last int64) []byte {
	var b bytes.Buffer
	for i := first; i <= last; i++ {
		line, err := json.Marshal(verify.ExportedEvent{Index: i, Nonce: m.nonces[i], Event: m.events[i]})
		if err != nil {
			t.Fatalf("line: %v", err)
		}
		b.Write(append(line, '\n'))
	}
	return b.Bytes()
}

func TestExport(t *testing.T) {
	t.Parallel()
	m, log := newMemory(t, "a", 1000), logKeys(t)
	believed := trust(t, []keys{log}, nil, 0)
	var told int64
	r, err := verify.CheckExport(export(t, m, log, 0, 999), believed, func(n int64) { told = n })
	if err != nil || !r.Whole() || r.Events != 1000 || told != 1000 {
		t.Errorf("whole: %+v, %v", r, err)
	}
	r, err = verify.CheckExport(export(t, m, log, 300, 700), believed, nil)
	if err != nil || r.Whole() || r.First != 300 || r.Last != 700 || r.Events != 401 {
		t.Errorf("part: %+v, %v", r, err)
	}
	none := export(t, m, log, 0, 10)
	delete(none, "events/1.jsonl")
	delete(none, "events/2.jsonl")
	if r, err = verify.CheckExport(none, believed, nil); err != nil || r.Events != 0 || r.Whole() {
		t.Errorf("nothing: %+v, %v", r, err)
	}
}

// TestTamperedExport: an event that was changed, moved, repeated or invented is found, and a tile too.
func TestTamperedExport(t *testing.T) {
	t.Parallel()
	m, log := newMemory(t, "a", 600), logKeys(t)
	believed := trust(t, []keys{log}, nil, 0)
	rapid.Check(t, func(t *rapid.T) {
		folder := export(t, m, log, 0, 599)
		file := folder[rapid.SampledFrom([]string{"events/1.jsonl", "events/2.jsonl"}).Draw(t, "file")]
		all := bytes.SplitAfter(file.Data, []byte("\n"))
		all = all[:len(all)-1] // what follows the last newline
		i, j := rapid.IntRange(0, len(all)-1).Draw(t, "i"), rapid.IntRange(0, len(all)-1).Draw(t, "j")
		what := rapid.SampledFrom([]string{"change", "nonce", "swap", "repeat", "invent", "tile", "move"}).Draw(t, "what")
		switch what {
		case "change":
			all[i] = edit(t, all[i], func(x *verify.ExportedEvent) { x.Event = append(x.Event, '!') })
		case "nonce":
			all[i] = edit(t, all[i], func(x *verify.ExportedEvent) { x.Nonce[3] ^= 1 })
		case "swap":
			if i == j {
				return
			}
			all[i], all[j] = all[j], all[i]
		case "repeat":
			all[i] = append(bytes.Clone(all[i]), all[i]...)
		case "invent":
			all[len(all)-1] = edit(t, all[len(all)-1], func(x *verify.ExportedEvent) { x.Index = 600 })
		case "move":
			all[i] = edit(t, all[i], func(x *verify.ExportedEvent) { x.Index++ })
		case "tile":
			tile := folder[fmt.Sprintf("tile/0/%03d", rapid.IntRange(0, 1).Draw(t, "tile"))]
			tile.Data[rapid.IntRange(0, len(tile.Data)-1).Draw(t, "byte")] ^= 1
		}
		file.Data = bytes.Join(all, nil)
		if _, err := verify.CheckExport(folder, believed, nil); !errors.Is(err, verify.ErrExport) {
			t.Fatalf("%s was not found: %v", what, err)
		}
	})
}

func edit(t fatal, line []byte, change func(*verify.ExportedEvent)) []byte {
	var x verify.ExportedEvent
	if err := json.Unmarshal(line, &x); err != nil {
		t.Fatalf("line: %v", err)
	}
	change(&x)
	out, err := json.Marshal(x)
	if err != nil {
		t.Fatalf("line: %v", err)
	}
	return append(out, '\n')
}

func TestBrokenExport(t *testing.T) {
	t.Parallel()
	m, log := newMemory(t, "a", 300), logKeys(t)
	believed := trust(t, []keys{log}, nil, 0)
	for name, tt := range map[string]struct {
		change func(fstest.MapFS)
		want   error
	}{
		"no checkpoint": {func(f fstest.MapFS) { delete(f, "checkpoint") }, verify.ErrExport},
		"large":         {func(f fstest.MapFS) { f["checkpoint"].Data = bytes.Repeat([]byte("x"), 70<<10) }, verify.ErrExport},
		"not signed":    {func(f fstest.MapFS) { f["checkpoint"].Data = sign(t, m.checkpoint(t, 300), logKeys(t)) }, verify.ErrSignature},
		"no events": {func(f fstest.MapFS) {
			delete(f, "events/1.jsonl")
			delete(f, "events/2.jsonl")
			delete(f, "events/readme.txt")
		}, verify.ErrExport},
		"missing tile": {func(f fstest.MapFS) { delete(f, "tile/0/000") }, verify.ErrExport},
		"no JSON":      {func(f fstest.MapFS) { f["events/1.jsonl"].Data = []byte("x\n") }, verify.ErrExport},
		"two on a line": {func(f fstest.MapFS) {
			f["events/1.jsonl"].Data = bytes.Replace(f["events/1.jsonl"].Data, []byte("\n"), nil, 1)
		}, verify.ErrExport},
		"unknown field":   {func(f fstest.MapFS) { f["events/1.jsonl"].Data = []byte(`{"index":0,"more":1}` + "\n") }, verify.ErrExport},
		"a line too long": {func(f fstest.MapFS) { f["events/1.jsonl"].Data = bytes.Repeat([]byte("x"), 300<<10) }, verify.ErrExport},
	} {
		folder := export(t, m, log, 0, 299)
		tt.change(folder)
		if _, err := verify.CheckExport(folder, believed, nil); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
}
