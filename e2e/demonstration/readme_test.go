package demonstration_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	// block is a fenced block of the README with its language.
	block = regexp.MustCompile("(?s)```(sh|json)\n(.*?)```")
	// said is a name in the README's abridged answers, with its value where that is a word of ours.
	said = regexp.MustCompile(`"([a-z_]+)":("(?:[A-Z][A-Z_]+|none|full|entries|record\.view|active|staff)"|true|false)?`)
)

// example is a call of the README and the answer that the README gives, cut short.
type example struct{ call, answer string }

// examples reads the README: each sh block that the block after it answers.
func examples(t *testing.T, root string) (setup string, calls []example) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := block.FindAllStringSubmatch(string(text), -1)
	for i, b := range blocks {
		switch {
		case b[1] != "sh":
		case i+1 < len(blocks) && blocks[i+1][1] == "json":
			calls = append(calls, example{call: b[2], answer: blocks[i+1][2]})
		case strings.Contains(b[2], "make -s env"):
			setup = b[2]
		}
	}
	if setup == "" || len(calls) < 5 {
		t.Fatalf("the README has %d calls to try, want five, and the variables before them", len(calls))
	}
	return setup, calls
}

// TestReadme brings the suite up as `make run` does, on a server of its own, pastes every call of the README,
// comes back with Ctrl-C, and finds its data again.
func TestReadme(t *testing.T) {
	r := newRun(t)
	setup, calls := examples(t, r.root)
	setup = strings.ReplaceAll(setup, "make -s env", r.envCommand())

	r.up(t)
	for _, e := range calls {
		got := r.shell(t, setup+"\n"+e.call)
		if !json.Valid([]byte(got)) {
			t.Errorf("%s\nanswers no JSON: %.300s", e.call, got)
			continue
		}
		for _, m := range said.FindAllStringSubmatch(e.answer, -1) {
			if want := `"` + m[1] + `":` + m[2]; !strings.Contains(got, want) {
				t.Errorf("%s\nthe README's answer has %s, the real one does not: %.600s", e.call, want, got)
			}
		}
	}
	r.pasteGuide(t)
	r.pasteOutsider(t)
	r.pasteCitizen(t)
	r.pasteOptOut(t)
	before := r.staff(t)
	r.down(t)

	r.up(t)
	if !strings.Contains(r.said(), "is there already") {
		t.Error("the second run loads the county again")
	}
	if after := r.staff(t); after != before {
		t.Errorf("the second run has %d staff, the first %d", after, before)
	}
	got := r.shell(t, setup+"\n"+calls[0].call)
	if !strings.Contains(got, `"state":"entries"`) {
		t.Errorf("after a second start: %.300s", got)
	}
	r.down(t)

	r.clean(t)
	if _, err := os.Stat(r.dir); !os.IsNotExist(err) {
		t.Errorf("make clean leaves %s: %v", r.dir, err)
	}
}
