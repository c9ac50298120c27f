package app

import (
	"context"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
	recordv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/record/v1"
	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"

	"github.com/dorsetcarerecord/dcr/internal/daemon"
	"github.com/dorsetcarerecord/dcr/internal/devcert"
	"github.com/dorsetcarerecord/dcr/internal/fault"
	"github.com/dorsetcarerecord/dcr/internal/life"
	"github.com/dorsetcarerecord/dcr/internal/mtls"
	"github.com/dorsetcarerecord/dcr/internal/postgres"
	"github.com/dorsetcarerecord/dcr/internal/testkit"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/store"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// person and otherPerson are valid numbers of the test range.
const (
	person      = "9990000018"
	otherPerson = "9990000026"
)

// limit bounds a test's waits.
func limit(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// suite is optout-svc as it runs in production, between an audit-svc and a record-svc that note what they
// are told, and an identity-svc that knows a few people.
type suite struct {
	t       *testing.T
	dir     string
	db      testkit.Handles
	audit   *auditRecorder
	record  *recordRecorder
	people  *register
	cfg     Config
	address string
}

// newSuite prepares everything and starts one replica.
func newSuite(t *testing.T) *suite {
	t.Helper()
	s := prepareSuite(t)
	s.start()
	return s
}

// prepareSuite prepares everything and starts nothing.
func prepareSuite(t *testing.T) *suite {
	t.Helper()
	s := &suite{
		t: t, audit: newAuditRecorder(), record: newRecordRecorder(), people: newRegister(),
		db: testkit.Database(t, store.Schema, store.Migrations),
	}
	s.dir = testkit.Certs(t, name, gateway, auditSvc, recordSvc, identitySvc, "dcrctl")
	audit := testkit.Serve(t, s.dir, auditSvc, map[string][]string{auditv1.AppendService_ServiceDesc.ServiceName: {name}},
		func(r grpc.ServiceRegistrar) { auditv1.RegisterAppendServiceServer(r, s.audit) }, nil)
	record := testkit.Serve(t, s.dir, recordSvc, map[string][]string{
		recordv1.SealService_ServiceDesc.ServiceName: {name}, recordv1.SafeguardingService_ServiceDesc.ServiceName: {name},
	}, func(r grpc.ServiceRegistrar) {
		recordv1.RegisterSealServiceServer(r, s.record)
		recordv1.RegisterSafeguardingServiceServer(r, s.record)
	}, nil)
	identity := testkit.Serve(t, s.dir, identitySvc, map[string][]string{identityv1.MatchService_ServiceDesc.ServiceName: {name}},
		func(r grpc.ServiceRegistrar) { identityv1.RegisterMatchServiceServer(r, s.people) }, nil)
	s.cfg = Config{
		AuditTarget: "static:///" + audit, RecordTarget: "static:///" + record, IdentityTarget: "static:///" + identity,
		Letters: letterConfig(t),
		Config: daemon.Config{
			Database: postgres.Config{URL: s.db.AppURL},
			TLS:      mtls.Config{CertFile: devcert.CertFile(s.dir, name), KeyFile: devcert.KeyFile(s.dir, name), CAFile: devcert.CAFile(s.dir)},
			Life:     life.Config{GraceLimit: 30 * time.Second},
		},
	}
	s.cfg.Telemetry.Output = io.Discard
	return s
}

// start starts a replica, to which calls go from now on. It ends when stop is called, or with the test.
func (s *suite) start() (stop func()) {
	s.t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	process, err := daemon.Prepare(limit(s.t), program(s.cfg), lis)
	if err != nil {
		s.t.Fatal(err)
	}
	signals := make(chan os.Signal, 1)
	process.Signals = signals
	ended := make(chan error, 1)
	go func() { ended <- life.Run(context.Background(), process) }()
	stop = sync.OnceFunc(func() {
		signals <- syscall.SIGTERM
		if err := <-ended; err != nil {
			s.t.Errorf("stop: %v", err)
		}
	})
	s.t.Cleanup(stop)
	s.address = lis.Addr().String()
	return stop
}

// dial connects as the process with that certificate, and waits until the replica answers: on a busy machine
// a handshake may take longer than a caller would wait.
func (s *suite) dial(caller string) *grpc.ClientConn {
	s.t.Helper()
	conn := testkit.Dial(s.t, s.dir, caller, name, s.address)
	ctx := limit(s.t)
	for state := conn.GetState(); state != connectivity.Ready; state = conn.GetState() {
		conn.Connect()
		if !conn.WaitForStateChange(ctx, state) {
			s.t.Fatalf("no connection: %v", state)
		}
	}
	return conn
}

func (s *suite) choices() optoutv1.ChoiceServiceClient {
	return optoutv1.NewChoiceServiceClient(s.dial(gateway))
}
func (s *suite) reader() optoutv1.OptOutReadServiceClient {
	return optoutv1.NewOptOutReadServiceClient(s.dial(gateway))
}
func (s *suite) writer() optoutv1.OptOutWriteServiceClient {
	return optoutv1.NewOptOutWriteServiceClient(s.dial(gateway))
}

// event is the context of a new attempt by the privacy officer.
func event(action string) *auditv1.EventContext {
	return &auditv1.EventContext{
		EventId: uuid.Must(uuid.NewV7()).String(), Action: action,
		Actor: &auditv1.Actor{Kind: auditv1.ActorKind_ACTOR_KIND_STAFF, StaffId: "privacy-officer-1", RoleCode: "R0001", OdsCode: "QVV"},
		Basis: &auditv1.Basis{Purpose: "administration"},
	}
}

// optOut is a request by telephone.
func optOut(nhsNumber string) *optoutv1.RegisterOptOutRequest {
	return &optoutv1.RegisterOptOutRequest{
		RequestId: uuid.NewString(), NhsNumber: nhsNumber, Channel: optoutv1.Channel_CHANNEL_TELEPHONE,
		Evidence: "call 4711", Requester: optoutv1.Requester_REQUESTER_SELF, Event: event("opt_out.register"),
		Claimed: &optoutv1.ClaimedPerson{NhsNumber: nhsNumber, FamilyName: "Anning", GivenNames: "Mary", BirthDate: "1999-05-21", Postcode: "DT1 1XJ"},
	}
}

// optIn is a request by post.
func optIn(id string) *optoutv1.WithdrawOptOutRequest {
	return &optoutv1.WithdrawOptOutRequest{
		RequestId: uuid.NewString(), Id: id, Channel: optoutv1.Channel_CHANNEL_POST,
		Evidence: "letter", Requester: optoutv1.Requester_REQUESTER_SELF, Event: event("opt_out.withdraw"),
	}
}

func (s *suite) public() optoutv1.OptOutPublicServiceClient {
	return optoutv1.NewOptOutPublicServiceClient(s.dial(gateway))
}
func (s *suite) documents() optoutv1.OptOutDocumentServiceClient {
	return optoutv1.NewOptOutDocumentServiceClient(s.dial(gateway))
}
func (s *suite) importer() optoutv1.OptOutImportServiceClient {
	return optoutv1.NewOptOutImportServiceClient(s.dial(gateway))
}

func (s *suite) mustRegister(req *optoutv1.RegisterOptOutRequest) *optoutv1.OptOut {
	s.t.Helper()
	resp, err := s.writer().RegisterOptOut(limit(s.t), req)
	if err != nil {
		s.t.Fatalf("register: %v", err)
	}
	return resp.GetOptOut()
}

func (s *suite) mustWithdraw(id string) *optoutv1.OptOut {
	s.t.Helper()
	resp, err := s.writer().WithdrawOptOut(limit(s.t), optIn(id))
	if err != nil {
		s.t.Fatalf("withdraw: %v", err)
	}
	return resp.GetOptOut()
}

func (s *suite) get(id string) *optoutv1.OptOut {
	s.t.Helper()
	resp, err := s.reader().GetOptOut(limit(s.t), &optoutv1.GetOptOutRequest{Id: id})
	if err != nil {
		s.t.Fatalf("get: %v", err)
	}
	return resp.GetOptOut()
}

// wantChoice fails unless this is the choice in force.
func (s *suite) wantChoice(nhsNumber string, number int64, sealed bool) {
	s.t.Helper()
	got, err := s.choices().GetChoice(limit(s.t), &optoutv1.GetChoiceRequest{NhsNumber: nhsNumber})
	if err != nil || got.GetChoiceNumber() != number || got.GetSealed() != sealed {
		s.t.Errorf("choice in force %v, %v; want %d, sealed %v", got, err, number, sealed)
	}
}

// await waits until a condition holds.
func (s *suite) await(what string, holds func() bool) {
	s.t.Helper()
	ctx := limit(s.t)
	for !holds() {
		select {
		case <-ctx.Done():
			s.t.Fatalf("never: %s", what)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// wantReason fails unless err has this reason.
func wantReason(t *testing.T, err error, want string) {
	t.Helper()
	if got := fault.ReasonOf(err); got != want {
		t.Errorf("answered %q (%v), want %s", got, err, want)
	}
}
