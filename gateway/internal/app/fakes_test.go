package app

import (
	"context"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
	recordv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/record/v1"

	"github.com/dorsetcarerecord/dcr/internal/testkit"
)

// The people of these tests.
const (
	rich       = "9990002673" // has a relationship with the paramedic
	stranger   = "9990019576" // has none
	optedOut   = "9990072590" // has one, and opted out
	restricted = "9990088268" // has one, and is flagged sensitive
	unknown    = "9990097534" // nobody knows

	staffID = "0198a000-0000-7000-8000-000000000001"
	epoch   = "0198a000-0000-7000-8000-0000000000aa"
)

// behind is the four services behind the gateway, in memory: real gRPC servers
// over mutual TLS, with the caller lists of production. It records what it was
// asked, and fails where a test says so.
type behind struct {
	mu     sync.Mutex
	asked  []proto.Message
	events []*auditv1.Event
	// fail answers a method, by its full name, with an error.
	fail map[string]error
	// hold, when not nil, keeps record-svc's answers until it is closed; held
	// gets a value for each.
	hold, held chan struct{}
	// feed is what record-svc answers to a bundle.
	feed *recordv1.SubmitBundleResponse
	// record is the body of a record.
	record []byte
	// log is what audit-svc keeps, by id; a refusal of its own when empty.
	log map[string]*auditv1.Event
}

func (b *behind) note(m proto.Message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked = append(b.asked, proto.Clone(m))
}

// lastOf finds the last request of a type.
func lastOf[T proto.Message](t *testing.T, b *behind) T {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := len(b.asked) - 1; i >= 0; i-- {
		if m, ok := b.asked[i].(T); ok {
			return m
		}
	}
	var none T
	t.Fatalf("nobody asked for a %T", none)
	return none
}

// countOf counts requests of a type.
func countOf[T proto.Message](b *behind) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for _, m := range b.asked {
		if _, ok := m.(T); ok {
			n++
		}
	}
	return n
}

// accounted are the events with this action, in their order.
func (b *behind) accounted(action string) []*auditv1.Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []*auditv1.Event
	for _, e := range b.events {
		if e.GetAction() == action {
			all = append(all, e)
		}
	}
	return all
}

func (b *behind) set(change func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change()
}

// failing stands in every fake: it records the request and fails on demand.
func (b *behind) failing(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	if m, ok := req.(proto.Message); ok {
		b.note(m)
	}
	b.mu.Lock()
	err := b.fail[info.FullMethod]
	b.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return next(ctx, req)
}

// wrapped registers services so that failing stands before their methods.
type wrapped struct {
	grpc.ServiceRegistrar
	b *behind
}

func (w wrapped) RegisterService(desc *grpc.ServiceDesc, impl any) {
	own := *desc
	own.Methods = nil
	for _, m := range desc.Methods {
		inner := m.Handler
		m.Handler = func(srv any, ctx context.Context, dec func(any) error, chain grpc.UnaryServerInterceptor) (any, error) {
			return inner(srv, ctx, dec, func(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
				return chain(ctx, req, info, func(ctx context.Context, req any) (any, error) {
					return w.b.failing(ctx, req, info, next)
				})
			})
		}
		own.Methods = append(own.Methods, m)
	}
	w.ServiceRegistrar.RegisterService(&own, impl)
}

// start serves all four and gives their addresses by certificate name.
func (b *behind) start(t *testing.T, certs string) map[string]string {
	t.Helper()
	fakes := map[string]func(grpc.ServiceRegistrar){
		"identity-svc": func(r grpc.ServiceRegistrar) {
			identityv1.RegisterFactsServiceServer(r, &fakeFacts{})
			identityv1.RegisterPatientServiceServer(r, &fakePatients{})
			identityv1.RegisterRelationshipServiceServer(r, &fakeRelationships{})
			identityv1.RegisterDirectoryReadServiceServer(r, &fakeDirectory{})
			identityv1.RegisterDirectoryAdminServiceServer(r, &fakeAdmin{})
			identityv1.RegisterMergeServiceServer(r, &fakeMerges{})
		},
		"optout-svc": func(r grpc.ServiceRegistrar) {
			optoutv1.RegisterChoiceServiceServer(r, &fakeChoice{})
			optoutv1.RegisterOptOutReadServiceServer(r, &fakeOptOuts{})
			optoutv1.RegisterOptOutWriteServiceServer(r, &fakeOptOutWrites{})
		},
		"record-svc": func(r grpc.ServiceRegistrar) {
			recordv1.RegisterReadServiceServer(r, &fakeRecords{b: b})
			recordv1.RegisterFeedServiceServer(r, &fakeFeeds{b: b})
			recordv1.RegisterFeedReadServiceServer(r, &fakeRefusals{})
		},
		"audit-svc": func(r grpc.ServiceRegistrar) {
			auditv1.RegisterAppendServiceServer(r, &fakeAppend{b: b})
			auditv1.RegisterQueryServiceServer(r, &fakeQuery{b: b})
			auditv1.RegisterLogServiceServer(r, &fakeLog{})
			auditv1.RegisterCaseReadServiceServer(r, &fakeCases{})
			auditv1.RegisterCaseWriteServiceServer(r, &fakeCases{})
		},
	}
	addresses := map[string]string{}
	for peer, register := range fakes {
		names := &nameList{}
		register(names)
		callers := map[string][]string{}
		for _, name := range names.all {
			callers[name] = []string{name0}
		}
		addresses[peer] = testkit.Serve(t, certs, peer, callers,
			func(r grpc.ServiceRegistrar) { register(wrapped{r, b}) }, nil)
	}
	return addresses
}

// name0 is the certificate under which the gateway must call.
const name0 = "gateway"

// nameList collects the names of services.
type nameList struct{ all []string }

func (n *nameList) RegisterService(desc *grpc.ServiceDesc, _ any) {
	n.all = append(n.all, desc.ServiceName)
}
