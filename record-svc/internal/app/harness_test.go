package app

import (
	"context"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/dorsetcarerecord/dcr/internal/daemon"
	"github.com/dorsetcarerecord/dcr/internal/devcert"
	"github.com/dorsetcarerecord/dcr/internal/fault"
	"github.com/dorsetcarerecord/dcr/internal/life"
	"github.com/dorsetcarerecord/dcr/internal/mtls"
	"github.com/dorsetcarerecord/dcr/internal/postgres"
	"github.com/dorsetcarerecord/dcr/internal/telemetry"
	"github.com/dorsetcarerecord/dcr/internal/testkit"
	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
	recordv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/record/v1"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/store"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// limit bounds a test's waits.
func limit(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// suite is a database, the peers of record-svc as real servers that remember what they are told, and
// certificates for everybody.
type suite struct {
	dir      string
	db       testkit.Handles
	audit    *auditPeer
	identity *identityPeer
	optout   *optoutPeer
	cfg      Config
}

// newSuite starts the peers. Nothing of record-svc runs yet.
func newSuite(t testing.TB) *suite {
	t.Helper()
	s := &suite{
		dir: testkit.Certs(t, name, gateway, optoutSvc, auditSvc, identitySvc, "dcrctl"),
		db:  testkit.Database(t, store.Schema, store.Migrations), audit: &auditPeer{}, identity: &identityPeer{},
		optout: newOptOutPeer(),
	}
	audit := testkit.Serve(t, s.dir, auditSvc, map[string][]string{auditv1.AppendService_ServiceDesc.ServiceName: {name}},
		func(r grpc.ServiceRegistrar) { auditv1.RegisterAppendServiceServer(r, s.audit) }, nil)
	identity := testkit.Serve(t, s.dir, identitySvc, map[string][]string{identityv1.FeedService_ServiceDesc.ServiceName: {name}},
		func(r grpc.ServiceRegistrar) { identityv1.RegisterFeedServiceServer(r, s.identity) }, nil)
	optout := testkit.Serve(t, s.dir, optoutSvc, map[string][]string{optoutv1.NewPersonService_ServiceDesc.ServiceName: {name}},
		func(r grpc.ServiceRegistrar) { optoutv1.RegisterNewPersonServiceServer(r, s.optout) }, nil)
	s.cfg = Config{
		AuditTarget: "static:///" + audit, IdentityTarget: "static:///" + identity, OptOutTarget: "static:///" + optout,
		Config: daemon.Config{
			Listen:    "127.0.0.1:0",
			Database:  postgres.Config{URL: s.db.AppURL},
			TLS:       mtls.Config{CertFile: devcert.CertFile(s.dir, name), KeyFile: devcert.KeyFile(s.dir, name), CAFile: devcert.CAFile(s.dir)},
			Telemetry: telemetry.Config{OpsListen: "127.0.0.1:0", Output: io.Discard, TraceRatio: 1},
			Life:      life.Config{GraceLimit: 5 * time.Second, StepLimit: 5 * time.Second},
		},
	}
	return s
}

// replica is one running record-svc, as its callers see it.
type replica struct {
	*suite
	feed    recordv1.FeedServiceClient
	refused recordv1.FeedReadServiceClient
	read    recordv1.ReadServiceClient
	seal    recordv1.SealServiceClient
	address string
	stop    func()
}

// start runs a record-svc until the test ends, with the configuration changed.
func (s *suite) start(t testing.TB, changes ...func(*Config)) *replica {
	t.Helper()
	cfg := s.cfg
	for _, change := range changes {
		change(&cfg)
	}
	lis, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		t.Fatal(err)
	}
	process, err := daemon.Prepare(limit(t), program(cfg), lis)
	if err != nil {
		t.Fatal(err)
	}
	r := &replica{suite: s, address: lis.Addr().String(), stop: run(t, process)}
	asGateway := r.dial(t, gateway)
	r.feed, r.refused = recordv1.NewFeedServiceClient(asGateway), recordv1.NewFeedReadServiceClient(asGateway)
	r.read, r.seal = recordv1.NewReadServiceClient(asGateway), recordv1.NewSealServiceClient(r.dial(t, optoutSvc))
	return r
}

// run runs a process until the test ends or the returned function is called.
func run(t testing.TB, process life.Process) (stop func()) {
	signals, ended := make(chan os.Signal, 1), make(chan error, 1)
	process.Signals = signals
	go func() { ended <- life.Run(context.Background(), process) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		signals <- syscall.SIGTERM
		if err := <-ended; err != nil {
			t.Errorf("stop: %v", err)
		}
	}
	t.Cleanup(stop)
	return stop
}

// dial connects to the replica as a process with that certificate.
func (r *replica) dial(t testing.TB, as string) *grpc.ClientConn {
	t.Helper()
	return testkit.Dial(t, r.dir, as, name, r.address)
}

// startOne is a suite with one record-svc.
func startOne(t testing.TB) *replica {
	t.Helper()
	return newSuite(t).start(t)
}

// wantReason fails unless err has this reason.
func wantReason(t testing.TB, err error, want string) {
	t.Helper()
	if got := fault.ReasonOf(err); err == nil || got != want {
		t.Errorf("answered %q (%v), want %s", got, err, want)
	}
}

// count is a number that the owner of the schema reads.
func (s *suite) count(t testing.TB, query string, args ...any) int {
	t.Helper()
	var n int
	if err := s.db.Owner.GetContext(limit(t), &n, query, args...); err != nil {
		t.Fatal(err)
	}
	return n
}

// eventually waits for a condition of another goroutine.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	ctx, ticker := limit(t), time.NewTicker(10*time.Millisecond)
	defer ticker.Stop()
	for !holds() {
		select {
		case <-ctx.Done():
			t.Fatalf("never: %s", what)
		case <-ticker.C:
		}
	}
}
