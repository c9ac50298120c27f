package demonstration_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// pageLimit bounds all calls of the page on a busy machine.
const pageLimit = 5 * time.Minute

// officerBlock is a fenced block of docs/opt-out.md: shell, or what it prints.
var officerBlock = regexp.MustCompile("(?s)```(sh|json|text)\n(.*?)```")

// pasteOptOut pastes every block of docs/opt-out.md into one shell, one after the other: each must succeed, and
// answer what the page shows. It leaves its person opted in.
func (r *run) pasteOptOut(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(r.root, "docs", "opt-out.md"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := officerBlock.FindAllStringSubmatch(string(text), -1)
	if len(blocks) < 40 || !strings.Contains(blocks[0][2], "make -s env") {
		t.Fatalf("docs/opt-out.md has %d blocks", len(blocks))
	}
	dir := t.TempDir()
	answer := func(i int) string { return filepath.Join(dir, fmt.Sprint(i)) }
	var script strings.Builder
	for i, b := range blocks {
		if b[1] != "sh" {
			continue
		}
		here := strings.NewReplacer("make -s env", r.envCommand(), ".run/", r.dir+"/").Replace(b[2])
		fmt.Fprintf(&script, "echo block %d >&2\n{\n%s} > '%s'\n", i, here, answer(i))
	}
	ctx, cancel := context.WithTimeout(t.Context(), pageLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-e", "-o", "pipefail", "-c", script.String())
	cmd.Dir = r.root
	said, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("docs/opt-out.md: %v\n%s", err, said)
	}
	for i, b := range blocks {
		if b[1] == "sh" {
			continue
		}
		got, err := os.ReadFile(answer(i - 1))
		if err != nil {
			t.Fatalf("the shell did not come to block %d: %v", i-1, err)
		}
		if !shows(b[1], b[2], string(got)) {
			t.Errorf("%s\nanswers\n%.2000s\nwant\n%s", blocks[i-1][2], got, b[2])
		}
	}
}

// shows tells whether what was printed is what a page shows of it: its lines, or part of its JSON.
func shows(kind, page, printed string) bool {
	if kind == "text" {
		for line := range strings.Lines(page) {
			if !strings.Contains(printed, line) {
				return false
			}
		}
		return true
	}
	var want, got any
	return json.Unmarshal([]byte(page), &want) == nil && json.Unmarshal([]byte(printed), &got) == nil && within(want, got)
}

// within tells whether an answer that was cut short is part of another. An ellipsis stands for any text.
func within(part, whole any) bool {
	switch p := part.(type) {
	case map[string]any:
		w, ok := whole.(map[string]any)
		for name, value := range p {
			ok = ok && within(value, w[name])
		}
		return ok
	case []any:
		w, ok := whole.([]any)
		ok = ok && len(w) >= len(p)
		for i := 0; ok && i < len(p); i++ {
			ok = within(p[i], w[i])
		}
		return ok
	case string:
		text, ok := whole.(string)
		return ok && (p == "…" && text != "" || p == text)
	}
	return part == whole
}
