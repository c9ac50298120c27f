package watch

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
)

// document is the file as written. Its meaning is in rules.v1.yaml.
type document struct {
	Version  string         `yaml:"version"`
	TimeZone string         `yaml:"time_zone"`
	Opens    matchDocument  `yaml:"opens"`
	Rules    []ruleDocument `yaml:"rules"`
}

type matchDocument struct {
	Opens    bool     `yaml:"opens"`
	Actions  []string `yaml:"actions"`
	Outcomes []string `yaml:"outcomes"`
	Reasons  []string `yaml:"reasons"`
	Marks    []string `yaml:"marks"`
}

type ruleDocument struct {
	ID              string          `yaml:"id"`
	Title           string          `yaml:"title"`
	Says            string          `yaml:"says"`
	CasePer         string          `yaml:"case_per"`
	CaseAbout       string          `yaml:"case_about"`
	When            matchDocument   `yaml:"when"`
	MoreThan        *int            `yaml:"more_than"`
	DaysSinceClosed map[string]int  `yaml:"days_since_closed"`
	MoreThanPeers   *Peers          `yaml:"more_than_peers"`
	AfterClosing    string          `yaml:"after_closing"`
	ReviewWithin    time.Duration   `yaml:"review_within"`
	ReconciledBy    *reconciledText `yaml:"reconciled_by"`
}

type reconciledText struct {
	Kinds  []string      `yaml:"kinds"`
	Before time.Duration `yaml:"before"`
	After  time.Duration `yaml:"after"`
}

// The kinds of relationship that a feed makes, and so may close and reconcile (DOMAIN section 5).
func feedKinds() []string { return []string{"gp_registration", "referral", "episode", "caseload"} }

// rules checks the document and turns it into what Judge uses. Every fault found is in the error.
func (d document) rules() (*Rules, error) {
	r := &Rules{}
	var faults []error
	if strings.TrimSpace(d.Version) == "" {
		faults = append(faults, errors.New("version is missing"))
	}
	zone, err := time.LoadLocation(d.TimeZone)
	if err != nil || d.TimeZone == "" || d.TimeZone == "Local" {
		faults = append(faults, errors.New("time_zone: must name a zone such as Europe/London"))
	}
	r.zone = zone
	if r.opens, err = d.Opens.match(); err != nil {
		faults = append(faults, fmt.Errorf("opens: %w", err))
	}
	if d.Opens.Opens || len(r.opens.actions) == 0 || len(r.opens.outcomes) == 0 || len(d.Opens.Marks)+len(d.Opens.Reasons) > 0 ||
		slices.ContainsFunc(r.opens.actions, isPrefix) {
		faults = append(faults, errors.New("opens: must have actions in full and outcomes, and nothing else"))
	}
	if len(d.Rules) == 0 {
		faults = append(faults, errors.New("rules: there are none"))
	}
	for _, text := range d.Rules {
		rule, err := text.rule()
		if err != nil {
			faults = append(faults, fmt.Errorf("rule %q: %w", text.ID, err))
			continue
		}
		if r.Find(rule.ID) != nil {
			faults = append(faults, fmt.Errorf("rule %q: stands twice", text.ID))
		}
		r.list = append(r.list, rule)
	}
	return r, errors.Join(faults...)
}

// rule checks one rule.
func (d ruleDocument) rule() (*Rule, error) {
	var faults []error
	demand := func(holds bool, fault string) {
		if !holds {
			faults = append(faults, errors.New(fault))
		}
	}
	word := regexp.MustCompile(`^[a-z][a-z_]{1,39}$`)
	demand(word.MatchString(d.ID), "id must be a name of lower-case letters and underscores")
	demand(d.Title != "" && d.Says != "", "title and says are needed: people read them")
	demand(d.CasePer == "day" || d.CasePer == "relationship", "case_per must be day or relationship")
	demand(d.CaseAbout == "person" || d.CaseAbout == "staff", "case_about must be person or staff")
	demand(d.AfterClosing == "reopen" || d.AfterClosing == "append", "after_closing must be reopen or append")
	demand(d.ReviewWithin >= 0, "review_within must not be negative")
	demand(d.measures() <= 1, "more_than, days_since_closed and more_than_peers exclude each other")
	when, err := d.When.match()
	faults = append(faults, err)
	rule := &Rule{
		ID: d.ID, Title: d.Title, Says: strings.TrimSpace(d.Says),
		AboutStaff: d.CaseAbout == "staff", PerRelationship: d.CasePer == "relationship", Reopens: d.AfterClosing == "reopen",
		ReviewWithin: d.ReviewWithin, when: when, opensOnly: d.When.Opens,
	}
	demand(!when.empty() || rule.opensOnly, "when must say something: every event would fit")
	demand(!rule.PerRelationship || !rule.AboutStaff, "a relationship is with a person: case_about must be person")
	faults = append(faults, d.count(rule), d.closed(rule), d.volume(rule), d.reconcile(rule))
	return rule, errors.Join(faults...)
}

func (d ruleDocument) measures() int {
	n := 0
	for _, given := range []bool{d.MoreThan != nil, d.DaysSinceClosed != nil, d.MoreThanPeers != nil} {
		if given {
			n++
		}
	}
	return n
}

func (d ruleDocument) count(rule *Rule) error {
	if d.MoreThan == nil {
		return nil
	}
	if *d.MoreThan < 1 || !rule.opensOnly || rule.AboutStaff || rule.PerRelationship {
		return errors.New("more_than counts opens of one person in a day: at least 1, with opens, per day, about a person")
	}
	rule.moreThan = *d.MoreThan
	return nil
}

func (d ruleDocument) closed(rule *Rule) error {
	if d.DaysSinceClosed == nil {
		return nil
	}
	rule.closedFor = map[string]time.Duration{}
	for kind, days := range d.DaysSinceClosed {
		if !slices.Contains(feedKinds(), kind) || days < 0 {
			return fmt.Errorf("days_since_closed: %q is no kind that a feed closes, or its days are negative", kind)
		}
		rule.closedFor[kind] = time.Duration(days) * 24 * time.Hour
	}
	if len(rule.closedFor) == 0 {
		return errors.New("days_since_closed: names no kind")
	}
	return nil
}

func (d ruleDocument) volume(rule *Rule) error {
	if d.MoreThanPeers == nil {
		return nil
	}
	if err := d.MoreThanPeers.check(); err != nil {
		return fmt.Errorf("more_than_peers: %w", err)
	}
	if !rule.opensOnly || !rule.AboutStaff || rule.PerRelationship {
		return errors.New("more_than_peers counts people opened in a day: with opens, per day, about staff")
	}
	rule.peers, rule.Once = d.MoreThanPeers, true
	return nil
}

func (d ruleDocument) reconcile(rule *Rule) error {
	if d.ReconciledBy == nil {
		return nil
	}
	by := d.ReconciledBy
	unknown := slices.ContainsFunc(by.Kinds, func(kind string) bool { return !slices.Contains(feedKinds(), kind) })
	if len(by.Kinds) == 0 || unknown || by.Before < 0 || by.After < 0 {
		return errors.New("reconciled_by: needs kinds that a feed makes, and no negative times")
	}
	if rule.AboutStaff {
		return errors.New("reconciled_by: a feed is about a person: case_about must be person")
	}
	rule.reconciler = &reconciler{kinds: by.Kinds, before: by.Before, after: by.After}
	return nil
}

// outcomes by their names in the file.
func outcomes() map[string]auditv1.Outcome {
	return map[string]auditv1.Outcome{
		"released": auditv1.Outcome_OUTCOME_RELEASED, "changed": auditv1.Outcome_OUTCOME_CHANGED,
		"refused": auditv1.Outcome_OUTCOME_REFUSED, "failed": auditv1.Outcome_OUTCOME_FAILED,
	}
}

func (d matchDocument) match() (match, error) {
	m := match{actions: d.Actions, reasons: d.Reasons, marks: d.Marks}
	var faults []error
	for _, name := range d.Outcomes {
		outcome, ok := outcomes()[name]
		if !ok {
			faults = append(faults, fmt.Errorf("outcomes: %q is none", name))
		}
		m.outcomes = append(m.outcomes, outcome)
	}
	action := regexp.MustCompile(`^[a-z_]+(\.[a-z_]+)*(\.\*)?$`)
	for _, a := range d.Actions {
		if !action.MatchString(a) {
			faults = append(faults, fmt.Errorf("actions: %q is none", a))
		}
	}
	word := regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)
	for _, w := range slices.Concat(d.Reasons, d.Marks) {
		if !word.MatchString(w) {
			faults = append(faults, fmt.Errorf("reasons and marks: %q is none", w))
		}
	}
	if d.Opens && (len(d.Actions) > 0 || len(d.Outcomes) > 0) {
		faults = append(faults, errors.New("opens stands for actions and outcomes: give one or the other"))
	}
	return m, errors.Join(faults...)
}
