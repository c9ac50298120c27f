package watch

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"
)

//go:embed rules.v1.yaml
var defaultRules []byte

// maxRulesBytes is more than any set of rules needs.
const maxRulesBytes = 1 << 20

// Rules are a checked set of rules. They are never changed after they were made, so they may be shared.
type Rules struct {
	version string
	zone    *time.Location
	opens   match
	list    []*Rule
}

// Rule is one pattern that is looked for.
type Rule struct {
	// ID names the rule in cases, e.g. "many_opens".
	ID string
	// Title and Says are its words for people.
	Title, Says string
	// AboutStaff is true when a case is about a member of staff and no particular person.
	AboutStaff bool
	// PerRelationship is true when a case gathers what rested on one care relationship; else it is of one day.
	PerRelationship bool
	// Reopens is true when a finding opens a closed case again.
	Reopens bool
	// Once is true when one finding says it all, and further ones are not added to the case.
	Once bool
	// ReviewWithin is how long an open case may wait before it is overdue; 0 for ever.
	ReviewWithin time.Duration

	when       match
	opensOnly  bool
	moreThan   int
	closedFor  map[string]time.Duration
	peers      *Peers
	reconciler *reconciler
}

// Default are the rules that the project ships.
func Default() (*Rules, error) { return Parse(defaultRules) }

// Parse reads rules that replace the default whole. Anything in them that is unknown, missing, doubled or
// contradictory is an error, and nothing of them comes into force.
func Parse(text []byte) (*Rules, error) {
	if len(text) > maxRulesBytes {
		return nil, fmt.Errorf("read watch rules: longer than %d bytes", maxRulesBytes)
	}
	var doc document
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(&doc); err != nil {
		return nil, fmt.Errorf("parse watch rules: %w", err)
	}
	var more any
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, errors.New("parse watch rules: more than one document")
	}
	r, err := doc.rules()
	if err != nil {
		return nil, fmt.Errorf("check watch rules: %w", err)
	}
	sum := sha256.Sum256(text)
	r.version = doc.Version + "+" + hex.EncodeToString(sum[:4])
	return r, nil
}

// Version names the rules in cases: their own version and the first digits of their SHA-256, so that an edit
// without a new version shows.
func (r *Rules) Version() string { return r.version }

// List are the rules in the order of the file. They must not be changed.
func (r *Rules) List() []*Rule { return slices.Clone(r.list) }

// Find is the rule with an id; nil when there is none, as for a case of an earlier version.
func (r *Rules) Find(id string) *Rule {
	for _, rule := range r.list {
		if rule.ID == id {
			return rule
		}
	}
	return nil
}

// OpenActions are the actions that count as opening a record.
func (r *Rules) OpenActions() []string { return slices.Clone(r.opens.actions) }

// OpenOutcomes are the outcomes with which they count, by their numbers in the contract.
func (r *Rules) OpenOutcomes() []int32 {
	var all []int32
	for _, o := range r.opens.outcomes {
		all = append(all, int32(o))
	}
	return all
}

// WindowDays is the number of whole days before an event for which volumes are compared; 0 when no rule does.
func (r *Rules) WindowDays() int {
	days := 0
	for _, rule := range r.list {
		if rule.peers != nil {
			days = max(days, rule.peers.WindowDays)
		}
	}
	return days
}
