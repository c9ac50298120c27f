package policy

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/request"
)

// The reasons that are not given by privacy officers alone. A policy without them is refused.
const (
	// RefusedAlreadyOut: the choice in force is out, and out was asked for.
	RefusedAlreadyOut = "already_opted_out"
	// RefusedNotOut: the choice in force is in, and in was asked for.
	RefusedNotOut = "not_opted_out"
	// RefusedNotConfirmed: an online request was not confirmed in time.
	RefusedNotConfirmed = "not_confirmed"
	// RefusedSafeguarding: the safeguarding lead declined it.
	RefusedSafeguarding = "safeguarding"
)

type refusalText struct {
	Title string          `yaml:"title"`
	By    []request.Actor `yaml:"by"`
}

// refusal is a reason and who may give it.
type refusal struct {
	title string
	by    []request.Actor
}

// MayRefuseFor tells whether that actor may refuse a request for that reason.
func (p *Policy) MayRefuseFor(reason string, by request.Actor) bool {
	return slices.Contains(p.refusals[reason].by, by)
}

// Refusals are the reasons for which that actor may refuse a request, sorted.
func (p *Policy) Refusals(by request.Actor) []string {
	var reasons []string
	for _, reason := range slices.Sorted(maps.Keys(p.refusals)) {
		if p.MayRefuseFor(reason, by) {
			reasons = append(reasons, reason)
		}
	}
	return reasons
}

// reasons are those of refusals, by who may give them.
func (d *document) reasons(p *Policy) error {
	p.refusals = map[string]refusal{}
	giving := []request.Actor{request.System, request.Officer, request.Lead}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(d.Refusals)) {
		r := d.Refusals[name]
		if r.Title == "" || len(r.By) == 0 {
			errs = append(errs, fmt.Errorf("refusals.%s: title and by are needed", name))
		}
		for _, by := range r.By {
			if !slices.Contains(giving, by) {
				errs = append(errs, fmt.Errorf("refusals.%s.by: %q refuses no requests", name, by))
			}
		}
		p.refusals[name] = refusal{title: r.Title, by: r.By}
	}
	for name, by := range map[string]request.Actor{
		RefusedAlreadyOut: request.System, RefusedNotOut: request.System, RefusedNotConfirmed: request.System, RefusedSafeguarding: request.Lead,
	} {
		if !p.MayRefuseFor(name, by) {
			errs = append(errs, fmt.Errorf("refusals.%s: must be, and be given by %q", name, by))
		}
	}
	if len(p.Refusals(request.Officer)) == 0 {
		errs = append(errs, errors.New("refusals: a privacy officer has none"))
	}
	return errors.Join(errs...)
}
