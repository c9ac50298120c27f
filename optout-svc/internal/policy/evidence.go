package policy

import (
	"slices"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/request"
)

// Carried is what has to be recorded with a piece of evidence.
type Carried string

// What evidence can carry.
const (
	CarriesText     Carried = "text"
	CarriesDate     Carried = "date"
	CarriesDocument Carried = "document"
)

// Item is a kind of evidence.
type Item struct {
	// Name is stable: what a recorded piece of evidence is filed under.
	Name string
	// Title for people, such as "the reference of the call".
	Title string
	// Carries is what has to be recorded with it. It must not be changed.
	Carries []Carried
}

// Needs tells whether that has to be recorded with the item.
func (i Item) Needs(c Carried) bool { return slices.Contains(i.Carries, c) }

// requirement is satisfied by one of these.
type requirement struct {
	oneOf []string
	// ifAsked: only when the person is a child who is asked.
	ifAsked bool
}

// Requirement is something that has to be shown: any one of these.
type Requirement struct {
	// OneOf of them is enough.
	OneOf []Item
}

// MayAsk decides whether somebody in that relation may ask for a person of that age in whole years; the text
// says why not. A relation that the policy does not name may not.
func (p *Policy) MayAsk(relation string, age int) (ok bool, why string) {
	r, known := p.requesters[relation]
	switch {
	case !known:
		return false, "The person, a parent, or an attorney or deputy asks."
	case !r.mayAsk:
		return false, r.why
	case relation == string(request.Self) && age < p.child.AskedFrom:
		// Or a parent could pass for the child, and need no evidence.
		return false, "For a child of this age a holder of parental responsibility asks."
	case r.childrenOnly && age >= p.child.Below:
		return false, "A parent can ask for a child only. An adult asks, or their attorney or deputy."
	case r.adultsOnly && age < p.child.Below:
		return false, "An attorney or deputy acts for an adult. For a child, a holder of parental responsibility asks."
	}
	return true, ""
}

// IsChild tells whether somebody else can have parental responsibility for a person of that age.
func (p *Policy) IsChild(age int) bool { return age < p.child.Below }

// IsAsked tells whether a person of that age is a child who has to be asked.
func (p *Policy) IsAsked(age int) bool { return p.IsChild(age) && age >= p.child.AskedFrom }

// Required is what has to be shown for a request, in the policy's order: the channel's list, then the
// requester's.
func (p *Policy) Required(r request.Requester, c request.Channel, age int) []Requirement {
	var all []Requirement
	for _, list := range [][]requirement{p.channels[c].evidence, p.requesters[string(r)].evidence} {
		for _, need := range list {
			if need.ifAsked && !p.IsAsked(age) {
				continue
			}
			var one Requirement
			for _, name := range need.oneOf {
				one.OneOf = append(one.OneOf, p.items[name])
			}
			all = append(all, one)
		}
	}
	return all
}

// Missing is what of it has not been shown, given the names of what has. Nothing missing is not yet
// "checked": that is a privacy officer's word.
func (p *Policy) Missing(r request.Requester, c request.Channel, age int, shown []string) []Requirement {
	return slices.DeleteFunc(p.Required(r, c, age), func(need Requirement) bool {
		return slices.ContainsFunc(need.OneOf, func(i Item) bool { return slices.Contains(shown, i.Name) })
	})
}
