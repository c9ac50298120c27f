package service_test

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/dorsetcarerecord/dcr/identity-svc/internal/relationship"
	"github.com/dorsetcarerecord/dcr/identity-svc/internal/service"
	"github.com/dorsetcarerecord/dcr/identity-svc/internal/store"
	"github.com/dorsetcarerecord/dcr/internal/accounting"
	"github.com/dorsetcarerecord/dcr/internal/fault"
	"github.com/dorsetcarerecord/dcr/internal/outbox"
	"github.com/dorsetcarerecord/dcr/internal/testkit"
	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
)

func TestMain(m *testing.M) { testkit.Main(m) }

const (
	issuer = "https://issuer.test"
	person = "9990002673" // and others of the test range
	other  = "9990004366"
)

// auditLog is audit-svc as far as we meet it: it keeps events by id, or is unreachable.
type auditLog struct {
	auditv1.UnimplementedAppendServiceServer

	mu     sync.Mutex
	down   bool
	events []*auditv1.Event
}

// Append keeps events, the same one once.
func (a *auditLog) Append(_ context.Context, req *auditv1.AppendRequest) (*auditv1.AppendResponse, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.down {
		return nil, fault.Unavailable("AUDIT_UNAVAILABLE", "down")
	}
	resp := &auditv1.AppendResponse{}
	for _, e := range req.GetEvents() {
		if !slices.ContainsFunc(a.events, func(k *auditv1.Event) bool { return k.GetId() == e.GetId() }) {
			a.events = append(a.events, e)
		}
		resp.Leaves = append(resp.Leaves, &auditv1.Leaf{EventId: e.GetId()})
	}
	return resp, nil
}

func (a *auditLog) setDown(down bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.down = down
}

// byAction are the kept events of an action.
func (a *auditLog) byAction(action string) []*auditv1.Event {
	a.mu.Lock()
	defer a.mu.Unlock()
	var found []*auditv1.Event
	for _, e := range a.events {
		if e.GetAction() == action {
			found = append(found, proto.CloneOf(e))
		}
	}
	return found
}

func (a *auditLog) byID(id string) *auditv1.Event {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, e := range a.events {
		if e.GetId() == id {
			return proto.CloneOf(e)
		}
	}
	return nil
}

// house is the service with real surroundings, and its callers.
type house struct {
	t     *testing.T
	audit *auditLog
	db    testkit.Handles
	dir   string
	addr  string

	mu  sync.Mutex
	now time.Time

	facts         identityv1.FactsServiceClient
	patients      identityv1.PatientServiceClient
	relationships identityv1.RelationshipServiceClient
	directory     identityv1.DirectoryReadServiceClient
	admin         identityv1.DirectoryAdminServiceClient
	feed          identityv1.FeedServiceClient

	links   *linkPeer
	numbers *numberPeer
}

// open starts identity-svc over mutual TLS with a database of its own and a recording audit-svc.
func open(t *testing.T) *house {
	t.Helper()
	h := &house{
		t: t, audit: &auditLog{}, db: testkit.Database(t, store.Schema, store.Migrations), now: time.Now(),
		dir:   testkit.Certs(t, "gateway", "record-svc", "identity-svc", "audit-svc", "optout-svc"),
		links: &linkPeer{}, numbers: &numberPeer{},
	}
	s, err := store.New(t.Context(), h.db.App)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	cfg := service.Config{Store: s, Outbox: h.startOutbox(s), Periods: relationship.Default(), Now: h.time, NewID: uuid.NewV7}
	callers := map[string][]string{
		identityv1.FeedService_ServiceDesc.ServiceName: {"record-svc"}, identityv1.MatchService_ServiceDesc.ServiceName: {"optout-svc"},
	}
	for _, d := range []grpc.ServiceDesc{
		identityv1.FactsService_ServiceDesc, identityv1.PatientService_ServiceDesc, identityv1.RelationshipService_ServiceDesc,
		identityv1.DirectoryReadService_ServiceDesc, identityv1.DirectoryAdminService_ServiceDesc, identityv1.MergeService_ServiceDesc,
	} {
		callers[d.ServiceName] = []string{"gateway"}
	}
	h.addr = testkit.Serve(t, h.dir, "identity-svc", callers, func(r grpc.ServiceRegistrar) {
		if err := service.Register(r, cfg); err != nil {
			t.Fatal(err)
		}
	}, nil)
	gateway := h.dial("gateway")
	h.facts, h.patients = identityv1.NewFactsServiceClient(gateway), identityv1.NewPatientServiceClient(gateway)
	h.relationships = identityv1.NewRelationshipServiceClient(gateway)
	h.directory, h.admin = identityv1.NewDirectoryReadServiceClient(gateway), identityv1.NewDirectoryAdminServiceClient(gateway)
	h.feed = identityv1.NewFeedServiceClient(h.dial("record-svc"))
	return h
}

// dial connects to the service as the process with that certificate.
func (h *house) dial(caller string) *grpc.ClientConn {
	return testkit.Dial(h.t, h.dir, caller, "identity-svc", h.addr)
}

// startOutbox runs the dispatcher towards the recording audit-svc, and towards the peers of merges.
func (h *house) startOutbox(s *store.Store) *outbox.Dispatcher {
	h.t.Helper()
	address := testkit.Serve(h.t, h.dir, "audit-svc", map[string][]string{
		auditv1.AppendService_ServiceDesc.ServiceName: {"identity-svc"},
	}, func(r grpc.ServiceRegistrar) { auditv1.RegisterAppendServiceServer(r, h.audit) }, nil)
	conn := testkit.Dial(h.t, h.dir, "identity-svc", "audit-svc", address)
	d, err := outbox.New(h.t.Context(), outbox.Config{
		DB: h.db.App, Log: slog.New(slog.DiscardHandler), Poll: 20 * time.Millisecond, FlushLimit: 500 * time.Millisecond,
		FirstBackoff: 10 * time.Millisecond, MaxBackoff: 50 * time.Millisecond,
		Handlers: map[string]outbox.Handler{
			accounting.Topic: accounting.Deliver(auditv1.NewAppendServiceClient(conn)), service.MergeTopic: h.leader(s).Deliver,
		},
	})
	if err != nil {
		h.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	h.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			h.t.Error(err)
		}
		_ = d.Close()
	})
	return d
}

// time is the service's clock.
func (h *house) time() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

// pass lets time pass for the service.
func (h *house) pass(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

// event is the context of a new attempt, at the service's time.
func (h *house) event(action string) *auditv1.EventContext {
	return &auditv1.EventContext{
		EventId: idAt(h.time()).String(), Action: action,
		Actor: &auditv1.Actor{
			Kind: auditv1.ActorKind_ACTOR_KIND_STAFF, StaffId: "0197a000-0000-7000-8000-000000000001", Display: "A. Caller",
			RoleCode: "R0260", OdsCode: "J81900", Session: "s-1", Issuer: issuer, Subject: "caller",
		},
		Basis:  &auditv1.Basis{Purpose: "direct_care", Rpc: action, PolicyVersion: "7"},
		Origin: &auditv1.Origin{RequestId: uuid.NewString(), Surface: "rest"},
	}
}

// idAt is a UUIDv7 of a time.
func idAt(at time.Time) uuid.UUID {
	id := uuid.Must(uuid.NewV7())
	ms := at.UnixMilli()
	for i := range 6 {
		id[i] = byte(ms >> (8 * (5 - i)))
	}
	return id
}

// wants asserts code and reason.
func wants(t *testing.T, err error, code codes.Code, reason string) {
	t.Helper()
	if status.Code(err) != code || fault.ReasonOf(err) != reason {
		t.Errorf("got %v %q, want %v %q", status.Code(err), fault.ReasonOf(err), code, reason)
	}
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// eventually waits for a condition that another goroutine brings about.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func at(when time.Time) *timestamppb.Timestamp { return timestamppb.New(when) }
