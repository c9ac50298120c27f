package pipeline_test

import (
	"context"
	"slices"
	"sync"
	"testing"

	"google.golang.org/protobuf/proto"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"

	"github.com/dorsetcarerecord/dcr/gateway/internal/pipeline"
)

// diary is what happened, in order, in all processes of a test.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) add(line string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, line)
}

func (d *diary) all() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string(nil), d.lines...)
}

func (d *diary) count(line string) int {
	n := 0
	for _, l := range d.all() {
		if l == line {
			n++
		}
	}
	return n
}

// hook stands before a fake's answer; nil lets it pass.
type hook func(context.Context) error

func (h hook) run(ctx context.Context) error {
	if h == nil {
		return nil
	}
	return h(ctx)
}

// hang is a process that does not answer.
func hang(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

// identity is identity-svc's facts.
type identity struct {
	identityv1.UnimplementedFactsServiceServer
	diary *diary

	mu     sync.Mutex
	before hook
	staff  *identityv1.GetStaffFactsResponse
	system *identityv1.GetSystemFactsResponse
	asked  *identityv1.GetStaffFactsRequest
}

func (f *identity) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func (f *identity) now() (hook, *identityv1.GetStaffFactsResponse, *identityv1.GetSystemFactsResponse) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.before, proto.CloneOf(f.staff), proto.CloneOf(f.system)
}

// GetStaffFacts answers what the test set.
func (f *identity) GetStaffFacts(ctx context.Context, req *identityv1.GetStaffFactsRequest) (*identityv1.GetStaffFactsResponse, error) {
	f.diary.add("staff facts")
	before, staff, _ := f.now()
	f.set(func() { f.asked = req })
	return staff, before.run(ctx)
}

// GetSystemFacts answers what the test set.
func (f *identity) GetSystemFacts(ctx context.Context, _ *identityv1.GetSystemFactsRequest) (*identityv1.GetSystemFactsResponse, error) {
	f.diary.add("system facts")
	before, _, system := f.now()
	return system, before.run(ctx)
}

// optout is optout-svc's choices.
type optout struct {
	optoutv1.UnimplementedChoiceServiceServer
	diary *diary

	mu      sync.Mutex
	before  hook
	choices map[string]*optoutv1.GetChoiceResponse
}

func (f *optout) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// GetChoice answers what the test set; a person who never chose is open.
func (f *optout) GetChoice(ctx context.Context, req *optoutv1.GetChoiceRequest) (*optoutv1.GetChoiceResponse, error) {
	f.diary.add("choice of " + req.GetNhsNumber())
	f.mu.Lock()
	before, choice := f.before, f.choices[req.GetNhsNumber()]
	f.mu.Unlock()
	if choice == nil {
		choice = &optoutv1.GetChoiceResponse{}
	}
	return choice, before.run(ctx)
}

// audit is audit-svc: it keeps each event once, and may lose its answer.
type audit struct {
	auditv1.UnimplementedAppendServiceServer
	diary *diary

	mu sync.Mutex
	// before runs before anything is stored; after, between storing and answering.
	before, after hook
	// confirm changes what is confirmed.
	confirm func(*auditv1.AppendResponse)
	stored  []*auditv1.Event
	// begun are the beginnings of sessions, which stand beside the events of the calls.
	begun []*auditv1.Event
	tries []*auditv1.AppendRequest
}

func (f *audit) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func (f *audit) events() []*auditv1.Event {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]*auditv1.Event(nil), f.stored...)
}

func (f *audit) requests() []*auditv1.AppendRequest {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]*auditv1.AppendRequest(nil), f.tries...)
}

// only is the one event stored.
func (f *audit) only(t *testing.T) *auditv1.Event {
	t.Helper()
	events := f.events()
	if len(events) != 1 {
		t.Fatalf("%d events, want one: %v", len(events), events)
	}
	return events[0]
}

// Append stores events that it does not have yet.
func (f *audit) Append(ctx context.Context, req *auditv1.AppendRequest) (*auditv1.AppendResponse, error) {
	f.mu.Lock()
	before, after, confirm := f.before, f.after, f.confirm
	f.tries = append(f.tries, req)
	f.mu.Unlock()
	if err := before.run(ctx); err != nil {
		return nil, err
	}
	answer := &auditv1.AppendResponse{}
	f.mu.Lock()
	for _, e := range req.GetEvents() {
		f.store(e)
		answer.Leaves = append(answer.Leaves, &auditv1.Leaf{EventId: e.GetId()})
	}
	f.mu.Unlock()
	f.diary.add("event stored")
	if confirm != nil {
		confirm(answer)
	}
	return answer, after.run(ctx)
}

func (f *audit) store(e *auditv1.Event) {
	for _, have := range slices.Concat(f.stored, f.begun) {
		if have.GetId() == e.GetId() {
			return
		}
	}
	if e.GetAction() == pipeline.ActionSessionBegin {
		f.begun = append(f.begun, e)
		return
	}
	f.stored = append(f.stored, e)
}

func (f *audit) sessions() []*auditv1.Event {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.begun)
}
