package pipeline

import (
	"context"

	"github.com/dorsetcarerecord/dcr/gateway/internal/access"
	"github.com/dorsetcarerecord/dcr/internal/fault"
)

// Reasons of record-svc, which checks the choice for itself.
const (
	reasonSealed         = "SEALED"
	reasonChoiceMismatch = "CHOICE_MISMATCH"
)

// decide applies the rule to the facts. It is the only way to a handler.
func (p *Pipeline) decide(ctx context.Context, a *attempt, next following) (any, error) {
	d := p.cfg.Policy.Decide(a.entry.Rule, a.facts)
	a.call.Decision, a.call.Relationship = d, d.Relationship
	if a.facts.Choice != nil {
		a.call.ChoiceNumber, a.call.Sealed = a.facts.Choice.Number, a.facts.Choice.Sealed
	}
	if !d.Permit {
		return nil, d.Refusal
	}
	a.permitted = true
	a.call.would = p.would(a)
	answer, err := next(With(ctx, a.call))
	if err != nil {
		return nil, p.inOurWords(err)
	}
	return answer, nil
}

// would decides by another rule on the facts of this call.
func (p *Pipeline) would(a *attempt) func(string) access.Decision {
	return func(method string) access.Decision {
		entry := p.cfg.Rules.Lookup(method)
		if entry == nil {
			return p.cfg.Policy.Decide(nil, a.facts)
		}
		return p.cfg.Policy.Decide(entry.Rule, a.facts)
	}
}

// inOurWords tells what record-svc found by itself as if the decision had: a
// seal that reached it first is an opt-out, and two copies of a choice that
// differ are facts that are not known yet.
func (p *Pipeline) inOurWords(err error) error {
	switch fault.ReasonOf(err) {
	case reasonSealed:
		return p.cfg.Policy.NoPatientConsent().Because(err)
	case reasonChoiceMismatch:
		return access.FactsUnavailable().Because(err)
	default:
		return err
	}
}

func runHandler(ctx context.Context, a *attempt) (any, error) { return a.handler(ctx, a.request) }
