package journal_test

import (
	"os"
	"strings"
	"testing"

	"github.com/dorsetcarerecord/dcr/dcrctl/internal/journal"
)

const person = "9990002673/RDY.json"

func open(t *testing.T, dir string, again bool) *journal.Journal {
	t.Helper()
	j, err := journal.Open(dir, "feeds", "https://gateway", again)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return j
}

func add(t *testing.T, j *journal.Journal, k journal.Key) {
	t.Helper()
	if err := j.Add(k); err != nil {
		t.Fatal(err)
	}
}

func TestRemembers(t *testing.T) {
	dir := t.TempDir()
	k := journal.KeyOf(person, []byte("one"))
	add(t, open(t, dir, false), k)
	j := open(t, dir, false)
	if !j.Has(k) {
		t.Error("forgot")
	}
	for name, other := range map[string]journal.Key{
		"other content": journal.KeyOf(person, []byte("two")), "other path": journal.KeyOf("x/RDY.json", []byte("one")),
	} {
		if j.Has(other) {
			t.Error(name)
		}
	}
	text, err := os.ReadFile(j.Path())
	if err != nil || strings.Contains(string(text), "999000") {
		t.Errorf("the journal names somebody: %v\n%s", err, text)
	}
	if open(t, dir, true).Has(k) {
		t.Error("again forgets nothing")
	}
}

func TestTornLine(t *testing.T) {
	dir := t.TempDir()
	first, second := journal.KeyOf("a", nil), journal.KeyOf("b", nil)
	j := open(t, dir, false)
	add(t, j, first)
	text, err := os.ReadFile(j.Path())
	if err != nil {
		t.Fatal(err)
	}
	add(t, j, second)
	if err := os.Truncate(j.Path(), int64(len(text))+20); err != nil {
		t.Fatal(err)
	}
	j = open(t, dir, false)
	if !j.Has(first) || j.Has(second) {
		t.Error("a torn line counts, or the whole one before it does not")
	}
	add(t, j, second)
	if !open(t, dir, false).Has(second) {
		t.Error("the line after a torn one is lost")
	}
}

func TestJournalsArePerGatewayAndFolder(t *testing.T) {
	dir := t.TempDir()
	k := journal.KeyOf("a", nil)
	add(t, open(t, dir, false), k)
	for _, c := range [][2]string{{"feeds", "https://other"}, {"others", "https://gateway"}} {
		j, err := journal.Open(dir, c[0], c[1], false)
		if err != nil {
			t.Fatal(err)
		}
		defer j.Close()
		if j.Has(k) {
			t.Errorf("%v", c)
		}
	}
}
