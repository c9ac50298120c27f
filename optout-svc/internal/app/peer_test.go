package app

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	recordv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/record/v1"

	"github.com/dorsetcarerecord/dcr/internal/fault"
)

// mood is how a peer is at the moment.
type mood int

const (
	well  mood = iota
	down       // answers Unavailable
	hung       // takes the call and says nothing
	moody      // loses one call or one answer in three
)

// peer has a mood.
type peer struct {
	mu   sync.Mutex
	mood mood
}

func (p *peer) set(m mood) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mood = m
}

// fails says whether this call fails, before or after its work.
func (p *peer) fails(ctx context.Context) (before, after error) {
	p.mu.Lock()
	m := p.mood
	p.mu.Unlock()
	gone := fault.Unavailable("GONE", "gone")
	switch {
	case m == down, m == moody && rand.IntN(6) == 0:
		return gone, nil
	case m == moody && rand.IntN(6) == 0:
		return nil, gone
	case m == hung:
		<-ctx.Done()
		return ctx.Err(), nil
	}
	return nil, nil
}

// auditRecorder keeps the events that it took.
type auditRecorder struct {
	auditv1.UnimplementedAppendServiceServer
	peer
	events []*auditv1.Event
}

func newAuditRecorder() *auditRecorder { return &auditRecorder{} }

// Append takes events.
func (a *auditRecorder) Append(ctx context.Context, req *auditv1.AppendRequest) (*auditv1.AppendResponse, error) {
	before, after := a.fails(ctx)
	if before != nil {
		return nil, before
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, e := range req.GetEvents() {
		if !slices.ContainsFunc(a.events, func(known *auditv1.Event) bool { return known.GetId() == e.GetId() }) {
			a.events = append(a.events, e)
		}
	}
	return &auditv1.AppendResponse{}, after
}

func (a *auditRecorder) taken() []*auditv1.Event {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.events)
}

// kept is a choice as record-svc has it.
type kept struct {
	number int64
	sealed bool
}

// recordRecorder keeps the highest choice that it was told, as record-svc does.
type recordRecorder struct {
	recordv1.UnimplementedSealServiceServer
	peer
	recordv1.UnimplementedSafeguardingServiceServer
	forgetful bool // keeps nothing
	kept      map[string]kept
	told      []int64
	// safeguarded are the people with safeguarding entries.
	safeguarded map[string]bool
}

func newRecordRecorder() *recordRecorder {
	return &recordRecorder{kept: map[string]kept{}, safeguarded: map[string]bool{}}
}

// HasSafeguardingEntries tells what it was told to tell.
func (r *recordRecorder) HasSafeguardingEntries(ctx context.Context, req *recordv1.HasSafeguardingEntriesRequest) (*recordv1.HasSafeguardingEntriesResponse, error) {
	if before, _ := r.fails(ctx); before != nil {
		return nil, before
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return &recordv1.HasSafeguardingEntriesResponse{HasEntries: r.safeguarded[req.GetNhsNumber()]}, nil
}

func (r *recordRecorder) safeguards(nhsNumber string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.safeguarded[nhsNumber] = true
}

// ApplyChoice keeps the highest choice.
func (r *recordRecorder) ApplyChoice(ctx context.Context, req *recordv1.ApplyChoiceRequest) (*recordv1.ApplyChoiceResponse, error) {
	before, after := r.fails(ctx)
	if before != nil {
		return nil, before
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.told = append(r.told, req.GetChoiceNumber())
	if known := r.kept[req.GetNhsNumber()]; req.GetChoiceNumber() > known.number && !r.forgetful {
		r.kept[req.GetNhsNumber()] = kept{req.GetChoiceNumber(), req.GetSealed()}
	}
	now := r.kept[req.GetNhsNumber()]
	return &recordv1.ApplyChoiceResponse{ChoiceNumber: now.number, Sealed: now.sealed}, after
}

func (r *recordRecorder) has(nhsNumber string) kept {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.kept[nhsNumber]
}

func (r *recordRecorder) heard() []int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.told)
}
