package access

import (
	"errors"
	"fmt"
)

// permissionReview is what somebody needs to make steps in cases.
const permissionReview = "case.review"

// Reviewer is as what somebody makes steps in cases of misuse.
type Reviewer uint8

// The reviewers. The zero one makes none.
const (
	ReviewerNone Reviewer = iota
	// ReviewerOfficer decides, or hands on to the guardian.
	ReviewerOfficer
	// ReviewerGuardian decides what was handed on too.
	ReviewerGuardian
)

// casesDocument is the policy's part about cases, as written.
type casesDocument struct {
	Officers   []string `yaml:"officers"`
	Guardians  []string `yaml:"guardians"`
	CountyWide []string `yaml:"county_wide"`
}

// apply checks it and sets it on the policy, whose professions are known by then.
func (d casesDocument) apply(p *Policy) error {
	p.reviewers, p.countyWide = map[string]Reviewer{}, map[string]bool{}
	var faults []error
	known := func(name string) {
		if p.professions[name] == nil {
			faults = append(faults, fmt.Errorf("cases: unknown profession %q", name))
		}
	}
	for reviewer, names := range map[Reviewer][]string{ReviewerOfficer: d.Officers, ReviewerGuardian: d.Guardians} {
		for _, name := range names {
			known(name)
			if p.reviewers[name] != ReviewerNone {
				faults = append(faults, fmt.Errorf("cases: %q is two reviewers", name))
			}
			p.reviewers[name] = reviewer
		}
	}
	for _, name := range d.CountyWide {
		known(name)
		p.countyWide[name] = true
	}
	for name, profession := range p.professions {
		if profession.may.has(permissionReview) && p.reviewers[name] == ReviewerNone {
			faults = append(faults, fmt.Errorf("cases: %q may review cases, and is neither officer nor guardian", name))
		}
	}
	return errors.Join(faults...)
}
