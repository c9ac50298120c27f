package blackbox_test

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

	"github.com/dorsetcarerecord/dcr/e2e/stack"
)

// officersDay pastes the calls of docs/audit.md into a shell, one after the other, and holds what they answer
// against what the document says.
func (s *suite) officersDay(t *testing.T) {
	root, err := stack.Root()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "docs", "audit.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, day, found := strings.Cut(string(text), "<!-- tried by e2e/blackbox/case_doc_test.go -->")
	if !found {
		t.Fatal("docs/audit.md does not say where the calls begin")
	}
	p := s.newlyKnown(t)
	s.awaitKnown(t, p.number)
	setup := ""
	for name, value := range map[string]string{
		"DCR": s.rest[0].BaseURL, "CA": s.stack.CAFile(), "PERSON": p.number, "OFFICER": s.officer.token,
		"COLLEAGUE": s.hire(t, "R8001", s.officer.ods, "").token,
	} {
		setup += fmt.Sprintf("export %s='%s'\n", name, value)
	}
	blocks := regexp.MustCompile("(?s)```(sh|json)\n(.*?)```").FindAllStringSubmatch(day, -1)
	calls := 0
	for i, b := range blocks {
		switch {
		case b[1] == "json":
		case i+1 == len(blocks) || blocks[i+1][1] != "json":
			setup += strings.ReplaceAll(b[2], `eval "$(make -s env)"`, "") + "\n"
		default:
			calls++
			s.answers(t, setup, b[2], blocks[i+1][2])
			setup += s.remembered(t, setup, b[2])
		}
	}
	if calls < 6 {
		t.Errorf("docs/audit.md has %d calls, want six", calls)
	}
}

// remembered is the case that a call put into a variable, for the calls after it.
func (s *suite) remembered(t *testing.T, setup, call string) string {
	t.Helper()
	for _, line := range strings.Split(call, "\n") {
		if !strings.HasPrefix(line, "CASE=") {
			continue
		}
		out, err := exec.CommandContext(t.Context(), "bash", "-e", "-o", "pipefail", "-c", setup+"\n"+line+"\necho -n $CASE").Output()
		if err != nil || len(out) == 0 {
			t.Fatalf("%s\nfinds no case: %v", line, err)
		}
		return fmt.Sprintf("CASE='%s'\n", out)
	}
	return ""
}

// answers runs a call until it answers as the document says: cases come seconds after events.
func (s *suite) answers(t *testing.T, setup, call, want string) {
	t.Helper()
	var expected any
	if err := json.Unmarshal([]byte(want), &expected); err != nil {
		t.Fatalf("the document's answer is no JSON: %v\n%s", err, want)
	}
	for began := time.Now(); ; time.Sleep(200 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(t.Context(), caseLimit)
		out, err := exec.CommandContext(ctx, "bash", "-e", "-o", "pipefail", "-c", setup+"\n"+call).CombinedOutput()
		cancel()
		var got any
		if err == nil && json.Unmarshal(out, &got) == nil && partOf(expected, got) {
			return
		}
		if time.Since(began) > caseLimit {
			t.Fatalf("%s\nanswers %v\n%s\nwant %s", call, err, out, want)
		}
	}
}

// partOf tells whether an answer that was cut short is part of another. An ellipsis stands for anything.
func partOf(part, whole any) bool {
	switch p := part.(type) {
	case map[string]any:
		w, ok := whole.(map[string]any)
		for name, value := range p {
			if !ok || !partOf(value, w[name]) {
				return false
			}
		}
		return ok
	case []any:
		w, ok := whole.([]any)
		for i, value := range p {
			if !ok || i >= len(w) || !partOf(value, w[i]) {
				return false
			}
		}
		return ok
	case string:
		text, ok := whole.(string)
		return ok && (p == "…" && text != "" || p == text)
	}
	return part == whole
}
