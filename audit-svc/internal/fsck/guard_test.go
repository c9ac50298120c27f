package fsck_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/jmoiron/sqlx"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/fsck"
	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

// TestEveryCheckIsNeeded switches one check off at a time: there is a way to tamper that then nothing finds.
// That an event is gone is the exception: the numbers of events and leaves tell as well, later and without
// the place.
func TestEveryCheckIsNeeded(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for check, tt := range map[fsck.Check]struct {
		kind string
		then fsck.Check
	}{
		fsck.Place:       {"all leaves are numbered from another number", ""},
		fsck.Event:       {"an event is deleted", fsck.Sequenced},
		fsck.Bytes:       {"a bit of a nonce is flipped", ""},
		fsck.Column:      {"column `nhs_number` of an event is changed", ""},
		fsck.Leaf:        {"another event is written over one, hashed anew", ""},
		fsck.Tile:        {"a bit of a tile is flipped", ""},
		fsck.Head:        {"a checkpoint is taken away, and its head gets another root", ""},
		fsck.Chain:       {"a leaf is added behind the newest head", ""},
		fsck.Sequenced:   {"an event is slipped in among older ones", ""},
		fsck.Text:        {"the newest checkpoint gets another root, signed with the log's key", ""},
		fsck.Signature:   {"a checkpoint is deleted, its lines stay", ""},
		fsck.Dropped:     {"a month's events are deleted, and noted as if their time had come", ""},
		fsck.Cosignature: {"a cosignature is another checkpoint's", ""},
	} {
		i := slices.IndexFunc(kinds(), func(k kind) bool { return k.name == tt.kind })
		if i < 0 {
			t.Fatalf("no kind %q", tt.kind)
		}
		_ = f.within(t, func(tx *sqlx.Tx) error {
			kinds()[i].do(&attacker{t: t, f: f, tx: tx, rng: rand.New(rand.NewPCG(1, 2))})
			if found := f.fsck(t, tx, f.config()); found != check {
				t.Errorf("%s: %q found it, want %q", tt.kind, found, check)
			}
			if found := f.fsck(t, tx, f.config().Without(check)); found != tt.then {
				t.Errorf("%s, without %s: %q, want %q", tt.kind, check, found, tt.then)
			}
			return nil
		})
	}
}

// TestAgainst: a checkpoint that somebody remembered finds what fits together, and only it does.
func TestAgainst(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, k := range keyKinds() {
		if k.checks != nil {
			continue
		}
		_ = f.within(t, func(tx *sqlx.Tx) error {
			k.do(&attacker{t: t, f: f, tx: tx, rng: rand.New(rand.NewPCG(3, 4))})
			cfg := f.config()
			cfg.Against = []verify.Checkpoint{f.Seen}
			if found := f.fsck(t, tx, cfg); found != fsck.Against {
				t.Errorf("%s: %q", k.name, found)
			}
			if found := f.fsck(t, tx, cfg.Without(fsck.Against)); found != "" {
				t.Errorf("%s, without what was remembered: %q", k.name, found)
			}
			return nil
		})
	}
}
