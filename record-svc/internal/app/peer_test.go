package app

import (
	"context"
	"slices"
	"sync"

	"github.com/dorsetcarerecord/dcr/internal/fault"
	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
)

// outage makes a peer answer that it is not available.
type outage struct {
	mu   sync.Mutex
	down bool
}

func (o *outage) set(down bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.down = down
}

func (o *outage) check() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.down {
		return fault.Unavailable("DOWN", "Out of service.")
	}
	return nil
}

// auditPeer is an audit-svc that remembers what is appended.
type auditPeer struct {
	auditv1.UnimplementedAppendServiceServer
	outage
	events []*auditv1.Event
}

// Append remembers events.
func (a *auditPeer) Append(_ context.Context, req *auditv1.AppendRequest) (*auditv1.AppendResponse, error) {
	if err := a.check(); err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.events = append(a.events, req.GetEvents()...)
	return &auditv1.AppendResponse{}, nil
}

// appended are the events with this id.
func (a *auditPeer) appended(id string) []*auditv1.Event {
	a.mu.Lock()
	defer a.mu.Unlock()
	var found []*auditv1.Event
	for _, e := range a.events {
		if e.GetId() == id {
			found = append(found, e)
		}
	}
	return found
}

// identityPeer is an identity-svc that remembers facts.
type identityPeer struct {
	identityv1.UnimplementedFeedServiceServer
	outage
	facts []*identityv1.ApplyFeedFactsRequest
}

// ApplyFeedFacts remembers a message.
func (i *identityPeer) ApplyFeedFacts(_ context.Context, req *identityv1.ApplyFeedFactsRequest) (*identityv1.ApplyFeedFactsResponse, error) {
	if err := i.check(); err != nil {
		return nil, err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.facts = append(i.facts, req)
	return &identityv1.ApplyFeedFactsResponse{}, nil
}

// told is what it was told about a person, in order of arrival.
func (i *identityPeer) told(number string) []*identityv1.ApplyFeedFactsRequest {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(i.facts), func(f *identityv1.ApplyFeedFactsRequest) bool { return f.GetNhsNumber() != number })
}

// optoutPeer is an optout-svc that holds the people whom a waiting request may mean.
type optoutPeer struct {
	optoutv1.UnimplementedNewPersonServiceServer
	outage
	waiting map[string]bool // whom a request may mean, by number
	always  optoutv1.NewPersonVerdict
	// meanwhile happens once, between its next look and the answer.
	meanwhile func()
	asked     []*optoutv1.NewPerson
	calls     int
}

func newOptOutPeer() *optoutPeer { return &optoutPeer{waiting: map[string]bool{}} }

// CheckNewPersons answers for each.
func (o *optoutPeer) CheckNewPersons(_ context.Context, req *optoutv1.CheckNewPersonsRequest) (*optoutv1.CheckNewPersonsResponse, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	verdicts, meanwhile := o.judge(req)
	if meanwhile != nil {
		meanwhile()
	}
	return &optoutv1.CheckNewPersonsResponse{Verdicts: verdicts}, nil
}

// judge looks, and gives what is to happen before the answer leaves.
func (o *optoutPeer) judge(req *optoutv1.CheckNewPersonsRequest) (verdicts []optoutv1.NewPersonVerdict, meanwhile func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	meanwhile, o.meanwhile = o.meanwhile, nil
	o.calls++
	o.asked = append(o.asked, req.GetPeople()...)
	for _, p := range req.GetPeople() {
		verdict := optoutv1.NewPersonVerdict_NEW_PERSON_VERDICT_CLEAR
		if o.waiting[p.GetNhsNumber()] {
			verdict = optoutv1.NewPersonVerdict_NEW_PERSON_VERDICT_HELD
		}
		if o.always != 0 {
			verdict = o.always
		}
		verdicts = append(verdicts, verdict)
	}
	return verdicts, meanwhile
}

// answer has it answer the same for everybody.
func (o *optoutPeer) answer(always optoutv1.NewPersonVerdict) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.always = always
}

// waits says whether a request that may mean a person waits.
func (o *optoutPeer) waits(number string, waits bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.waiting[number] = waits
}

// questions are the people whom it was asked about under a number, in order.
func (o *optoutPeer) questions(number string) []*optoutv1.NewPerson {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(o.asked), func(p *optoutv1.NewPerson) bool { return p.GetNhsNumber() != number })
}
