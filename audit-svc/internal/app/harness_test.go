package app

import (
	"context"
	"crypto/rand"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/dorsetcarerecord/dcr/internal/daemon"
	"github.com/dorsetcarerecord/dcr/internal/devcert"
	"github.com/dorsetcarerecord/dcr/internal/fault"
	"github.com/dorsetcarerecord/dcr/internal/life"
	"github.com/dorsetcarerecord/dcr/internal/mtls"
	"github.com/dorsetcarerecord/dcr/internal/postgres"
	"github.com/dorsetcarerecord/dcr/internal/rpc"
	"github.com/dorsetcarerecord/dcr/internal/testkit"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/sequencer"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/sign"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/store"
	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// limit bounds a test's waits.
func limit(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// database is an empty log with room for this month.
func database(t testing.TB) testkit.Handles {
	t.Helper()
	h := testkit.Database(t, store.Schema, store.Migrations)
	if _, err := store.Maintain(limit(t), h.Owner, clock()); err != nil {
		t.Fatal(err)
	}
	return h
}

// suite is audit-svc as it runs in production, in replicas, and certificates for its callers.
type suite struct {
	dir    string
	target string
	logKey string // public, of the log
}

// serveTest starts replicas on the database of a URL until the test ends.
func serveTest(t testing.TB, databaseURL string, replicas int) *suite {
	t.Helper()
	s := &suite{dir: testkit.Certs(t, name, gateway, identitySvc, recordSvc, optoutSvc, "dcrctl")}
	for i := range replicas {
		if i > 0 {
			s.target += ","
		}
		s.target += s.replica(t, databaseURL)
	}
	return s
}

func (s *suite) tls(name string) mtls.Config {
	return mtls.Config{CertFile: devcert.CertFile(s.dir, name), KeyFile: devcert.KeyFile(s.dir, name), CAFile: devcert.CAFile(s.dir)}
}

// logName is the log's in tests.
const logName = "log.example/audit"

// tree is settings with a key of the log, made for the first replica.
func (s *suite) tree(t testing.TB) Tree {
	t.Helper()
	file := filepath.Join(s.dir, "log.key")
	if _, err := os.Stat(file); err != nil {
		private, public, err := verify.GenerateLogKey(rand.Reader, logName)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(private), 0o600); err != nil {
			t.Fatal(err)
		}
		s.logKey = public
	}
	return Tree{
		Sign:     sign.Config{Origin: logName, Keys: []string{file}},
		Sequence: sequencer.Limits{Every: 20 * time.Millisecond, Checkpoint: 50 * time.Millisecond},
	}
}

func (s *suite) replica(t testing.TB, databaseURL string) string {
	t.Helper()
	cfg := Config{Config: daemon.Config{Database: postgres.Config{URL: databaseURL}, TLS: s.tls(name), Life: life.Config{GraceLimit: 5 * time.Second}}}
	cfg.Tree = s.tree(t)
	cfg.Telemetry.Output = io.Discard
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	process, err := daemon.Prepare(limit(t), program(cfg), lis)
	if err != nil {
		t.Fatal(err)
	}
	signals := make(chan os.Signal, 1)
	process.Signals = signals
	ended := make(chan error, 1)
	go func() { ended <- life.Run(context.Background(), process) }()
	t.Cleanup(func() {
		signals <- syscall.SIGTERM
		if err := <-ended; err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	return lis.Addr().String()
}

// dial connects as the process with that certificate, and waits until a replica answers: on a busy machine
// a handshake may take longer than a caller would wait.
func (s *suite) dial(t testing.TB, caller string) *grpc.ClientConn {
	t.Helper()
	tls, err := mtls.Load(s.tls(caller))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := rpc.Dial(rpc.DialConfig{Target: "static:///" + s.target, Peer: name, TLS: tls})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	ctx := limit(t)
	for state := conn.GetState(); state != connectivity.Ready; state = conn.GetState() {
		conn.Connect()
		if !conn.WaitForStateChange(ctx, state) {
			t.Fatalf("no connection: %v", state)
		}
	}
	return conn
}

func (s *suite) appender(t testing.TB, caller string) auditv1.AppendServiceClient {
	t.Helper()
	return auditv1.NewAppendServiceClient(s.dial(t, caller))
}

func (s *suite) reader(t testing.TB) auditv1.QueryServiceClient {
	t.Helper()
	return auditv1.NewQueryServiceClient(s.dial(t, gateway))
}

// newEvent is a paramedic's view of a record, made now.
func newEvent() *auditv1.Event {
	return &auditv1.Event{
		Id: uuid.Must(uuid.NewV7()).String(), OccurredAt: timestamppb.Now(),
		Action: "record.view", Outcome: auditv1.Outcome_OUTCOME_RELEASED,
		Actor: &auditv1.Actor{Kind: auditv1.ActorKind_ACTOR_KIND_STAFF, StaffId: "staff-1", Display: "Test Paramedic",
			RoleCode: "R1070", OdsCode: "RYF"},
		NhsNumber:  "9990000018",
		Disclosure: &auditv1.Disclosure{Entries: 3, SourceOdsCodes: []string{"J81900", "R0D"}, Sha256: make([]byte, 32)},
	}
}

// send appends events in one request.
func send(t testing.TB, c auditv1.AppendServiceClient, events ...*auditv1.Event) ([]*auditv1.Leaf, error) {
	t.Helper()
	resp, err := c.Append(limit(t), &auditv1.AppendRequest{Events: events})
	return resp.GetLeaves(), err
}

// mustSend appends events that are taken.
func mustSend(t testing.TB, c auditv1.AppendServiceClient, events ...*auditv1.Event) []*auditv1.Leaf {
	t.Helper()
	leaves, err := send(t, c, events...)
	if err != nil {
		t.Fatalf("append: %v", err)
	}
	return leaves
}

// wantReason fails unless err has this reason.
func wantReason(t testing.TB, err error, want string) {
	t.Helper()
	if got := fault.ReasonOf(err); got != want {
		t.Errorf("answered %q (%v), want %s", got, err, want)
	}
}

// count counts rows as the owner.
func count(t testing.TB, h testkit.Handles, where string, args ...any) int {
	t.Helper()
	var n int
	if err := h.Owner.GetContext(limit(t), &n, "SELECT count(*) FROM event WHERE "+where, args...); err != nil {
		t.Fatal(err)
	}
	return n
}

// withRole is a server's URL for a role with the password of crash tests.
func withRole(t testing.TB, super, role string) string {
	t.Helper()
	u, err := url.Parse(super)
	if err != nil {
		t.Fatal("the server's URL is malformed")
	}
	u.User = url.UserPassword(role, crashPassword)
	return u.String()
}
