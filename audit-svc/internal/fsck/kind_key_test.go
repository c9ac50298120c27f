package fsck_test

import (
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/fsck"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/logtest"
	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

// keyKinds are what somebody can do who holds the log's key as well as its database: the result fits
// together, and only what others remember tells.
func keyKinds() []kind {
	return []kind{
		{"an event is rewritten, and all is hashed and signed anew", nil, true, func(a *attacker) {
			i := a.index(leaves)
			all := a.leaves()
			all[i].Hash = a.replace(all[i].ID)
			a.rebuild(all, sizes(len(all)))
		}},
		{"the same, and the old cosignatures are kept", []fsck.Check{fsck.Cosignature}, true, func(a *attacker) {
			i := a.index(leaves)
			all := a.leaves()
			a.exec("CREATE TEMP TABLE kept ON COMMIT DROP AS SELECT * FROM cosignature")
			all[i].Hash = a.replace(all[i].ID)
			a.rebuild(all, sizes(len(all)))
			a.do("INSERT INTO cosignature SELECT * FROM kept")
		}},
		{"an old checkpoint gets another root, signed with the log's key", []fsck.Check{fsck.Text}, false, func(a *attacker) { a.signAnother(a.stage(1)) }},
		{"the newest checkpoint gets another root, signed with the log's key", []fsck.Check{fsck.Text}, true, func(a *attacker) { a.signAnother(leaves) }},
		{"an event is taken out, and all is hashed and signed anew", nil, true, func(a *attacker) {
			i := a.index(leaves)
			all := a.leaves()
			a.do("DELETE FROM event WHERE id = $1", all[i].ID)
			all = append(all[:i], all[i+1:]...)
			a.rebuild(all, sizes(len(all)))
		}},
		{"an event is taken out, and others are added, all signed anew", nil, true, func(a *attacker) {
			i := a.index(leaves)
			all := a.leaves()
			a.do("DELETE FROM event WHERE id = $1", all[i].ID)
			all = append(all[:i], all[i+1:]...)
			all = append(all, a.untaken()...)
			a.rebuild(all, sizes(len(all)))
		}},
		{"two events change places, and all is hashed and signed anew", nil, true, func(a *attacker) {
			i, j := a.two()
			all := a.leaves()
			all[i], all[j] = all[j], all[i]
			a.rebuild(all, sizes(len(all)))
		}},
		{"a later event is put among the old ones, and all is hashed and signed anew", nil, true, func(a *attacker) {
			i := a.index(leaves)
			all := a.leaves()
			all = append(all[:i:i], append(a.untaken(), all[i:]...)...)
			a.rebuild(all, sizes(len(all)))
		}},
		{"the log is set back to an old signed head", nil, true, func(a *attacker) { a.setBack(a.stage(1)) }},
		{"the log is set back, and goes on differently", nil, true, func(a *attacker) {
			size := a.stage(1)
			later := a.leaves()[size:]
			a.rng.Shuffle(len(later)-1, func(i, j int) { later[i], later[j] = later[j], later[i] })
			later[0], later[len(later)-1] = later[len(later)-1], later[0]
			all := append(a.leaves()[:size], later...)
			a.rebuild(append(all, a.untaken()...), sizes(leaves+waiting))
		}},
		{"the log is emptied", nil, true, func(a *attacker) {
			a.setBack(0)
			c := verify.Checkpoint{Origin: origin}
			var root []byte
			a.get(&root, "SELECT root_hash FROM tree_head")
			copy(c.Root[:], root)
			a.sign(c, a.f.Private, logtest.KeyName(a.f.Keys.Public()[0])) // as the service itself does with an empty log
		}},
	}
}

// signAnother signs a root that the tree never had.
func (a *attacker) signAnother(size int) {
	a.exec("DELETE FROM cosignature WHERE tree_size = $1", size)
	a.exec("DELETE FROM checkpoint_signature WHERE tree_size = $1", size)
	a.do("DELETE FROM checkpoint WHERE tree_size = $1", size)
	c := verify.Checkpoint{Origin: origin, Size: int64(size)}
	for i := range c.Root {
		c.Root[i] = byte(a.rng.Uint32())
	}
	a.sign(c, a.f.Private, logtest.KeyName(a.f.Keys.Public()[0]))
}

// untaken are the events that wait for a leaf.
func (a *attacker) untaken() (all []leafOf) {
	const query = "SELECT id::text AS event_id, leaf_hash FROM event WHERE NOT EXISTS (SELECT FROM leaf WHERE event_id = id) ORDER BY id"
	if err := a.tx.SelectContext(limit(a.t), &all, query); err != nil {
		a.t.Fatal(err)
	}
	return all
}
