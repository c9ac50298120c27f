package store_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/dorsetcarerecord/dcr/internal/testkit"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/store"
)

// elect gives the office to this test.
func elect(t *testing.T, s *store.Store) *store.Lead {
	t.Helper()
	lead, err := s.Elect(limit(t), store.SequencerLock, 30*time.Second)
	if err != nil || lead == nil {
		t.Fatalf("not elected: %v", err)
	}
	t.Cleanup(func() { _ = lead.Close() })
	return lead
}

// TestOneIsElected at a time; who leaves, leaves the office to another at once.
func TestOneIsElected(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	first := elect(t, s)
	if second, err := s.Elect(limit(t), store.SequencerLock, time.Second); second != nil || err != nil {
		t.Fatalf("two are elected: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	elect(t, s)
}

// TestSilentLeaderLosesItsSession: the server ends it, in a transaction and outside, without anybody's help.
func TestSilentLeaderLosesItsSession(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	lead, err := s.Elect(limit(t), store.SequencerLock, 200*time.Millisecond)
	if err != nil || lead == nil {
		t.Fatal(err)
	}
	defer func() { _ = lead.Close() }()
	ctx := limit(t)
	for {
		next, err := s.Elect(ctx, store.SequencerLock, time.Second)
		if err != nil {
			t.Fatal(err)
		}
		if next != nil {
			_ = next.Close()
			break
		}
		select {
		case <-ctx.Done():
			t.Fatal("a silent leader keeps the office")
		case <-time.After(20 * time.Millisecond):
		}
	}
	if _, err := lead.Head(limit(t)); err == nil {
		t.Error("the late leader's session works")
	}
}

// growth is a step of the tree, with a root that is as good as any.
func growth(from int64, seen string, rows ...store.Row) store.Growth {
	g := store.Growth{From: from, To: store.Head{Size: from + int64(len(rows)), Root: sha256.Sum256(fmt.Append(nil, from)), Seen: seen, MadeAt: today}}
	for _, r := range rows {
		g.Leaves = append(g.Leaves, store.Candidate{ID: r.ID, Leaf: r.Leaf})
	}
	return g
}

// TestKeysAreTheFence: whoever continues a head that was continued, or gives an event a second place, writes
// nothing; each of the keys alone refuses.
func TestKeysAreTheFence(t *testing.T) {
	t.Parallel()
	s, h := open(t)
	lead := elect(t, s)
	a, b, c := row(today, ""), row(today, ""), row(today, "")
	if err := lead.Grow(limit(t), growth(0, "1:1:", a, b)); err != nil {
		t.Fatal(err)
	}
	for name, g := range map[string]store.Growth{
		"the same head again":           growth(0, "1:1:", c),
		"the same size again":           growth(0, "1:1:", c, row(today, "")),
		"an event that has a place":     growth(2, "1:1:", a),
		"a place that has an event":     growth(1, "1:1:", c, row(today, "")),
		"a head that is not there":      growth(5, "1:1:", c),
		"a tree that does not grow":     growth(2, "1:1:"),
		"a tree that shrinks":           {From: 2, To: store.Head{Size: 1, Seen: "1:1:", MadeAt: today}},
		"an event twice in one growth":  growth(2, "1:1:", c, c),
		"a leaf that is no hash":        {From: 2, Leaves: []store.Candidate{{ID: c.ID, Leaf: []byte("x")}}, To: store.Head{Size: 3, Seen: "1:1:", MadeAt: today}},
		"a snapshot that is none":       growth(2, "x", c),
		"a tile that is not whole":      {From: 2, Leaves: []store.Candidate{{ID: c.ID, Leaf: c.Leaf}}, Tiles: []store.Tile{{Hashes: make([]byte, 32)}}, To: store.Head{Size: 3, Seen: "1:1:", MadeAt: today}},
		"more leaves than the head has": {From: 1, Leaves: growth(1, "", c).Leaves, To: store.Head{Size: 2, Seen: "1:1:", MadeAt: today}},
	} {
		if err := lead.Grow(limit(t), g); err == nil {
			t.Errorf("%s was written", name)
		}
	}
	if err := lead.Grow(limit(t), growth(0, "1:1:", c)); !errors.Is(err, store.ErrFenced) {
		t.Errorf("a second successor: %v, want ErrFenced", err)
	}
	head, err := lead.Head(limit(t))
	if err != nil || head.Size != 2 || head.Root != tlog.Hash(sha256.Sum256([]byte("0"))) || !head.MadeAt.Equal(today) {
		t.Errorf("head %+v, %v", head, err)
	}
	var leaves, heads int
	if err := errors.Join(h.Owner.GetContext(limit(t), &leaves, "SELECT count(*) FROM leaf"), h.Owner.GetContext(limit(t), &heads, "SELECT count(*) FROM tree_head")); err != nil || leaves != 2 || heads != 2 {
		t.Errorf("%d leaves, %d heads, %v", leaves, heads, err)
	}
}

// TestTreeIsAppended: the application role may add to the tree, and change or take nothing of it.
func TestTreeIsAppended(t *testing.T) {
	t.Parallel()
	s, h := open(t)
	lead := elect(t, s)
	if err := lead.Grow(limit(t), growth(0, "1:1:", row(today, ""))); err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"leaf", "tile", "tree_head", "checkpoint", "checkpoint_signature", "cosignature", "event"} {
		for _, text := range []string{"DELETE FROM " + table, "TRUNCATE " + table, "DROP TABLE " + table} {
			refused(t, h.App, text)
		}
	}
	for _, text := range []string{
		"UPDATE leaf SET leaf_index = 9", "UPDATE tile SET level = 1", "UPDATE tree_head SET seen = '1:1:'", "UPDATE checkpoint SET body = 'x'",
		"UPDATE checkpoint_signature SET line = 'x'", "UPDATE cosignature SET line = 'x'", "UPDATE event SET stored_in = '3'",
	} {
		refused(t, h.App, text)
	}
}

func refused(t *testing.T, db *sqlx.DB, text string) {
	t.Helper()
	_, err := db.ExecContext(limit(t), text)
	var pqErr *pq.Error
	if !errors.As(err, &pqErr) || pqErr.Code != "42501" {
		t.Errorf("%s: %v, want permission denied", text, err)
	}
}

// TestCheckpointKeepsItsText: a size is signed with one text for ever; signatures and cosignatures are added,
// and the first of a key stays.
func TestCheckpointKeepsItsText(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	lead := elect(t, s)
	sign := func(body, signer, line string) error {
		return lead.Sign(limit(t), 0, body, []store.Signature{{Signer: signer, Line: line}}, today)
	}
	if c, err := s.Largest(limit(t)); c != nil || err != nil {
		t.Fatalf("a checkpoint of nothing: %v, %v", c, err)
	}
	if err := sign("body\n", "log+00000001", "one\n"); err != nil {
		t.Fatal(err)
	}
	if err := sign("other\n", "log+00000002", "two\n"); !errors.Is(err, store.ErrOtherText) {
		t.Errorf("another text: %v, want ErrOtherText", err)
	}
	if err := errors.Join(sign("body\n", "log+00000001", "again\n"), sign("body\n", "log+00000002", "two\n")); err != nil {
		t.Fatal(err)
	}
	if w, err := s.Witnessed(limit(t)); w != nil || err != nil {
		t.Errorf("nobody has cosigned: %v, %v", w, err)
	}
	for _, line := range []string{"w\n", "w again\n"} {
		if err := s.AddCosignature(limit(t), 0, "witness+00000003", line, today, today); err != nil {
			t.Fatal(err)
		}
	}
	for _, read := range []func() (*store.Checkpoint, error){
		func() (*store.Checkpoint, error) { return s.Largest(limit(t)) },
		func() (*store.Checkpoint, error) { return s.OfSize(limit(t), 0) },
		func() (*store.Checkpoint, error) { return s.Witnessed(limit(t)) },
	} {
		c, err := read()
		if err != nil || c == nil || c.Note() != "body\n\none\ntwo\nw\n" {
			t.Errorf("%+v, %v", c, err)
		}
	}
	if seen, err := s.Cosigned(limit(t), "witness+00000003"); err != nil || seen.Size != 0 || !seen.At.Equal(today) {
		t.Errorf("cosigned %+v, %v", seen, err)
	}
	if err := lead.Sign(limit(t), 7, "no such head\n", nil, today); err == nil {
		t.Error("a head that does not exist was signed")
	}
}

// TestTreeStatementsFollowKeys: as prepared statements end up planned, none of them reads a table from end to
// end, sorts more than a group, or opens more of the tree than it answers: at ten million leaves they cost
// what they cost here.
func TestTreeStatementsFollowKeys(t *testing.T) {
	t.Parallel()
	s, h := open(t)
	fillTree(t, h)
	lead := elect(t, s)
	const none = "'00000000-0000-0000-0000-000000000000'"
	for name, c := range map[string]struct {
		led        bool
		text, args string
	}{
		"look":        {true, store.StoredSQL, "'5000', " + none + ", '9000', 4096"},
		"sweep":       {true, store.SweepSQL, none + ", 5000"},
		"head":        {true, store.HeadSQL, ""},
		"leaves":      {true, store.InsertLeaves, "1, '{}', '{}'"},
		"lag":         {false, store.LagSQL, ""},
		"tiles":       {false, store.TilesSQL, "'{0,1}', '{3,0}'"},
		"leaf hashes": {false, store.LeafHashesSQL, "19900, 20000"},
		"roots":       {false, store.RootsSQL, "0, 70, 0"},
		"proven":      {false, store.ProvenSQL, none},
		"largest":     {false, store.LargestSQL, ""},
		"witnessed":   {false, store.WitnessedSQL, ""},
		"cosigned":    {false, store.CosignedSQL, "'w+00000000'"},
		"signers":     {false, store.SignersSQL, ""},
	} {
		explain := s.ExplainPooled
		if c.led {
			explain = lead.ExplainGeneric
		}
		plan, err := explain(limit(t), c.text, c.args)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		// A sort within one transaction's events is none of the table.
		for _, slow := range []string{"Seq Scan on event_2026_11", "Seq Scan on leaf", "Seq Scan on tile", "Seq Scan on tree_head", "Seq Scan on checkpoint", "Seq Scan on cosignature", "Hash Join", "Merge Join"} {
			if strings.Contains(plan, slow) {
				t.Errorf("%s: %s in\n%s", name, slow, plan)
			}
		}
		// Months are read side by side in the order of the index; a group that was read may be sorted again.
		if (name == "look" || name == "lag") && !strings.Contains(plan, "Merge Append") {
			t.Errorf("%s does not read in the order of the index:\n%s", name, plan)
		}
	}
}

// fillTree makes a log of 20,000 events of one month with the tree over it.
func fillTree(t *testing.T, h testkit.Handles) {
	t.Helper()
	for _, text := range []string{
		`INSERT INTO event (id, occurred_at, stored_at, action, outcome, reason, nhs_number, staff_id, ods_code, nonce, body, leaf_hash, stored_in)
SELECT (substr(x, 1, 8) || '-' || substr(x, 9, 4) || '-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, now(), now(), 'a', 1, '', '', '', '',
  sha256('n'), 'body', sha256(n::text::bytea), n::text::xid8
FROM generate_series(1, 20000) n, LATERAL (SELECT lpad(to_hex((extract(epoch FROM timestamptz '2026-11-22 10:00Z') * 1000)::bigint + n), 12, '0') AS x) t`,
		`INSERT INTO leaf SELECT row_number() OVER (ORDER BY id) - 1, id, leaf_hash FROM event`,
		`INSERT INTO tile SELECT 0, n, decode(repeat('00', 8192), 'hex'), sha256('x') FROM generate_series(0, 5000) n`,
		`INSERT INTO tree_head SELECT n, n - 1, sha256('x'), (n || ':' || n || ':')::pg_snapshot, now() FROM generate_series(1, 20000) n`,
		`INSERT INTO checkpoint SELECT n, 'x', now() FROM generate_series(1, 20000) n`,
		`INSERT INTO checkpoint_signature SELECT n, 'l+00000000', 'x', now() FROM generate_series(1, 20000) n`,
		`INSERT INTO cosignature SELECT n, 'w+00000000', 'x', now(), now() FROM generate_series(1, 20000) n`,
		"ANALYZE event, leaf, tile, tree_head, checkpoint, checkpoint_signature, cosignature",
	} {
		if _, err := h.Owner.ExecContext(limit(t), text); err != nil {
			t.Fatalf("%.60s: %v", text, err)
		}
	}
}
