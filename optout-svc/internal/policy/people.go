package policy

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/request"
)

// ifChildAsked is the one condition that a requirement may have.
const ifChildAsked = "child_is_asked"

// ways are the channels: exactly those that there are.
func (d *document) ways(p *Policy) error {
	var errs []error
	for _, c := range request.Channels() {
		text, found := d.Channels[string(c)]
		if !found {
			errs = append(errs, fmt.Errorf("channels.%s: missing", c))
			continue
		}
		if text.Code == "" || text.MayState == nil {
			errs = append(errs, fmt.Errorf("channels.%s: code and officer_may_state are needed", c))
			continue
		}
		needs, err := d.needs("channels."+string(c), text.Evidence)
		errs = append(errs, err)
		p.channels[c] = channel{code: text.Code, mayState: *text.MayState, evidence: needs}
	}
	for _, name := range slices.Sorted(maps.Keys(d.Channels)) {
		if !slices.Contains(request.Channels(), request.Channel(name)) {
			errs = append(errs, fmt.Errorf("channels.%s: there is no such channel", name))
		}
	}
	// Evidence that the online form could never carry would let its requests wait for ever; a statement by
	// a privacy officer would let them pass unconfirmed.
	if online := p.channels[request.Online]; online.mayState || len(online.evidence) > 0 {
		errs = append(errs, errors.New("channels.online: its proof is the code; it has no evidence and no statement"))
	}
	return errors.Join(errs...)
}

// people are the requesters: those that there are, and others that may not ask.
func (d *document) people(p *Policy) error {
	var errs []error
	for _, r := range request.Requesters() {
		if _, found := d.Requesters[string(r)]; !found {
			errs = append(errs, fmt.Errorf("requesters.%s: missing", r))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(d.Requesters)) {
		r, err := d.requester(name, d.Requesters[name])
		errs = append(errs, err)
		p.requesters[name] = r
	}
	return errors.Join(errs...)
}

func (d *document) requester(name string, text requesterText) (requester, error) {
	path := "requesters." + name
	known := slices.Contains(request.Requesters(), request.Requester(name))
	needs, err := d.needs(path, text.Evidence)
	switch {
	case err != nil:
		return requester{}, err
	case text.MayAsk == nil:
		return requester{}, fmt.Errorf("%s: may_ask is needed", path)
	case !*text.MayAsk && (text.Why == "" || len(needs) > 0 || text.ChildrenOnly || text.AdultsOnly):
		return requester{}, fmt.Errorf("%s: who may not ask has a why, and nothing else", path)
	case *text.MayAsk && (!known || text.Why != ""):
		return requester{}, fmt.Errorf("%s: there is no such requester, or a why that is never told", path)
	case text.ChildrenOnly && text.AdultsOnly:
		return requester{}, fmt.Errorf("%s: for children only and for adults only is for nobody", path)
	case name == string(request.Self) && (!*text.MayAsk || text.ChildrenOnly || text.AdultsOnly):
		return requester{}, fmt.Errorf("%s: everybody may ask for themselves", path)
	case name != string(request.Self) && *text.MayAsk && len(needs) == 0:
		return requester{}, fmt.Errorf("%s: nobody acts for another without evidence", path)
	}
	return requester{mayAsk: *text.MayAsk, why: text.Why, childrenOnly: text.ChildrenOnly, adultsOnly: text.AdultsOnly, evidence: needs}, nil
}

// needs checks a list of evidence against the kinds that there are.
func (d *document) needs(path string, texts []needText) ([]requirement, error) {
	var needs []requirement
	for i, text := range texts {
		if len(text.OneOf) == 0 {
			return nil, fmt.Errorf("%s.evidence[%d]: one_of is empty", path, i)
		}
		if text.If != "" && text.If != ifChildAsked {
			return nil, fmt.Errorf("%s.evidence[%d]: if can only be %q", path, i, ifChildAsked)
		}
		for _, name := range text.OneOf {
			if _, found := d.Evidence[name]; !found {
				return nil, fmt.Errorf("%s.evidence[%d]: there is no evidence %q", path, i, name)
			}
		}
		needs = append(needs, requirement{oneOf: text.OneOf, ifAsked: text.If == ifChildAsked})
	}
	return needs, nil
}

// used refuses kinds of evidence that no list names: they are slips.
func (d *document) used(p *Policy) error {
	named := map[string]bool{}
	note := func(needs []requirement) {
		for _, n := range needs {
			for _, name := range n.oneOf {
				named[name] = true
			}
		}
	}
	for _, c := range p.channels {
		note(c.evidence)
	}
	for _, r := range p.requesters {
		note(r.evidence)
	}
	for _, name := range slices.Sorted(maps.Keys(p.items)) {
		if !named[name] {
			return fmt.Errorf("evidence.%s: nobody asks for it", name)
		}
	}
	return nil
}
