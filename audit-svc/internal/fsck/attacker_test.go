package fsck_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/jmoiron/sqlx"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
	"google.golang.org/protobuf/proto"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/logtest"
	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

// attacker is a superuser of the database, in a transaction that will be rolled back. Keys that stand in the
// way are his to drop.
type attacker struct {
	t   *testing.T
	f   *fixture
	tx  *sqlx.Tx
	rng *rand.Rand
}

// leafOf is a leaf as the attacker handles it.
type leafOf struct {
	ID   string `db:"event_id"`
	Hash []byte `db:"leaf_hash"`
}

func (a *attacker) exec(query string, args ...any) {
	a.t.Helper()
	if _, err := a.tx.ExecContext(limit(a.t), query, args...); err != nil {
		a.t.Fatalf("%s: %v", query, err)
	}
}

// do runs a statement that must change something, or the trial would be none.
func (a *attacker) do(query string, args ...any) {
	a.t.Helper()
	result, err := a.tx.ExecContext(limit(a.t), query, args...)
	if err != nil {
		a.t.Fatalf("%s: %v", query, err)
	}
	if n, _ := result.RowsAffected(); n == 0 {
		a.t.Fatalf("%s changed nothing", query)
	}
}

func (a *attacker) get(dest any, query string, args ...any) {
	a.t.Helper()
	if err := a.tx.GetContext(limit(a.t), dest, query, args...); err != nil {
		a.t.Fatalf("%s: %v", query, err)
	}
}

// index of some leaf, below size.
func (a *attacker) index(size int) int { return a.rng.IntN(size) }

// two different leaves.
func (a *attacker) two() (int, int) {
	i := a.index(leaves)
	return i, (i + 1 + a.index(leaves-1)) % leaves
}

// id of the event of a leaf.
func (a *attacker) id(index int) (id string) {
	a.get(&id, "SELECT event_id::text FROM leaf WHERE leaf_index = $1", index)
	return id
}

// flip changes one bit of a bytea column in one row.
func (a *attacker) flip(table, column, where string, args ...any) {
	a.t.Helper()
	var data []byte
	a.get(&data, "SELECT "+column+" FROM "+table+" WHERE "+where, args...)
	data[a.rng.IntN(len(data))] ^= 1 << a.rng.IntN(8)
	a.do("UPDATE "+table+" SET "+column+" = $"+string(rune('1'+len(args)))+" WHERE "+where, append(args, data)...)
}

// replace writes another event, whole and well formed, over that of a leaf: bytes, columns, nonce and hash. It
// gives the new hash.
func (a *attacker) replace(id string) []byte {
	a.t.Helper()
	var body, nonce []byte
	a.get(&body, "SELECT body FROM event WHERE id = $1", id)
	a.get(&nonce, "SELECT nonce FROM event WHERE id = $1", id)
	e := &auditv1.Event{}
	if err := proto.Unmarshal(body, e); err != nil {
		a.t.Fatal(err)
	}
	e.Actor.StaffId = "somebody-else"
	body, err := proto.MarshalOptions{Deterministic: true}.Marshal(e)
	if err != nil {
		a.t.Fatal(err)
	}
	leaf, err := verify.LeafHash(nonce, body)
	if err != nil {
		a.t.Fatal(err)
	}
	a.do("UPDATE event SET body = $2, staff_id = $3, leaf_hash = $4 WHERE id = $1", id, body, e.Actor.StaffId, leaf[:])
	return leaf[:]
}

// leaves are those of the tree, in order.
func (a *attacker) leaves() (all []leafOf) {
	if err := a.tx.SelectContext(limit(a.t), &all, "SELECT event_id::text AS event_id, leaf_hash FROM leaf ORDER BY leaf_index"); err != nil {
		a.t.Fatal(err)
	}
	return all
}

// rebuild writes the whole tree anew over other leaves, and signs every checkpoint with the log's own key: the
// most that one can do who holds database and key.
func (a *attacker) rebuild(all []leafOf, sizes []int) {
	a.t.Helper()
	var seen string
	a.get(&seen, "SELECT seen::text FROM tree_head ORDER BY tree_size DESC LIMIT 1")
	for _, table := range []string{"cosignature", "checkpoint_signature", "checkpoint", "tile", "leaf", "tree_head"} {
		a.exec("DELETE FROM " + table)
	}
	b := &verify.Builder{Full: func(t tlog.Tile, hashes []tlog.Hash) error {
		var data []byte
		small := &verify.Builder{}
		for _, h := range hashes {
			data = append(data, h[:]...)
			_ = small.Add(h)
		}
		root := small.Root()
		a.exec("INSERT INTO tile VALUES ($1, $2, $3, $4)", t.L, t.N, data, root[:])
		return nil
	}}
	a.head(b, seen, nil)
	after := 0
	for i, l := range all {
		a.exec("INSERT INTO leaf VALUES ($1, $2, $3)", i, l.ID, l.Hash)
		if err := b.Add(tlog.Hash(l.Hash)); err != nil {
			a.t.Fatal(err)
		}
		if len(sizes) > 0 && i+1 == sizes[0] {
			a.head(b, seen, after)
			after, sizes = sizes[0], sizes[1:]
		}
	}
}

// head writes a head, and a checkpoint of it signed with the log's key.
func (a *attacker) head(b *verify.Builder, seen string, after any) {
	a.t.Helper()
	root := b.Root()
	a.exec("INSERT INTO tree_head VALUES ($1, $2, $3, $4::pg_snapshot, now())", b.Size(), after, root[:], seen)
	a.sign(verify.Checkpoint{Origin: origin, Size: b.Size(), Root: root}, a.f.Private, logtest.KeyName(a.f.Keys.Public()[0]))
}

func (a *attacker) sign(c verify.Checkpoint, private, name string) {
	a.t.Helper()
	signer, err := note.NewSigner(private)
	if err != nil {
		a.t.Fatal(err)
	}
	message, err := note.Sign(&note.Note{Text: c.Text()}, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	a.exec("INSERT INTO checkpoint VALUES ($1, $2, now()) ON CONFLICT DO NOTHING", c.Size, c.Text())
	a.exec("INSERT INTO checkpoint_signature VALUES ($1, $2, $3, now()) ON CONFLICT DO NOTHING", c.Size, name, strings.TrimPrefix(string(message), c.Text()+"\n"))
}

// sizes of heads as the log had them.
func sizes(to int) (all []int) {
	for n := perStage; n < to; n += perStage {
		all = append(all, n)
	}
	return append(all, to)
}

// setBack takes everything away that came after a size, as a restored backup would.
func (a *attacker) setBack(size int) {
	a.t.Helper()
	a.exec("DELETE FROM event WHERE NOT EXISTS (SELECT FROM leaf WHERE event_id = id AND leaf_index < $1)", size)
	a.exec("DELETE FROM leaf WHERE leaf_index >= $1", size)
	a.exec("DELETE FROM tile WHERE (tile_index + 1) * 256 ^ (level + 1) > $1", size)
	for _, table := range []string{"cosignature", "checkpoint_signature", "checkpoint", "tree_head"} {
		a.exec("DELETE FROM "+table+" WHERE tree_size > $1", size)
	}
}
