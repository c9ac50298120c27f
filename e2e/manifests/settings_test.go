package manifests_test

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

var update = flag.Bool("update", false, "write docs/operations/settings.md anew")

const settingsFile = root + "/docs/operations/settings.md"

// setting is one that a process may be told.
type setting struct {
	flag, value, help string
	required          bool
}

var (
	// flagLine is a line of kong's help: flag, its value or default, help, environment.
	flagLine = regexp.MustCompile(`^\s+--([a-z0-9-]+)(?:=(\S+(?: \S+)*?))?\s{2,}(.*) \(\$(DCR_[A-Z0-9_]+)\)\.$`)
	usage    = regexp.MustCompile(`--([a-z0-9-]+)=`)
)

// programs builds every process once for all tests of this package.
var programs = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "dcr-manifests-")
	if err != nil {
		return "", err
	}
	args := []string{"build", "-o", dir}
	for _, p := range processes() {
		args = append(args, "./"+p)
	}
	cmd := exec.Command("go", args...)
	cmd.Dir = root
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, text)
	}
	return dir, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, err := programs(); err == nil {
		_ = os.RemoveAll(dir)
	}
	os.Exit(code)
}

// settingsOf asks a process itself, by its name in the environment.
func settingsOf(t *testing.T, process string) map[string]setting {
	return commandSettings(t, process, "serve")
}

func commandSettings(t *testing.T, process, command string) map[string]setting {
	t.Helper()
	dir, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(dir, process), command, "--help")
	cmd.Env = []string{"COLUMNS=10000"} // one line for each flag
	text, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s --help: %v", process, command, err)
	}
	head, flags, ok := strings.Cut(string(text), "\nFlags:")
	if !ok {
		t.Fatalf("%s %s has no flags:\n%s", process, command, text)
	}
	required := map[string]bool{}
	for _, m := range usage.FindAllStringSubmatch(head, -1) {
		required[m[1]] = true
	}
	found := map[string]setting{}
	for line := range strings.Lines(flags) {
		if !strings.Contains(line, "$DCR_") {
			continue
		}
		m := flagLine.FindStringSubmatch(strings.TrimRight(line, "\n"))
		if m == nil {
			t.Fatalf("%s: this line of help cannot be read: %s", process, line)
		}
		s := setting{flag: m[1], value: strings.Trim(m[2], `"`), help: m[3] + ".", required: required[m[1]]}
		if slices.Contains([]string{"STRING", "DURATION"}, s.value) || strings.HasPrefix(s.value, strings.ToUpper(s.flag)) {
			s.value = "" // kong's word for "some value"
		}
		found[m[4]] = s
	}
	return found
}

// TestSettingsInManifests: a ConfigMap names only what its process knows, and with the secrets all that it needs.
func TestSettingsInManifests(t *testing.T) {
	all := rendered(t)
	for _, process := range processes() {
		known := settingsOf(t, process)
		given := map[string]bool{}
		for name := range find(t, all, "ConfigMap", process).Data {
			given[name] = true
		}
		for _, e := range find(t, all, "Deployment", process).Spec.Template.Spec.Containers[0].Env {
			given[e.Name] = true
		}
		for name := range given {
			if _, ok := known[name]; !ok {
				t.Errorf("%s does not know %s", process, name)
			}
		}
		for name, s := range known {
			if s.required && !given[name] {
				t.Errorf("%s needs %s, which the manifests do not give", process, name)
			}
		}
	}
}

// TestSettingsDocument: docs/operations/settings.md says what the processes say.
func TestSettingsDocument(t *testing.T) {
	want := settingsDocument(t)
	if *update {
		if err := os.WriteFile(settingsFile, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(settingsFile)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("docs/operations/settings.md is stale (%v): go test ./e2e/manifests -run TestSettingsDocument -update", err)
	}
}

const settingsHead = `# Settings

Generated from the processes' own help; do not edit. ` + "`go test ./e2e/manifests -run TestSettingsDocument -update`" + ` writes it anew.

Every setting is an environment variable and a flag of ` + "`serve`" + ` (` + "`DCR_LOG_LEVEL=debug`" + ` is ` + "`--log-level=debug`" + `).
A process that finds a setting wrong or half present does not start, and names it. ` + "`<process> check-config`" + ` tries
what ` + "`serve`" + ` would use, and answers no calls. Durations are like ` + "`500ms`, `10s`, `2h`" + `.
`

// settingsDocument groups settings by the processes that share them in the same words.
func settingsDocument(t *testing.T) []byte {
	t.Helper()
	type entry struct {
		setting
		of []string
	}
	entries := map[string]*entry{} // by name and words
	names := map[string]string{}   // of the entries
	for _, process := range processes() {
		for name, s := range settingsOf(t, process) {
			key := name + fmt.Sprint(s)
			if entries[key] == nil {
				entries[key] = &entry{setting: s}
				names[key] = name
			}
			entries[key].of = append(entries[key].of, process)
		}
	}
	groups := map[string][]string{}
	for key, e := range entries {
		heading := strings.Join(e.of, ", ")
		if len(e.of) == len(processes()) {
			heading = "All processes"
		}
		groups[heading] = append(groups[heading], key)
	}
	out := bytes.NewBufferString(settingsHead)
	for _, heading := range slices.Sorted(maps.Keys(groups)) {
		table(out, heading)
		slices.Sort(groups[heading])
		for _, key := range groups[heading] {
			row(out, names[key], entries[key].setting)
		}
	}
	for _, service := range services() {
		table(out, "The commands of "+service+" that run as the schema's owner")
		for name, s := range commandSettings(t, service, "migrate") {
			row(out, name, s)
		}
	}
	return out.Bytes()
}

func table(out *bytes.Buffer, heading string) {
	fmt.Fprintf(out, "\n## %s\n\n| Setting | Default | Meaning |\n|---|---|---|\n", heading)
}

func row(out *bytes.Buffer, name string, s setting) {
	value := s.value
	switch {
	case s.required:
		value = "*needed*"
	case value != "":
		value = "`" + value + "`"
	}
	fmt.Fprintf(out, "| `%s` | %s | %s |\n", name, value, strings.ReplaceAll(s.help, "|", `\|`))
}

func itoa(n int) string { return strconv.Itoa(n) }
