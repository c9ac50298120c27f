package fsck_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/audit-tampering.md anew")

const (
	tableFile = "../../../docs/audit-tampering.md"
	tableHead = `# Who finds what: tampering with the audit log

This page is generated from the trials in ` + "`audit-svc/internal/fsck`" + ` (` + "`go test ./audit-svc/internal/fsck -run TestTable -update`" + `); the
same trials run in CI some hundred times with random places, and ten thousand times in a soak. Each tampers as
superuser with a log that the service made, keys and constraints dropped where they stand in the way, and then
asks ` + "`audit-svc fsck`" + ` and a witness that cosigned the last checkpoint before.

*fsck* is fsck with nothing but the database and the public keys; the column names the check that sees it first.
*Witness* is whether a witness refuses the checkpoint that the log submits next. *fsck --against* is fsck with the
checkpoint that the witness (or anybody) remembers: it finds all of them.

| What is done | fsck | Witness | fsck --against |
|---|---|---|---|
`
	tableTail = `
What nobody finds, because nothing is claimed of it:
- ` + "`stored_at` and `stored_in`" + ` beside an event, within what the sequencer believes: they are the service's notes and are not hashed. The event's own time and its id are.
- An old checkpoint, or a cosignature, that is deleted with all its lines. No history changes: receipts carry their own, and witnesses remember.
- A false event that is appended like a true one. A log shows that nothing was changed or taken away afterwards, not that its writer told the truth.
- Anything done before the first checkpoint was witnessed, by somebody who holds the log's key as well.
`
)

// TestTable keeps the page in step with the trials.
func TestTable(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString(tableHead)
	all := kinds()
	slices.SortStableFunc(all, func(x, y kind) int { return rank(x) - rank(y) })
	for _, k := range all {
		var checks []string
		for _, c := range k.checks {
			checks = append(checks, string(c))
		}
		slices.Sort(checks)
		found := strings.Join(checks, " or ")
		if found == "" {
			found = "–"
		}
		witness := "–"
		if k.witness {
			witness = "refuses"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | finds |\n", k.name, found, witness)
	}
	b.WriteString(tableTail)
	if *update {
		if err := os.WriteFile(tableFile, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	have, err := os.ReadFile(tableFile)
	if err != nil || string(have) != b.String() {
		t.Errorf("docs/audit-tampering.md is stale (%v): run this test with -update", err)
	}
}

// rank puts what needs no key first.
func rank(k kind) int {
	switch {
	case strings.Contains(k.name, "signed") && strings.Contains(k.name, "key") || strings.Contains(k.name, "anew"):
		return 2
	case k.witness:
		return 1
	default:
		return 0
	}
}
