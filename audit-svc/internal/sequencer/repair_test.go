package sequencer_test

import (
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/sequencer"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/store"
	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

// super runs a statement as the superuser.
func (s *scene) super(text string, args ...any) {
	s.t.Helper()
	db, err := sqlx.ConnectContext(limit(s.t), "postgres", s.h.SuperURL)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(limit(s.t), text, args...); err != nil {
		s.t.Fatal(err)
	}
}

// TestRotation: while both keys are named, the newest checkpoint is signed by both, without a new event; after
// that the new one alone goes on, and whoever knows either can follow.
func TestRotation(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	first, second := newKey(t), newKey(t)
	old, both, young := keysOf(t, first), keysOf(t, first, second), keysOf(t, second)
	check := func(keys ...string) {
		t.Helper()
		c := s.awaitSigned()
		for _, key := range keys {
			trust, err := verify.NewTrust([]string{key}, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := trust.Open([]byte(c.Note())); err != nil {
				t.Errorf("a checkpoint of %d leaves under %s: %v", c.Size, key[:24], err)
			}
		}
	}
	_, stop := s.sequence(func(c *sequencer.Config) { c.Keys = old })
	s.append(2, true)
	s.awaitSize(2)
	check(old.Public()...)
	stop()
	_, stop = s.sequence(func(c *sequencer.Config) { c.Keys = both })
	s.await("the second signature", func() bool {
		return ask[int](s, `SELECT count(*) FROM checkpoint_signature WHERE tree_size = 2`) == 2
	})
	check(both.Public()...)
	s.append(1, true)
	s.awaitSize(3)
	check(both.Public()...)
	stop()
	s.sequence(func(c *sequencer.Config) { c.Keys = young })
	check(young.Public()...)
	s.append(1, true)
	s.awaitSize(4)
	check(young.Public()...)
	s.awaitQuiet()
}

// TestChangedEdgeIsNotBuiltOn: where the stored tree is not the one that its head is of, nothing is sequenced
// and nothing signed; the log says so, and appends go on.
func TestChangedEdgeIsNotBuiltOn(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"a leaf": `UPDATE leaf SET leaf_hash = sha256('x') WHERE leaf_index = 258`,
		"a tile": `UPDATE tile SET root = sha256('x')`,
		"a head": `UPDATE tree_head SET root_hash = sha256('x') WHERE tree_size = 260`,
		"cut":    `DELETE FROM leaf WHERE leaf_index = 259`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			_, stop := s.sequence(nil)
			s.append(260, true)
			s.awaitSize(260)
			stop()
			s.owner(text)
			s.append(1, true)
			s.sequence(nil)
			s.await("the refusal", func() bool { return strings.Contains(s.diary.String(), "sequencing stopped") })
			if lag, err := s.log.Lag(limit(t)); err != nil || lag <= 0 || s.size() != 260 {
				t.Errorf("lag %v, %v; %d leaves", lag, err, s.size())
			}
		})
	}
}

// TestRewrittenTreeIsNotSigned: somebody who may write the database, but has no key, rewrites an event's leaf and
// every hash above it. The tree is sound in itself, and is not what was signed.
func TestRewrittenTreeIsNotSigned(t *testing.T) {
	t.Parallel()
	for name, rewritten := range map[string]bool{"rewritten": true, "untouched": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			_, stop := s.sequence(nil)
			s.append(5, true)
			s.awaitSize(5)
			stop()
			if rewritten {
				s.owner(`UPDATE leaf SET leaf_hash = sha256('x') WHERE leaf_index = 2`)
				s.owner(`UPDATE tree_head SET root_hash = $1 WHERE tree_size = 5`, s.root())
			}
			s.append(1, true)
			s.sequence(nil)
			if !rewritten {
				s.awaitSize(6)
				s.awaitSigned()
				return
			}
			s.await("the refusal", func() bool {
				return strings.Contains(s.diary.String(), "does not continue the newest signed checkpoint")
			})
			if s.size() != 5 || ask[int](s, `SELECT max(tree_size) FROM checkpoint`) != 5 {
				t.Error("another history was grown or signed")
			}
		})
	}
}

// root is that over the stored leaves.
func (s *scene) root() []byte {
	s.t.Helper()
	var leaves [][]byte
	if err := s.h.Owner.SelectContext(limit(s.t), &leaves, `SELECT leaf_hash FROM leaf ORDER BY leaf_index`); err != nil {
		s.t.Fatal(err)
	}
	b := &verify.Builder{}
	for _, l := range leaves {
		_ = b.Add(tlog.Hash(l))
	}
	root := b.Root()
	return root[:]
}

// TestLostKey: a new key goes on alone only where the operator said that the old one was lost.
func TestLostKey(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	_, stop := s.sequence(nil)
	s.append(1, true)
	s.awaitSize(1)
	stop()
	s.append(1, true)
	young := keysOf(t, newKey(t))
	_, stop = s.sequence(func(c *sequencer.Config) { c.Keys = young })
	s.await("the refusal", func() bool {
		return strings.Contains(s.diary.String(), "does not continue the newest signed checkpoint")
	})
	stop()
	if s.size() != 1 {
		t.Error("a key that never signed went on by itself")
	}
	s.sequence(func(c *sequencer.Config) { c.Keys, c.AnotherKey = young, true })
	s.awaitSize(2)
	s.awaitSigned()
}

// TestSweepFindsWhatWasMissed: an event whose transaction counts as seen gets its place all the same, and the
// log is loud; one that does not say which transaction stored it gets it quietly.
func TestSweepFindsWhatWasMissed(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	_, stop := s.sequence(nil)
	s.append(3, false)
	s.awaitSize(3)
	stop()
	s.append(2, true)
	s.owner(`UPDATE event SET stored_in = NULL WHERE id NOT IN (SELECT event_id FROM leaf)`)
	_, stop = s.sequence(nil)
	s.awaitSize(5)
	stop()
	s.awaitQuiet()
	s.append(1, true)
	s.owner(`UPDATE event SET stored_in = '3' WHERE id NOT IN (SELECT event_id FROM leaf)`)
	s.sequence(nil)
	s.awaitSize(6)
	s.wantTree()
	if !strings.Contains(s.diary.String(), "although their transactions count as seen") {
		t.Errorf("the log is quiet about it:\n%s", s.diary)
	}
}

// TestRestoredIntoAnotherServer: the numbers of transactions begin again lower than the tree has seen. Nothing
// is missed, and nothing doubled.
func TestRestoredIntoAnotherServer(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	_, stop := s.sequence(nil)
	s.append(10, true)
	s.awaitSize(10)
	stop()
	s.owner(`UPDATE tree_head SET seen = '4000000000:4000000000:' WHERE tree_size = 10`)
	s.append(5, false)
	s.sequence(func(c *sequencer.Config) { c.Group = 4 })
	s.awaitSize(15)
	s.wantTree()
	if !strings.Contains(s.diary.String(), "restored into another server") {
		t.Errorf("the log is quiet about it:\n%s", s.diary)
	}
}

// TestLag: an event that waits shows, also when nobody sequences.
func TestLag(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	lag := func() float64 {
		t.Helper()
		v, err := s.log.Lag(limit(t))
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	if v := lag(); v != 0 {
		t.Errorf("lag %v of an empty log", v)
	}
	waiting := row(time.Now().Add(-time.Minute))
	if _, err := s.log.Append(limit(t), [][]store.Row{{waiting}}); err != nil {
		t.Fatal(err)
	}
	if v := lag(); v < 55 || v > 120 {
		t.Errorf("lag %v of an event that waits for a minute", v)
	}
	s.sequence(nil)
	s.awaitSize(1)
	if v := lag(); v != 0 {
		t.Errorf("lag %v with nothing to do", v)
	}
}
