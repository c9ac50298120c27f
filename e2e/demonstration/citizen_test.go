package demonstration_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// pasteCitizen tries every command of docs/audit.md's part about what a citizen can ask: each must succeed, and
// answer the words that the page shows.
func (r *run) pasteCitizen(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(r.root, "docs", "audit.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, part, _ := strings.Cut(string(text), "\n## What a citizen can ask\n")
	part, _, _ = strings.Cut(part, "\n## ")
	blocks := shellBlock.FindAllStringSubmatch(part, -1)
	if len(blocks) < 5 || !strings.Contains(blocks[0][2], "make -s env") {
		t.Fatalf("the part for citizens has %d blocks", len(blocks))
	}
	setup := strings.ReplaceAll(blocks[0][2], "make -s env", r.envCommand())
	for i := 1; i+1 < len(blocks); i += 2 {
		said := strings.ReplaceAll(r.shell(t, setup+"\n"+blocks[i][2]), `": "`, `":"`)
		for line := range strings.Lines(blocks[i+1][2]) {
			if line = strings.TrimSuffix(line, "\n"); !strings.Contains(said, line) {
				t.Errorf("%s\ndoes not answer %q:\n%.2000s", blocks[i][2], line, said)
			}
		}
	}
}
