package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/request"
)

// TestLifeKeepsDocumentsTrue: what is stale is told, renewed, and then true; what is around it stays.
func TestLifeKeepsDocumentsTrue(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "doc.md")
	stale := "# Title\n<!-- made: life -->\nwhat it was\n<!-- end: life -->\nbetween\n<!-- made: policy -->\n<!-- end: policy -->\nafter\n"
	if err := os.WriteFile(file, []byte(stale), 0o600); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := (&Life{Verify: []string{file}}).run(&out); err == nil || !strings.Contains(err.Error(), "stale") {
		t.Fatalf("a stale document passes: %v", err)
	}
	if err := (&Life{Update: []string{file}, Verify: []string{file}}).run(&out); err != nil || out.Len() > 0 {
		t.Fatalf("after its renewal: %v, printed %q", err, out.String())
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"# Title\n<!-- made: life -->\n" + request.Markdown() + "<!-- end: life -->\nbetween\n", "`call_reference`", "<!-- end: policy -->\nafter\n"} {
		if !strings.Contains(string(got), want) {
			t.Errorf("the document lacks %q", want)
		}
	}
	if strings.Contains(string(got), "what it was") {
		t.Error("the stale part is still there")
	}
}

func TestLifePrints(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if err := new(Life).run(&out); err != nil || out.String() != request.Markdown() {
		t.Errorf("%v, %d characters", err, out.Len())
	}
}

// TestMarkersThatAreWrong: a document whose marker was lost is not passed over.
func TestMarkersThatAreWrong(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"none": "# Title\n", "unknown": "<!-- made: luck -->\n<!-- end: luck -->\n", "no end": "<!-- made: life -->\nx\n",
		"end of another": "<!-- made: life -->\nx\n<!-- end: policy -->\n",
	} {
		file := filepath.Join(t.TempDir(), "doc.md")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, l := range []Life{{Update: []string{file}}, {Verify: []string{file}}} {
			if err := l.run(os.Stdout); err == nil {
				t.Errorf("%s: passes", name)
			}
		}
	}
	if err := (&Life{Verify: []string{"/nowhere"}}).run(os.Stdout); err == nil {
		t.Error("a document that is not there passes")
	}
}
