package fsck_test

import (
	"strings"
	"time"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/fsck"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/logtest"
	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

// treeKinds are ways to tamper with the tree, its heads and what is signed, without the log's key.
func treeKinds() []kind {
	return []kind{
		{"a bit of a leaf is flipped", []fsck.Check{fsck.Leaf}, false, func(a *attacker) { a.flip("leaf", "leaf_hash", "leaf_index = $1", a.index(leaves)) }},
		{"two leaves trade their events", []fsck.Check{fsck.Leaf}, false, func(a *attacker) { a.reorder(false) }},
		{"two leaves trade places, events and all", []fsck.Check{fsck.Head, fsck.Tile}, false, func(a *attacker) { a.reorder(true) }},
		{"a leaf is deleted", []fsck.Check{fsck.Place, fsck.Chain}, false, func(a *attacker) { a.do("DELETE FROM leaf WHERE leaf_index = $1", a.index(leaves)) }},
		{"a leaf is deleted, and later ones move up", []fsck.Check{fsck.Head, fsck.Tile, fsck.Chain}, false, func(a *attacker) {
			i := a.index(leaves)
			a.do("DELETE FROM leaf WHERE leaf_index = $1", i)
			a.exec("ALTER TABLE leaf DROP CONSTRAINT leaf_pkey")
			a.exec("UPDATE leaf SET leaf_index = leaf_index - 1 WHERE leaf_index > $1", i)
		}},
		{"leaf and event are deleted", []fsck.Check{fsck.Place, fsck.Chain}, false, func(a *attacker) {
			i := a.index(leaves)
			a.do("DELETE FROM event WHERE id = $1", a.id(i))
			a.do("DELETE FROM leaf WHERE leaf_index = $1", i)
		}},
		{"the last leaves are cut off", []fsck.Check{fsck.Chain}, false, func(a *attacker) { a.do("DELETE FROM leaf WHERE leaf_index >= $1", a.index(leaves)) }},
		{"a leaf is given twice", []fsck.Check{fsck.Place}, false, func(a *attacker) {
			i := a.index(leaves)
			a.exec("ALTER TABLE leaf DROP CONSTRAINT leaf_pkey, DROP CONSTRAINT leaf_event")
			a.do("INSERT INTO leaf SELECT * FROM leaf WHERE leaf_index = $1", i)
		}},
		{"all leaves are numbered from another number", []fsck.Check{fsck.Place}, false, func(a *attacker) {
			a.exec("ALTER TABLE leaf DROP CONSTRAINT leaf_pkey")
			a.do("UPDATE leaf SET leaf_index = leaf_index + $1", 1+a.index(leaves))
		}},
		{"a leaf is added behind the newest head", []fsck.Check{fsck.Chain}, false, func(a *attacker) {
			a.do("INSERT INTO leaf SELECT $1, id, leaf_hash FROM event WHERE NOT EXISTS (SELECT FROM leaf WHERE event_id = id) LIMIT 1", leaves)
		}},
		{"a bit of a tile is flipped", []fsck.Check{fsck.Tile}, false, func(a *attacker) { a.flip("tile", "hashes", "level = 0") }},
		{"a bit of a tile's root is flipped", []fsck.Check{fsck.Tile}, false, func(a *attacker) { a.flip("tile", "root", "level = 0") }},
		{"a tile is deleted", []fsck.Check{fsck.Tile}, false, func(a *attacker) { a.do("DELETE FROM tile") }},
		{"a tile is added", []fsck.Check{fsck.Tile}, false, func(a *attacker) {
			a.do("INSERT INTO tile SELECT level, tile_index + $1, hashes, root FROM tile", 1+a.index(9))
		}},
		{"a bit of a head's root is flipped", []fsck.Check{fsck.Head}, false, func(a *attacker) { a.flip("tree_head", "root_hash", "tree_size = $1", a.stage(0)) }},
		{"a checkpoint is taken away, and its head gets another root", []fsck.Check{fsck.Head}, false, func(a *attacker) {
			size := a.stage(1)
			for _, table := range []string{"cosignature", "checkpoint_signature", "checkpoint"} {
				a.do("DELETE FROM "+table+" WHERE tree_size = $1", size)
			}
			a.flip("tree_head", "root_hash", "tree_size = $1", size)
		}},
		{"a head is deleted", []fsck.Check{fsck.Chain}, false, func(a *attacker) {
			a.unbind()
			a.do("DELETE FROM tree_head WHERE tree_size = $1", a.stage(0))
		}},
		{"a head continues another than it did", []fsck.Check{fsck.Chain}, false, func(a *attacker) {
			a.unbind()
			a.do("UPDATE tree_head SET after_size = after_size - 1 WHERE tree_size = $1", a.stage(0))
		}},
		{"the newest head claims to have seen what is to come", []fsck.Check{fsck.Sequenced}, false, func(a *attacker) {
			a.do("UPDATE tree_head SET seen = '9000000000:9000000000:' WHERE tree_size = $1", leaves)
		}},
		{"a checkpoint's text is changed", []fsck.Check{fsck.Text}, false, func(a *attacker) {
			a.do("UPDATE checkpoint SET body = replace(body, E'\\n' || tree_size || E'\\n', E'\\n' || tree_size + 1 || E'\\n') WHERE tree_size = $1", a.stage(1))
		}},
		{"the newest checkpoint's text is changed", []fsck.Check{fsck.Text}, true, func(a *attacker) {
			a.do("UPDATE checkpoint SET body = replace(body, E'\\n' || tree_size || E'\\n', E'\\n' || tree_size + 1 || E'\\n') WHERE tree_size = $1", leaves)
		}},
		{"a checkpoint's signature is deleted", []fsck.Check{fsck.Signature}, false, func(a *attacker) {
			a.do("DELETE FROM checkpoint_signature WHERE tree_size = $1", a.stage(1))
		}},
		{"a checkpoint is deleted, its lines stay", []fsck.Check{fsck.Signature}, false, func(a *attacker) {
			a.exec("ALTER TABLE checkpoint_signature DROP CONSTRAINT checkpoint_signature_of")
			a.exec("ALTER TABLE cosignature DROP CONSTRAINT cosignature_of")
			a.do("DELETE FROM checkpoint WHERE tree_size = $1", a.stage(1))
		}},
		{"a signature is another checkpoint's", []fsck.Check{fsck.Signature}, false, func(a *attacker) {
			a.do("UPDATE checkpoint_signature SET line = (SELECT line FROM checkpoint_signature WHERE tree_size = $2) WHERE tree_size = $1", a.stage(1), leaves)
		}},
		{"a checkpoint is signed with a stranger's key", []fsck.Check{fsck.Signature}, false, func(a *attacker) { a.sealAgain(a.stage(1)) }},
		{"the newest checkpoint is signed with a stranger's key", []fsck.Check{fsck.Signature}, true, func(a *attacker) { a.sealAgain(leaves) }},
		{"a cosignature is another checkpoint's", []fsck.Check{fsck.Cosignature}, false, func(a *attacker) {
			a.do("UPDATE cosignature SET line = (SELECT line FROM cosignature WHERE tree_size = $2) WHERE tree_size = $1", a.stage(1), leaves)
		}},
		{"a cosignature's time is changed", []fsck.Check{fsck.Cosignature}, false, func(a *attacker) {
			a.do("UPDATE cosignature SET cosigned_at = cosigned_at + interval '1 hour' WHERE tree_size = $1", a.stage(0))
		}},
		{"a cosignature is put into another's name", []fsck.Check{fsck.Cosignature}, false, func(a *attacker) {
			a.do("UPDATE cosignature SET witness = 'another.example+01234567' WHERE tree_size = $1", a.stage(0))
		}},
	}
}

// stage is the size of a head that is sure to be there; with less 1, not that of the newest.
func (a *attacker) stage(less int) int { return perStage * (1 + a.index(stages-less)) }

// unbind drops what keeps heads in a chain.
func (a *attacker) unbind() {
	a.exec("ALTER TABLE checkpoint DROP CONSTRAINT checkpoint_head")
	a.exec("ALTER TABLE tree_head DROP CONSTRAINT tree_head_after, DROP CONSTRAINT tree_head_once, DROP CONSTRAINT tree_head_grows")
}

// reorder lets two leaves trade their events, or events and hashes.
func (a *attacker) reorder(whole bool) {
	i, j := a.two()
	one, two := a.leaves()[i], a.leaves()[j]
	a.exec("ALTER TABLE leaf DROP CONSTRAINT leaf_event")
	a.do("UPDATE leaf SET event_id = CASE leaf_index WHEN $1 THEN $4::uuid ELSE $3::uuid END WHERE leaf_index IN ($1, $2)", i, j, one.ID, two.ID)
	if whole {
		a.do("UPDATE leaf SET leaf_hash = CASE leaf_index WHEN $1 THEN $4::bytea ELSE $3::bytea END WHERE leaf_index IN ($1, $2)", i, j, one.Hash, two.Hash)
	}
}

// sealAgain puts a stranger's signature in the place of the log's.
func (a *attacker) sealAgain(size int) {
	private, public, err := verify.GenerateLogKey(strings.NewReader(strings.Repeat(time.Duration(a.rng.Int64()).String(), 64)), origin)
	if err != nil {
		a.t.Fatal(err)
	}
	var text string
	a.get(&text, "SELECT body FROM checkpoint WHERE tree_size = $1", size)
	c, err := verify.ParseCheckpoint(text)
	if err != nil {
		a.t.Fatal(err)
	}
	a.do("DELETE FROM checkpoint_signature WHERE tree_size = $1", size)
	a.sign(c, private, logtest.KeyName(public))
}
