package sequencer_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"
	"go.opentelemetry.io/otel/metric/noop"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/dorsetcarerecord/dcr/internal/testkit"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/sequencer"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/sign"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/store"
	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

func TestMain(m *testing.M) { testkit.Main(m) }

const origin = "log.example/audit"

func limit(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// scene is an empty log and a key.
type scene struct {
	t     testing.TB
	h     testkit.Handles
	log   *store.Store
	keys  *sign.Keys
	diary *diary
}

func newScene(t testing.TB) *scene {
	t.Helper()
	h := testkit.Database(t, store.Schema, store.Migrations)
	if _, err := store.Maintain(limit(t), h.Owner, time.Now()); err != nil {
		t.Fatal(err)
	}
	log, err := store.Open(limit(t), h.App, bytes.Equal)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	return &scene{t: t, h: h, log: log, keys: keysOf(t, newKey(t)), diary: &diary{}}
}

// newKey is the file of a new private key.
func newKey(t testing.TB) string {
	t.Helper()
	private, _, err := verify.GenerateLogKey(rand.Reader, origin)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte(private+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func keysOf(t testing.TB, files ...string) *sign.Keys {
	t.Helper()
	keys, err := sign.Load(sign.Config{Origin: origin, Keys: files})
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// diary is a log that tests read.
type diary struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (d *diary) Write(b []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.text.Write(b)
}

func (d *diary) String() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.text.String()
}

// quick are limits for tests.
func quick() sequencer.Limits {
	return sequencer.Limits{Every: 5 * time.Millisecond, Checkpoint: 20 * time.Millisecond, Idle: 30 * time.Second}
}

// sequence runs a sequencer until stop, or the end of the test. Each replica has its own store, as processes do.
func (s *scene) sequence(change func(*sequencer.Config)) (replica *sequencer.Sequencer, stop func()) {
	s.t.Helper()
	cfg := sequencer.Config{Limits: quick(), Log: s.log, Keys: s.keys, Diary: slog.New(slog.NewTextHandler(s.diary, nil)),
		Meter: noop.NewMeterProvider().Meter(""), Now: time.Now}
	if change != nil {
		change(&cfg)
	}
	replica, err := sequencer.New(cfg)
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = replica.Run(ctx)
	}()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	s.t.Cleanup(stop)
	return replica, stop
}

// row is an event of an instant.
func row(at time.Time) store.Row {
	id := verify.FirstID(at)[:14] + "7" + uuid.NewString()[15:]
	nonce := make([]byte, verify.NonceSize)
	_, _ = rand.Read(nonce)
	leaf, _ := verify.LeafHash(nonce, []byte(id))
	return store.Row{ID: id, OccurredAt: at, StoredAt: at, Action: "record.view", Outcome: 1,
		StaffID: "staff-1", ODSCode: "RYF", Nonce: nonce, Body: []byte(id), Leaf: leaf[:]}
}

// append stores n events, each in its own transaction, or all in one.
func (s *scene) append(n int, together bool) {
	s.t.Helper()
	groups := make([][]store.Row, 0, n)
	for range n {
		groups = append(groups, []store.Row{row(time.Now())})
	}
	if together {
		if _, err := s.log.Append(limit(s.t), groups); err != nil {
			s.t.Fatal(err)
		}
		return
	}
	for _, g := range groups {
		if _, err := s.log.Append(limit(s.t), [][]store.Row{g}); err != nil {
			s.t.Fatal(err)
		}
	}
}

// await waits until what is asked for holds.
func (s *scene) await(what string, holds func() bool) {
	s.t.Helper()
	ctx := limit(s.t)
	for !holds() {
		select {
		case <-ctx.Done():
			s.t.Fatalf("%s: not in time; the log says:\n%s", what, s.diary)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// size of the tree.
func (s *scene) size() int64 {
	s.t.Helper()
	head, err := s.log.Head(limit(s.t))
	if err != nil {
		s.t.Fatal(err)
	}
	return head.Size
}

func (s *scene) awaitSize(n int64) {
	s.t.Helper()
	s.await(fmt.Sprintf("%d leaves", n), func() bool { return s.size() >= n })
}

// awaitSigned waits until the newest head is signed.
func (s *scene) awaitSigned() *store.Checkpoint {
	s.t.Helper()
	var c *store.Checkpoint
	s.await("a checkpoint of the newest head", func() bool {
		var err error
		if c, err = s.log.Largest(limit(s.t)); err != nil {
			s.t.Fatal(err)
		}
		return c != nil && c.Size == s.size()
	})
	return c
}

func (s *scene) owner(text string, args ...any) {
	s.t.Helper()
	if _, err := s.h.Owner.ExecContext(limit(s.t), text, args...); err != nil {
		s.t.Fatalf("%s: %v", text, err)
	}
}

func ask[T any](s *scene, text string, args ...any) (v T) {
	s.t.Helper()
	if err := s.h.Owner.GetContext(limit(s.t), &v, text, args...); err != nil {
		s.t.Fatalf("%s: %v", text, err)
	}
	return v
}

// treeFaults computes the tree anew from the rows alone, and says what is wrong with it: a gap, a fork, an
// event without a place or with two, a head or tile with another hash.
func treeFaults(t testing.TB, db *sqlx.DB, complete bool) (faults []string) {
	t.Helper()
	find := func(into any, text string) {
		if err := db.SelectContext(limit(t), into, text); err != nil {
			t.Fatal(err)
		}
	}
	var leaves []struct {
		Index int64  `db:"leaf_index"`
		Hash  []byte `db:"leaf_hash"`
		Event []byte `db:"event_hash"`
	}
	find(&leaves, `SELECT l.leaf_index, l.leaf_hash, e.leaf_hash AS event_hash FROM leaf l LEFT JOIN event e ON e.id = l.event_id ORDER BY 1`)
	roots, tiles := map[int64]tlog.Hash{0: emptyRoot()}, map[store.TileName][]byte{}
	builder := &verify.Builder{Full: func(tile tlog.Tile, hashes []tlog.Hash) error {
		for _, h := range hashes {
			tiles[store.TileName{Level: tile.L, Index: tile.N}] = append(tiles[store.TileName{Level: tile.L, Index: tile.N}], h[:]...)
		}
		return nil
	}}
	for i, l := range leaves {
		if l.Index != int64(i) {
			faults = append(faults, fmt.Sprintf("leaf %d stands where %d belongs", l.Index, i))
			return faults
		}
		if !bytes.Equal(l.Hash, l.Event) {
			faults = append(faults, fmt.Sprintf("leaf %d is not its event's", i))
		}
		_ = builder.Add(tlog.Hash(l.Hash))
		roots[builder.Size()] = builder.Root()
	}
	var heads []struct {
		Size  int64  `db:"tree_size"`
		After *int64 `db:"after_size"`
		Root  []byte `db:"root_hash"`
	}
	find(&heads, `SELECT tree_size, after_size, root_hash FROM tree_head ORDER BY tree_size, after_size`)
	last := int64(-1)
	for _, head := range heads {
		if last >= 0 && (head.After == nil || *head.After != last) {
			faults = append(faults, fmt.Sprintf("head %d does not continue head %d", head.Size, last))
		}
		if root := roots[head.Size]; !bytes.Equal(root[:], head.Root) {
			faults = append(faults, fmt.Sprintf("head %d has another root", head.Size))
		}
		last = head.Size
	}
	var stored []struct {
		Level  int    `db:"level"`
		Index  int64  `db:"tile_index"`
		Hashes []byte `db:"hashes"`
	}
	find(&stored, `SELECT level, tile_index, hashes FROM tile`)
	for _, tile := range stored {
		if !bytes.Equal(tiles[store.TileName{Level: tile.Level, Index: tile.Index}], tile.Hashes) {
			faults = append(faults, fmt.Sprintf("tile %d/%d differs", tile.Level, tile.Index))
		}
	}
	if len(stored) != len(tiles) {
		faults = append(faults, fmt.Sprintf("%d tiles are stored, want %d", len(stored), len(tiles)))
	}
	if last != int64(len(leaves)) {
		faults = append(faults, fmt.Sprintf("the newest head has %d leaves of %d", last, len(leaves)))
	}
	var events int
	if err := db.GetContext(limit(t), &events, `SELECT count(*) FROM event`); err != nil {
		t.Fatal(err)
	}
	if complete && events != len(leaves) {
		faults = append(faults, fmt.Sprintf("%d events have %d leaves", events, len(leaves)))
	}
	return faults
}

func emptyRoot() tlog.Hash { return new(verify.Builder).Root() }

// wantTree fails unless the tree is whole and every event has its place.
func (s *scene) wantTree() {
	s.t.Helper()
	for _, f := range treeFaults(s.t, s.h.Owner, true) {
		s.t.Error(f)
	}
}
