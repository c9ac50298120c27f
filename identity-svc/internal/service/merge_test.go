package service_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/dorsetcarerecord/dcr/identity-svc/internal/service"
	"github.com/dorsetcarerecord/dcr/identity-svc/internal/store"
	"github.com/dorsetcarerecord/dcr/internal/fault"
	"github.com/dorsetcarerecord/dcr/internal/testkit"
	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
	recordv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/record/v1"
)

// story is what the peers of merges were told, in one order.
type story struct {
	mu   sync.Mutex
	told []string
}

func (s *story) tell(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.told) == 0 || s.told[len(s.told)-1] != what {
		s.told = append(s.told, what)
	}
}

func (s *story) heard() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.told)
}

// linkPeer is optout-svc as far as merges meet it: it is down, waits for record-svc, or has linked everything.
type linkPeer struct {
	optoutv1.UnimplementedLinkServiceServer
	*story
	mu          sync.Mutex
	down, waits bool
	actor       *auditv1.Actor
}

func (l *linkPeer) set(down, waits bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down, l.waits = down, waits
}

func (l *linkPeer) answer(what string, actor *auditv1.Actor) (inEffect bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down {
		return false, fault.Unavailable("DOWN", "down")
	}
	l.actor = actor
	l.tell(what)
	return !l.waits, nil
}

// LinkNumbers links.
func (l *linkPeer) LinkNumbers(_ context.Context, req *optoutv1.LinkNumbersRequest) (*optoutv1.LinkNumbersResponse, error) {
	inEffect, err := l.answer("link "+req.GetNhsNumber()+" "+req.GetOtherNhsNumber(), req.GetActor())
	return &optoutv1.LinkNumbersResponse{InEffect: inEffect}, err
}

// UnlinkNumbers parts.
func (l *linkPeer) UnlinkNumbers(_ context.Context, req *optoutv1.UnlinkNumbersRequest) (*optoutv1.UnlinkNumbersResponse, error) {
	inEffect, err := l.answer("unlink "+req.GetNhsNumber()+" "+req.GetOtherNhsNumber(), req.GetActor())
	return &optoutv1.UnlinkNumbersResponse{InEffect: inEffect}, err
}

// numberPeer is record-svc as far as merges meet it.
type numberPeer struct {
	recordv1.UnimplementedMergeServiceServer
	*story
	hasRecord bool
}

// RetireNumber retires.
func (n *numberPeer) RetireNumber(_ context.Context, req *recordv1.RetireNumberRequest) (*recordv1.RetireNumberResponse, error) {
	n.tell("retire " + req.GetNhsNumber())
	return &recordv1.RetireNumberResponse{Retired: !n.hasRecord}, nil
}

// RestoreNumber restores.
func (n *numberPeer) RestoreNumber(_ context.Context, req *recordv1.RestoreNumberRequest) (*recordv1.RestoreNumberResponse, error) {
	n.tell("restore " + req.GetNhsNumber())
	return &recordv1.RestoreNumberResponse{}, nil
}

// leader leads merges to the peers.
func (h *house) leader(s *store.Store) *service.Leader {
	h.t.Helper()
	both := &story{}
	h.links.story, h.numbers.story = both, both
	optOut := testkit.Serve(h.t, h.dir, "optout-svc", map[string][]string{optoutv1.LinkService_ServiceDesc.ServiceName: {"identity-svc"}},
		func(r grpc.ServiceRegistrar) { optoutv1.RegisterLinkServiceServer(r, h.links) }, nil)
	record := testkit.Serve(h.t, h.dir, "record-svc", map[string][]string{recordv1.MergeService_ServiceDesc.ServiceName: {"identity-svc"}},
		func(r grpc.ServiceRegistrar) { recordv1.RegisterMergeServiceServer(r, h.numbers) }, nil)
	return &service.Leader{
		Store:  s,
		OptOut: optoutv1.NewLinkServiceClient(testkit.Dial(h.t, h.dir, "identity-svc", "optout-svc", optOut)),
		Record: recordv1.NewMergeServiceClient(testkit.Dial(h.t, h.dir, "identity-svc", "record-svc", record)),
		Now:    time.Now, NewID: uuid.NewV7,
	}
}

func (h *house) merging() identityv1.MergeServiceClient {
	return identityv1.NewMergeServiceClient(h.dial("gateway"))
}

// merge asks for one of superseded into inForce.
func (h *house) merge(inForce, superseded string) (*identityv1.Merge, error) {
	h.t.Helper()
	resp, err := h.merging().MergeNumbers(h.t.Context(), &identityv1.MergeNumbersRequest{
		RequestId: uuid.NewString(), NhsNumber: inForce, SupersededNhsNumber: superseded, Reason: "case 4711", Event: h.event("number.merge"),
	})
	return resp.GetMerge(), err
}

func (h *house) unmerge(id string) (*identityv1.Merge, error) {
	h.t.Helper()
	resp, err := h.merging().UnmergeNumbers(h.t.Context(), &identityv1.UnmergeNumbersRequest{
		RequestId: uuid.NewString(), Id: id, Reason: "another person", Event: h.event("number.unmerge"),
	})
	return resp.GetMerge(), err
}

func (h *house) mergeState(id string) identityv1.MergeState {
	h.t.Helper()
	return must[*identityv1.GetMergeResponse](h.t)(h.merging().GetMerge(h.t.Context(), &identityv1.GetMergeRequest{Id: id})).GetMerge().GetState()
}

// finds tells under which number the person is found who is looked up under another; empty when nobody is.
func (h *house) finds(number string) string {
	h.t.Helper()
	got, err := h.patients.GetPatient(h.t.Context(), &identityv1.GetPatientRequest{NhsNumber: number})
	if fault.ReasonOf(err) == "PATIENT_NOT_FOUND" {
		return ""
	}
	return must[*identityv1.GetPatientResponse](h.t)(got, err).GetPatient().GetNhsNumber()
}

const (
	linking   = identityv1.MergeState_MERGE_STATE_LINKING
	linked    = identityv1.MergeState_MERGE_STATE_LINKED
	published = identityv1.MergeState_MERGE_STATE_PUBLISHED
	unlinking = identityv1.MergeState_MERGE_STATE_UNLINKING
	unmerged  = identityv1.MergeState_MERGE_STATE_UNMERGED
)

// TestMerge: of a number without a record, from its beginning to its undoing, with an event of each step for each
// of the numbers.
func TestMerge(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.county()
	h.send(h.message(hospital, 1))
	one, err := h.merge(person, other)
	if err != nil || one.GetState() != published || one.GetLinkedAt() == nil || one.GetPublishedAt() == nil {
		t.Fatalf("merge: %v, %v", one, err)
	}
	if got := h.finds(other); got != person {
		t.Errorf("looked up under the superseded number: %q", got)
	}
	if h.links.actor.GetStaffId() == "" {
		t.Errorf("optout-svc was told that %v asked", h.links.actor)
	}
	undone, err := h.unmerge(one.GetId())
	if err != nil || undone.GetState() != unmerged || undone.GetUnmergedAt() == nil {
		t.Fatalf("unmerge: %v, %v", undone, err)
	}
	if got := h.finds(other); got != "" {
		t.Errorf("looked up under a number that nobody has: %q", got)
	}
	want := []string{
		"link " + person + " " + other, "retire " + other, "unlink " + person + " " + other, "restore " + other,
	}
	if got := h.links.heard(); !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
	for action, n := range map[string]int{"number.merge": 2, "number.unmerge": 2, "number.merge_step": 6} {
		eventually(t, "events of "+action, func() bool { return len(h.audit.byAction(action)) == n })
		about := map[string]int{}
		for _, e := range h.audit.byAction(action) {
			about[e.GetNhsNumber()]++
		}
		if about[person] != n/2 || about[other] != n/2 {
			t.Errorf("%s: %v", action, about)
		}
	}
	if _, err := h.merge(person, other); err != nil {
		t.Errorf("merged anew: %v", err)
	}
}

// TestNothingBeforeTheLink: while optout-svc is down, and while record-svc has not confirmed the seals, the
// superseded number is found under itself; when they are there it goes on by itself.
func TestNothingBeforeTheLink(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.county()
	m := h.message(hospital, 1)
	m.NhsNumber, m.Patient = other, somebody(other)
	h.send(m)
	h.send(h.message(hospital, 1))
	h.links.set(true, false)
	one, err := h.merge(person, other)
	if err != nil || one.GetState() != linking || h.finds(other) != other {
		t.Fatalf("optout-svc is down: %v, %v, found %q", one, err, h.finds(other))
	}
	h.links.set(false, true)
	eventually(t, "told", func() bool { return len(h.links.heard()) > 0 })
	if state := h.mergeState(one.GetId()); state != linking || h.finds(other) != other {
		t.Errorf("not sealed everywhere: %v, found %q", state, h.finds(other))
	}
	h.links.set(false, false)
	eventually(t, "published", func() bool { return h.mergeState(one.GetId()) == published && h.finds(other) == person })

	// Undone: found under itself again only when both are sealed.
	h.links.set(false, true)
	undone, err := h.unmerge(one.GetId())
	if err != nil || undone.GetState() != unlinking || h.finds(other) != person {
		t.Errorf("not sealed everywhere: %v, %v, found %q", undone, err, h.finds(other))
	}
	h.links.set(false, false)
	eventually(t, "unmerged", func() bool { return h.mergeState(one.GetId()) == unmerged && h.finds(other) == other })
}

// TestRecordsAreNotHidden: a number that has a record is linked and not superseded, since its entries are not moved.
func TestRecordsAreNotHidden(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.county()
	m := h.message(hospital, 1)
	m.NhsNumber, m.Patient = other, somebody(other)
	h.send(m)
	h.numbers.hasRecord = true
	one, err := h.merge(person, other)
	if err != nil || one.GetState() != linked || h.finds(other) != other {
		t.Errorf("merge: %v, %v, found %q", one, err, h.finds(other))
	}
}

// TestUnmergeOvertakes: a merge that is undone before optout-svc heard of it is never linked, and both are sealed.
func TestUnmergeOvertakes(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.links.set(true, false)
	one := must[*identityv1.Merge](t)(h.merge(person, other))
	if undone := must[*identityv1.Merge](t)(h.unmerge(one.GetId())); undone.GetState() != unlinking {
		t.Errorf("undone: %v", undone)
	}
	h.links.set(false, false)
	eventually(t, "unmerged", func() bool { return h.mergeState(one.GetId()) == unmerged })
	if got, want := h.links.heard(), []string{"unlink " + person + " " + other, "restore " + other}; !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
}

// TestMergesRefused: what cannot be merged or undone, with its reason.
func TestMergesRefused(t *testing.T) {
	t.Parallel()
	h := open(t)
	const third = "9990008744"
	one := must[*identityv1.Merge](t)(h.merge(person, other))
	for _, c := range []struct {
		inForce, superseded string
		code                codes.Code
		reason              string
	}{
		{person, person, codes.InvalidArgument, "SAME_NUMBER"},
		{person, "9990000019", codes.InvalidArgument, "INVALID_NHS_NUMBER"},
		{"1234567890", person, codes.InvalidArgument, "INVALID_NHS_NUMBER"},
		{person, other, codes.AlreadyExists, "ALREADY_MERGED"},
		{third, other, codes.AlreadyExists, "ALREADY_MERGED"},
		{other, third, codes.AlreadyExists, "ALREADY_MERGED"},
		{third, person, codes.AlreadyExists, "ALREADY_MERGED"},
		{other, person, codes.AlreadyExists, "ALREADY_MERGED"},
	} {
		_, err := h.merge(c.inForce, c.superseded)
		wants(t, err, c.code, c.reason)
	}
	if _, err := h.merge(person, third); err != nil {
		t.Errorf("a second number into the same one: %v", err)
	}
	_, err := h.unmerge(uuid.NewString())
	wants(t, err, codes.NotFound, "MERGE_NOT_FOUND")
	must[*identityv1.Merge](t)(h.unmerge(one.GetId()))
	_, err = h.unmerge(one.GetId())
	wants(t, err, codes.FailedPrecondition, "ALREADY_UNMERGED")
	_, err = identityv1.NewMergeServiceClient(h.dial("optout-svc")).GetMerge(t.Context(), &identityv1.GetMergeRequest{Id: one.GetId()})
	wants(t, err, codes.PermissionDenied, "CALLER_NOT_ALLOWED")
	page := must[*identityv1.ListMergesResponse](t)(h.merging().ListMerges(t.Context(), &identityv1.ListMergesRequest{NhsNumber: person, PageSize: 1}))
	if len(page.GetMerges()) != 1 || page.GetMerges()[0].GetSupersededNhsNumber() != third || page.GetNextAfterId() == "" {
		t.Errorf("first page: %v", page)
	}
	page = must[*identityv1.ListMergesResponse](t)(h.merging().ListMerges(t.Context(), &identityv1.ListMergesRequest{NhsNumber: other, AfterId: page.GetNextAfterId()}))
	if len(page.GetMerges()) != 1 || page.GetMerges()[0].GetId() != one.GetId() || page.GetNextAfterId() != "" {
		t.Errorf("second page: %v", page)
	}
}

// TestOppositeMerges: of two merges that would make a circle, asked for at the same moment, one is refused.
func TestOppositeMerges(t *testing.T) {
	t.Parallel()
	h := open(t)
	errs := make([]error, 2)
	var both sync.WaitGroup
	both.Go(func() { _, errs[0] = h.merge(person, other) })
	both.Go(func() { _, errs[1] = h.merge(other, person) })
	both.Wait()
	if (errs[0] == nil) == (errs[1] == nil) {
		t.Errorf("both, or none: %v, %v", errs[0], errs[1])
	}
}
