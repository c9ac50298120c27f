package request_test

import (
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/choice"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/request"
)

// life is one request of a person, as a service would keep it, with what the test remembers of it.
type life struct {
	facts request.Facts
	// number of the choice that it made, and what was in force before; 0 when it made none.
	number       int64
	sealedBefore bool
	// officerChecked and leadAllowed: that person acted since it was last matched. What Next is told could
	// be wrong; these are not what it is told.
	officerChecked, officerSignedOff, leadAllowed, codeCameBack bool
}

// made is one choice, as the history of the person keeps it.
type made struct {
	number int64
	sealed bool
}

// person has requests, a standing, and the history from which it must follow.
type person struct {
	standing choice.Standing
	history  []made
	requests []*life
}

// TestRandomHistories: whatever happens to the requests of a person, in whatever order and by whomever, the
// choice in force is the last of the history, numbers go up by one, nothing final moves, and nothing takes
// effect without what the issue demands.
func TestRandomHistories(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		p := &person{}
		for range rapid.IntRange(1, 3).Draw(r, "requests") {
			p.requests = append(p.requests, &life{facts: request.Facts{
				Choice:              rapid.SampledFrom([]request.Choice{request.Out, request.Out, request.In}).Draw(r, "choice"),
				Channel:             rapid.SampledFrom(request.Channels()).Draw(r, "channel"),
				Requester:           rapid.SampledFrom(request.Requesters()).Draw(r, "requester"),
				Candidate:           rapid.IntRange(0, 4).Draw(r, "candidate") == 0,
				Child:               rapid.Bool().Draw(r, "child"),
				SafeguardingEntries: rapid.Bool().Draw(r, "entries"),
			}})
		}
		for range rapid.IntRange(1, 60).Draw(r, "steps") {
			l := p.requests[rapid.IntRange(0, len(p.requests)-1).Draw(r, "which")]
			if rapid.IntRange(0, 9).Draw(r, "news") == 0 { // something becomes known meanwhile
				l.facts.SafeguardingEntries = rapid.Bool().Draw(r, "entries now")
				l.facts.Expired = rapid.Bool().Draw(r, "expired")
			}
			p.step(r, l, likely(r, l.facts.State), rapid.SampledFrom(request.Actors()).Draw(r, "actor"))
			p.holds(r)
		}
	})
}

// likely draws an event, mostly one that the state knows, or the histories would go nowhere.
func likely(r *rapid.T, from request.State) request.Event {
	known := map[request.State][]request.Event{
		request.None:          {request.Submit, request.Submit, request.Renew},
		request.Received:      {request.Match, request.NoMatch, request.RecordEvidence},
		request.NeedsMatching: {request.Match, request.RecordEvidence},
		request.NeedsEvidence: {request.RecordEvidence, request.RecordEvidence, request.Confirm, request.AllowSafeguarding, request.SignOff},
		request.Ready:         {request.MakeEffective, request.MakeEffective, request.Duplicate, request.Reconsider},
		request.Effective:     {request.Reverse},
	}[from]
	if len(known) == 0 || rapid.IntRange(0, 3).Draw(r, "any") == 0 {
		known = request.Events()
	}
	return rapid.SampledFrom(known).Draw(r, "event")
}

// step does what a service does: bring in what the event brings, ask, and write only what was allowed.
func (p *person) step(r *rapid.T, l *life, e request.Event, a request.Actor) {
	told := l.facts
	told.Sealed = told.Matched && p.standing.Sealed
	told.InForce = l.number != 0 && l.number == p.standing.Number
	bring(&told, e, rapid.Bool().Draw(r, "brings"))
	if e == request.Match {
		told.Sealed = p.standing.Sealed
	}
	step, err := request.Next(told, e, a)
	if err != nil {
		var refusal *request.Error
		if !errors.As(err, &refusal) || refusal.Reason == "" || refusal.Text == "" || step != (request.Step{}) {
			r.Fatalf("%s by %s: %+v, %v", e, a, step, err)
		}
		return
	}
	before := l.facts.State
	if before.Final() {
		r.Fatalf("%s moved what was %s", e, before)
	}
	l.note(e, a, told)
	l.facts = told
	l.facts.State = step.To
	p.apply(r, l, step)
}

// bring sets the facts that an event brings with it.
func bring(f *request.Facts, e request.Event, well bool) {
	switch e {
	case request.Match, request.NoMatch:
		f.Matched = e == request.Match
		f.Confirmed, f.Checked, f.SignedOff, f.SafeguardingAllowed = false, false, false, false
	case request.RequestEvidence:
		f.Asked = true
	case request.RecordEvidence:
		f.Checked = f.Matched && well
		f.Asked = f.Asked && !well
	case request.Confirm:
		f.Confirmed = f.Confirmed || well
	case request.AllowSafeguarding:
		f.SafeguardingAllowed = true
	case request.SignOff:
		f.SignedOff = true
	default:
	}
}

// note remembers who has acted, apart from the facts.
func (l *life) note(e request.Event, a request.Actor, told request.Facts) {
	switch e {
	case request.Match, request.NoMatch:
		l.officerChecked, l.officerSignedOff, l.leadAllowed, l.codeCameBack = false, false, false, false
	case request.RecordEvidence:
		l.officerChecked = a == request.Officer && told.Checked
	case request.SignOff:
		l.officerSignedOff = a == request.Officer
	case request.AllowSafeguarding:
		l.leadAllowed = a == request.Lead
	case request.Confirm:
		l.codeCameBack = a == request.Person && told.Confirmed
	default:
	}
}

// apply makes the choice that a step makes.
func (p *person) apply(r *rapid.T, l *life, step request.Step) {
	var next choice.Standing
	var err error
	switch step.Effect {
	case request.NoEffect:
		return
	case request.NewOut:
		next, err = p.standing.OptOut()
	case request.NewIn:
		next, err = p.standing.OptIn(p.standing.Number)
	case request.RestoreEarlier:
		next, err = p.standing.Undo(l.number, l.sealedBefore)
	}
	if err != nil {
		r.Fatalf("the step was allowed, the choice is not: %+v, %v", p.standing, err)
	}
	if step.Effect != request.RestoreEarlier {
		mayTakeEffect(r, l)
		l.number, l.sealedBefore = next.Number, p.standing.Sealed
	}
	p.history = append(p.history, made{next.Number, next.Sealed})
	p.standing = next
}

// mayTakeEffect is the issue's own words, by who has acted.
func mayTakeEffect(r *rapid.T, l *life) {
	f := l.facts
	switch {
	case !f.Matched:
		r.Fatalf("effect on a guess: %+v", f)
	case f.Requester != request.Self && !l.officerChecked:
		r.Fatalf("effect on behalf of another without a privacy officer's check: %+v", f)
	case f.Requester != request.Self && f.Child && f.SafeguardingEntries && !l.leadAllowed:
		r.Fatalf("effect about a child with safeguarding entries without the lead: %+v", f)
	case f.Candidate && !l.officerSignedOff:
		r.Fatalf("an older register's row took effect by itself: %+v", f)
	case !f.Candidate && f.Channel == request.Online && !l.codeCameBack && !l.officerChecked:
		r.Fatalf("an online request took effect unconfirmed: %+v", f)
	case !f.Candidate && f.Channel != request.Online && !l.officerChecked:
		r.Fatalf("effect without evidence checked: %+v", f)
	case f.Asked:
		r.Fatalf("effect though something was asked for: %+v", f)
	}
}

// holds checks the person after every step.
func (p *person) holds(r *rapid.T) {
	for i, m := range p.history {
		if m.number != int64(i+1) {
			r.Fatalf("choice %d has number %d", i+1, m.number)
		}
	}
	var last made
	if n := len(p.history); n > 0 {
		last = p.history[n-1]
	}
	if p.standing != (choice.Standing{Number: last.number, Sealed: last.sealed}) {
		r.Fatalf("in force %+v, history ends in %+v", p.standing, last)
	}
	for _, l := range p.requests {
		s := l.facts.State
		if (s == request.NeedsEvidence || s == request.Ready || s == request.Effective) && !l.facts.Matched {
			r.Fatalf("%s and not matched", s)
		}
		if (s == request.Effective || s == request.Reversed) != (l.number > 0) {
			r.Fatalf("%s with choice %d", s, l.number)
		}
	}
}
