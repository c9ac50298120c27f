package fsck_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/fsck"
	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

const (
	// quickTrials of each kind in CI, soakTrials of all together in a soak.
	quickTrials = 5
	soakTrials  = 10_000
)

func kinds() []kind { return slices.Concat(eventKinds(), treeKinds(), keyKinds()) }

// TestTampering tampers at random as superuser, thousands of times in a soak. What fsck is to find, it finds;
// what fits together because it was hashed and signed anew, a witness refuses and fsck finds with the
// checkpoint that the witness remembers.
func TestTampering(t *testing.T) {
	f := newFixture(t)
	each := quickTrials
	if os.Getenv("DCR_SOAK") != "" {
		each = (soakTrials + len(kinds()) - 1) / len(kinds())
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d, %d kinds, %d trials of each", seed, len(kinds()), each)
	for _, k := range kinds() {
		for n := range each {
			f.trial(t, k, rand.New(rand.NewPCG(seed, uint64(n))))
		}
	}
}

// trial tampers once, and looks who finds it.
func (f *fixture) trial(t *testing.T, k kind, rng *rand.Rand) {
	t.Helper()
	_ = f.within(t, func(tx *sqlx.Tx) error {
		k.do(&attacker{t: t, f: f, tx: tx, rng: rng})
		found := f.fsck(t, tx, f.config())
		if found == "" && k.checks != nil || found != "" && !slices.Contains(k.checks, found) {
			t.Errorf("%s: fsck says %q, want one of %v", k.name, found, k.checks)
		}
		if refused := f.witnessRefuses(t, tx); refused != k.witness {
			t.Errorf("%s: the witness refuses: %v, want %v", k.name, refused, k.witness)
		}
		cfg := f.config()
		cfg.Against = []verify.Checkpoint{f.Seen}
		if f.fsck(t, tx, cfg) == "" {
			t.Errorf("%s: fsck does not find it, even with what the witness remembers", k.name)
		}
		return nil
	})
}

// fsck is the check that found something first; empty when none did.
func (f *fixture) fsck(t *testing.T, tx *sqlx.Tx, cfg fsck.Config) fsck.Check {
	t.Helper()
	if _, err := tx.ExecContext(limit(t), "SAVEPOINT before"); err != nil {
		t.Fatal(err)
	}
	_, err := fsck.Within(limit(t), tx, cfg)
	if _, err := tx.ExecContext(limit(t), "ROLLBACK TO SAVEPOINT before"); err != nil { // closes the cursors
		t.Fatal(err)
	}
	var d *fsck.Difference
	if err != nil && !errors.As(err, &d) {
		t.Fatalf("fsck could not read: %v", err)
	}
	if d == nil {
		return ""
	}
	return d.Check
}

// witnessRefuses submits what the log would submit now, with the best proof that its leaves make.
func (f *fixture) witnessRefuses(t *testing.T, tx *sqlx.Tx) bool {
	t.Helper()
	var notes []string
	const query = `SELECT c.body || E'\n' || coalesce((SELECT string_agg(line, '') FROM checkpoint_signature s WHERE s.tree_size = c.tree_size), '')
		FROM checkpoint c ORDER BY tree_size DESC LIMIT 1`
	if err := tx.SelectContext(limit(t), &notes, query); err != nil {
		t.Fatal(err)
	}
	if len(notes) == 0 {
		return false
	}
	next, err := f.Trust.Open([]byte(notes[0]))
	if err != nil {
		return true
	}
	ruling, _ := verify.Judge(f.Seen, next.Checkpoint, verify.Submission{Old: f.Seen.Size, Proof: f.proof(t, tx, next.Size)})
	return ruling != verify.Accept
}

// proof that the tree of size begins with what the witness saw, from the leaves as they are now.
func (f *fixture) proof(t *testing.T, tx *sqlx.Tx, size int64) []tlog.Hash {
	t.Helper()
	all := (&attacker{t: t, f: f, tx: tx}).leaves()
	if size <= f.Seen.Size || int64(len(all)) < size {
		return nil
	}
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, x := range indexes {
			out[i] = stored[x]
		}
		return out, nil
	})
	for i, l := range all {
		hashes, err := tlog.StoredHashesForRecordHash(int64(i), tlog.Hash(l.Hash), reader)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, hashes...)
	}
	proof, err := tlog.ProveTree(size, f.Seen.Size, reader)
	if err != nil {
		t.Fatal(err)
	}
	return proof
}
