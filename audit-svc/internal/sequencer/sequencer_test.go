package sequencer_test

import (
	"strings"
	"testing"
	"time"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/sequencer"
	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

// TestEveryEventGetsItsPlace: events of many transactions and of large ones, over several tiles, in groups
// that are smaller than a transaction.
func TestEveryEventGetsItsPlace(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.sequence(func(c *sequencer.Config) { c.Group = 70 })
	s.append(40, false)
	s.append(600, true)
	s.append(3, false)
	s.awaitSize(643)
	s.wantTree()
	if n := ask[int](s, `SELECT count(*) FROM tile`); n != 2 {
		t.Errorf("%d whole tiles of 643 leaves, want 2", n)
	}
	if worst := ask[int](s, `SELECT max(tree_size - after_size) FROM tree_head`); worst > 70 {
		t.Errorf("a group of %d events, want at most 70", worst)
	}
}

// TestEmptyLogIsSigned: a log without events has a checkpoint, so that witnesses can begin with it.
func TestEmptyLogIsSigned(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.sequence(nil)
	c := s.awaitSigned()
	trust, err := verify.NewTrust(s.keys.Public(), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := trust.Open([]byte(c.Note()))
	if err != nil || signed.Size != 0 || signed.Root != emptyRoot() {
		t.Errorf("%v, %v", signed, err)
	}
}

// TestSmallerIDThatCommitsLater: what a watermark would skip. The smaller id is stored by a transaction that
// is still open when the larger one gets its place.
func TestSmallerIDThatCommitsLater(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.sequence(nil)
	early, late := row(time.Now()), row(time.Now().Add(time.Second))
	tx, err := s.h.Owner.BeginTxx(limit(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	const insert = `INSERT INTO event (id, occurred_at, stored_at, action, outcome, reason, nhs_number, staff_id, ods_code, nonce, body, leaf_hash)
VALUES ($1, now(), now(), 'a', 1, '', '', '', '', $2, $3, $4)`
	if _, err := tx.ExecContext(limit(t), insert, early.ID, early.Nonce, early.Body, early.Leaf); err != nil {
		t.Fatal(err)
	}
	s.owner(insert, late.ID, late.Nonce, late.Body, late.Leaf)
	s.awaitSize(1)
	s.append(5, false) // rounds go by
	s.awaitSize(6)
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	s.awaitSize(7)
	s.wantTree()
	if place := ask[int](s, `SELECT leaf_index FROM leaf WHERE event_id = $1`, early.ID); place != 6 {
		t.Errorf("the event that committed last has place %d", place)
	}
	s.awaitQuiet()
}

// awaitQuiet fails when the log complained.
func (s *scene) awaitQuiet() {
	s.t.Helper()
	if strings.Contains(s.diary.String(), "level=ERROR") {
		s.t.Errorf("the log complains:\n%s", s.diary)
	}
}

// TestAnotherTermGoesOn: a new term continues the tree of the one before, at any place of a tile, also in the
// middle of a large transaction.
func TestAnotherTermGoesOn(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.append(900, true)
	for size := int64(0); size < 900; {
		_, stop := s.sequence(func(c *sequencer.Config) { c.Group = 37 })
		s.awaitSize(min(size+1, 900))
		stop()
		if after := s.size(); after > size {
			size = after
		}
	}
	s.wantTree()
	s.awaitQuiet()
}

// TestStoppedTermLeavesASignedTree: the last thing that a replica does is to sign what it has done.
func TestStoppedTermLeavesASignedTree(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	_, stop := s.sequence(func(c *sequencer.Config) { c.Checkpoint = time.Hour })
	s.awaitSigned()
	s.append(3, true)
	s.awaitSize(3)
	stop()
	if c := s.awaitSigned(); c.Size != 3 {
		t.Errorf("signed %d leaves, want 3", c.Size)
	}
}

// TestNewRefuses: a session that would end between two looks is a mistake in the settings.
func TestNewRefuses(t *testing.T) {
	t.Parallel()
	if _, err := sequencer.New(sequencer.Config{}); err == nil {
		t.Error("made from nothing")
	}
}
