package accesshistory

import (
	"bytes"
	_ "embed" // words.v1.yaml
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

//go:embed words.v1.yaml
var builtIn []byte

// Words are the text, read and checked. They are never changed after they were made.
type Words struct {
	Version       string            `yaml:"version"`
	Title         string            `yaml:"title"`
	Introduction  []string          `yaml:"introduction"`
	Notes         []string          `yaml:"notes"`
	Phrases       map[string]string `yaml:"phrases"`
	Actions       map[string]action `yaml:"actions"`
	Sections      map[string]string `yaml:"sections"`
	Summary       string            `yaml:"summary"`
	Identity      string            `yaml:"identity"`
	Roles         map[string]string `yaml:"roles"`
	Relationships map[string]string `yaml:"relationships"`
	Purposes      map[string]string `yaml:"purposes"`
	ReasonCodes   map[string]string `yaml:"reason_codes"`
	Refusals      map[string]string `yaml:"refusals"`
}

// action is how one kind of event is told.
type action struct {
	Did      string `yaml:"did"`
	Try      string `yaml:"try"`
	Received bool   `yaml:"received"`
	Hidden   bool   `yaml:"hidden"`
}

// other names the entry for whatever has none of its own.
const other = "other"

// DefaultWords are the words that are built in.
func DefaultWords() (*Words, error) { return ParseWords(builtIn) }

// ParseWords reads and checks a file of words: nothing unknown, nothing missing.
func ParseWords(file []byte) (*Words, error) {
	dec := yaml.NewDecoder(bytes.NewReader(file))
	dec.KnownFields(true)
	w := &Words{}
	if err := dec.Decode(w); err != nil {
		return nil, fmt.Errorf("read words: %w", err)
	}
	if err := w.check(); err != nil {
		return nil, fmt.Errorf("check words: %w", err)
	}
	return w, nil
}

// phrases that the program fills in, with how many places each has.
func phrases() map[string]int {
	return map[string]int{
		"times": 1, "at": 1, "between": 2, "period": 2, "beginning": 0, "staff_unknown": 0, "staff_withheld": 0, "system": 0,
		"service": 0, "public": 0, "nobody": 0, "organisation_unknown": 1, "role_unknown": 0, "tried": 1, "reason": 1,
		"reference": 0, "nothing": 0, "seen_by": 2, "seen_by_one": 0, "refused": 1, "refused_one": 0, "received": 1, "received_one": 0,
		"receipts": 0, "receipts_text": 0, "when": 0, "who": 0, "what": 0, "why": 0, "parts": 1, "sent": 1, "refused_because": 1,
		"nhs_number": 0, "time": 0, "made": 0, "made_at": 2, "references": 0, "entry": 0, "place": 0, "code": 0, "checkpoint": 0, "pending": 0,
	}
}

func (w *Words) check() error {
	var faults []error
	need := func(holds bool, text string) {
		if !holds {
			faults = append(faults, errors.New(text))
		}
	}
	need(w.Version != "" && w.Title != "" && len(w.Introduction) > 0 && len(w.Notes) > 0, "version, title, introduction or notes are missing")
	need(w.Identity != "" && strings.Contains(w.Summary, "{0}"), "identity or summary is missing")
	for name, places := range phrases() {
		text := w.Phrases[name]
		need(text != "", "phrases: "+name+" is missing")
		for i := range places {
			need(strings.Contains(text, fmt.Sprintf("{%d}", i)), "phrases: "+name+" has too few places")
		}
	}
	for name := range w.Phrases {
		_, known := phrases()[name]
		need(known, "phrases: "+name+" is not known")
	}
	for name, a := range w.Actions {
		need(a.Hidden != (a.Did != "" && a.Try != ""), "actions: "+name+" is either hidden or said")
	}
	need(w.Actions[other].Did != "", "actions: other is missing")
	need(w.Refusals[other] != "" && w.Refusals["failed"] != "", "refusals: other or failed is missing")
	slices.SortFunc(faults, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(faults...)
}

// action of an event: by its name, else by the longest beginning that is listed, else other.
func (w *Words) action(name string) action {
	if a, ok := w.Actions[name]; ok {
		return a
	}
	for at := strings.LastIndexByte(name, '.'); at > 0; at = strings.LastIndexByte(name[:at], '.') {
		if a, ok := w.Actions[name[:at]+".*"]; ok {
			return a
		}
	}
	return w.Actions[other]
}

// Covers tells whether an action has words of its own, and not those for whatever has none.
func (w *Words) Covers(name string) bool { return w.action(name) != w.Actions[other] }

// say fills a phrase in.
func (w *Words) say(phrase string, with ...string) string { return fill(w.Phrases[phrase], with...) }

func fill(text string, with ...string) string {
	for i, value := range with {
		text = strings.ReplaceAll(text, fmt.Sprintf("{%d}", i), value)
	}
	return text
}
