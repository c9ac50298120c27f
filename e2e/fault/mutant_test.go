package fault_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dorsetcarerecord/dcr/e2e/stack"
)

// patch is one change of the source, for a build of this test alone.
type patch struct{ file, was, is string }

var (
	// noCheck: the gateway decides as if nobody had opted out.
	noCheck = patch{"gateway/internal/access/decide.go", "	case facts.Choice.Sealed:\n", "	case facts.Choice.Sealed && false:\n"}
	// oldChoice: the gateway goes on with a choice that it read up to a second ago.
	oldChoice = []patch{
		{"gateway/internal/pipeline/gather.go", "import (\n", "import (\n\t\"sync\"\n\t\"time\"\n"},
		{
			"gateway/internal/pipeline/gather.go", "	choice, err := p.choices.GetChoice(ctx, ",
			`	type kept struct { read time.Time; choice access.Choice }
	if k, ok := oldChoices.Load(number); ok && time.Since(k.(kept).read) < time.Second {
		choice := k.(kept).choice
		return &choice, nil
	}
	choice, err := p.choices.GetChoice(ctx, `,
		},
		{
			"gateway/internal/pipeline/gather.go", "	return &access.Choice{Number: choice.GetChoiceNumber(), Sealed: choice.GetSealed()}, nil\n}\n",
			`	read := access.Choice{Number: choice.GetChoiceNumber(), Sealed: choice.GetSealed()}
	oldChoices.Store(number, kept{time.Now(), read})
	return &read, nil
}

var oldChoices sync.Map
`,
		},
	}
	// noSeal: record-svc shows whatever its own copy of the choice says.
	noSeal = []patch{
		{"record-svc/internal/store/gate.go", "coalesce(c.choice_number, 0) = $2::bigint AND NOT coalesce(c.sealed, false)", "$2::bigint IS NOT NULL"},
		{"record-svc/internal/store/gate.go", "return !g.Sealed && !g.Held && g.Number == asked", "return asked >= 0 && !g.Held"},
		{"record-svc/internal/service/refuse.go", "	case g.Sealed:\n", "	case g.Sealed && false:\n"},
	}
)

// TestMutants switches the guards of an opt-out off, alone and together, and asks the judge of testLinearizable.
// The check on a fresh choice and the seal each keep the promise alone; that is why there are both. The judge
// must see it when both are off, and when a choice is not read anew: with the seal, staff are then refused after a
// person has opted back in; without it, they are shown what is sealed.
func TestMutants(t *testing.T) {
	for name, c := range map[string]struct {
		patches []patch
		holds   bool
	}{
		"no check":               {[]patch{noCheck}, true},
		"no seal":                {noSeal, true},
		"old choice":             {oldChoice, false},
		"no check, no seal":      {append([]patch{noCheck}, noSeal...), false},
		"old choice and no seal": {append(oldChoice[:len(oldChoice):len(oldChoice)], noSeal...), false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSuiteOf(t, mutant(t, c.patches))
			err := checkHistory(s.register(t, 1500), checkLimit)
			t.Logf("the judge says: %v", err)
			if holds := err == nil; holds != c.holds {
				t.Errorf("the promise holds: %v, want %v", holds, c.holds)
			}
		})
	}
}

// mutant builds the suite with patches into a folder of its own. The source stays as it is.
func mutant(t *testing.T, patches []patch) (bin string) {
	t.Helper()
	root, err := stack.Root()
	if err != nil {
		t.Fatal(err)
	}
	bin = t.TempDir()
	if err := os.Chmod(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := stack.Build(t.Context(), root, bin, logger{t}); err != nil {
		t.Fatal(err)
	}
	overlay := overlayOf(t, root, patches)
	for _, program := range []string{"gateway", "record-svc"} {
		cmd := exec.CommandContext(t.Context(), "go", "build", "-overlay", overlay, "-o", filepath.Join(bin, program), "./"+program)
		cmd.Dir = root
		if text, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("build %s: %v\n%s", program, err, text)
		}
	}
	return bin
}

// overlayOf writes the patched files and the file that tells the compiler of them. A patch whose place is gone
// fails: a mutant that is none would prove nothing.
func overlayOf(t *testing.T, root string, patches []patch) string {
	t.Helper()
	texts := map[string]string{}
	for _, p := range patches {
		file := filepath.Join(root, p.file)
		if _, ok := texts[file]; !ok {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			texts[file] = string(text)
		}
		if strings.Count(texts[file], p.was) != 1 {
			t.Fatalf("%s: the place to patch is not there once: %q", p.file, p.was)
		}
		texts[file] = strings.Replace(texts[file], p.was, p.is, 1)
	}
	dir := t.TempDir()
	replace := map[string]string{}
	for file, text := range texts {
		replace[file] = filepath.Join(dir, strings.ReplaceAll(strings.TrimPrefix(file, root), "/", "_"))
		if err := os.WriteFile(replace[file], []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	overlay := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlay, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return overlay
}
