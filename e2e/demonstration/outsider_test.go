package demonstration_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// shellBlock is a fenced block of shell or of what it prints.
var shellBlock = regexp.MustCompile("(?s)```(sh|text)\n(.*?)```")

// pasteOutsider tries every command of docs/audit.md's part for outsiders: each must succeed, and print the
// lines that the page shows.
func (r *run) pasteOutsider(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(r.root, "docs", "audit.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, part, _ := strings.Cut(string(text), "\n## How an outsider checks us\n")
	part, _, _ = strings.Cut(part, "\n## ")
	blocks := shellBlock.FindAllStringSubmatch(part, -1)
	if len(blocks) < 9 || !strings.Contains(blocks[0][2], "make -s env") {
		t.Fatalf("the part for outsiders has %d blocks", len(blocks))
	}
	setup := strings.ReplaceAll(blocks[0][2], "make -s env", r.envCommand())
	for i := 1; i+1 < len(blocks); i += 2 {
		if blocks[i][1] != "sh" || blocks[i+1][1] != "text" {
			t.Fatalf("block %d: commands and what they print take turns", i)
		}
		said := r.shell(t, setup+"\n"+blocks[i][2])
		for line := range strings.Lines(blocks[i+1][2]) {
			if line = strings.TrimSuffix(line, "\n"); !strings.Contains(said, line) {
				t.Errorf("%s\ndoes not say %q:\n%s", blocks[i][2], line, said)
			}
		}
	}
}
