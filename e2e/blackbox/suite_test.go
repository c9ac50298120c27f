package blackbox_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/dorsetcarerecord/dcr/e2e/county"
	"github.com/dorsetcarerecord/dcr/e2e/issuer/badtoken"
	"github.com/dorsetcarerecord/dcr/e2e/stack"
)

// replicas of each service and of the gateway: what holds on one must hold on both.
const replicas = 2

// seed and size of the county: the first people have every peculiarity that county.go lists.
const (
	seed       = 11
	countySize = 56
)

// startLimit bounds building, starting and loading on a busy machine.
const startLimit = 10 * time.Minute

// suite is the running suite and its clients.
type suite struct {
	stack   *stack.Stack
	county  *county.County
	rest    []*stack.REST      // one for each gateway
	grpc    []*grpc.ClientConn // likewise
	bad     *badtoken.Maker
	spans   *collector
	printed *printed
	started time.Time
	stopped bool

	// template is a good token, from which those of hired staff are made.
	template string
	admin    member
	officer  member // a privacy officer
	auditor  member // an audit manager

	unknown atomic.Int64 // calls that were refused as nobody's

	mu      sync.Mutex
	serial  int
	numbers []string          // every NHS number that was used
	names   map[string]string // family name to birth date of everybody who was made up here
}

// TestBlackBox runs every part against one suite. The last part stops it.
func TestBlackBox(t *testing.T) {
	s := start(t)
	for _, part := range []struct {
		name string
		run  func(*suite, *testing.T)
	}{
		{"the main job", (*suite).mainJob},
		{"role by section", (*suite).roleBySection},
		{"opt-out", (*suite).optOut},
		{"documents of opt-outs", (*suite).documents},
		{"the seal in record-svc", (*suite).seal},
		{"people who are new", (*suite).newPeople},
		{"merged numbers", (*suite).mergedNumbers},
		{"emergency", (*suite).emergency},
		{"restricted", (*suite).restricted},
		{"next call", (*suite).nextCall},
		{"who may learn what", (*suite).whoMayLearnWhat},
		{"search", (*suite).search},
		{"entries", (*suite).entries},
		{"feeds", (*suite).feeds},
		{"the same request", (*suite).sameRequest},
		{"organisations", (*suite).organisations},
		{"verifiable log", (*suite).verifiableLog},
		{"who has seen my record", (*suite).whoHasSeen},
		{"cases", (*suite).cases},
		{"a privacy officer's day", (*suite).officersDay},
		{"matrix", (*suite).matrix},
		{"bad bundles", (*suite).badBundles},
		{"bad requests", (*suite).badRequests},
		{"gateway defaults", (*suite).gatewayDefaults},
		{"bad tokens", (*suite).badTokens},
		{"synthea-dorset", (*suite).synthea},
		{"uk-core-examples", (*suite).ukCore},
		{"outsider", (*suite).outsider},
		{"unknown callers are counted", (*suite).tally},
		{"one trace", (*suite).oneTrace},
		{"leaks", (*suite).leaks},
	} {
		t.Run(part.name, func(t *testing.T) { part.run(s, t) })
	}
}

// start builds, starts and loads the suite, and stops it with the test.
func start(t *testing.T) *suite {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startLimit)
	defer cancel()
	began := time.Now().UTC()
	s := &suite{
		county: county.New(seed, began), spans: collect(t), printed: &printed{}, started: began,
		names: map[string]string{},
	}
	s.county.People = s.county.People[:countySize]
	var err error
	s.stack, err = stack.Start(ctx, stack.Config{
		Dir: runDir(t), BinDir: programs(ctx, t), Replicas: replicas, County: s.county,
		Env: map[string]map[string]string{"*": {
			"DCR_OTLP_ENDPOINT": s.spans.url, "DCR_OTLP_INSECURE": "true",
			"DCR_DRAIN_DELAY": "300ms", // nobody calls while a process of this run stops
		}, "gateway": {
			// All of these tests come from one address. That the public has an allowance is tested in the gateway.
			"DCR_PUBLIC_CALLS_PER_MINUTE": "100000", "DCR_PUBLIC_CALLS_PER_SECOND": "10000",
		}},
		Out: s.printed,
	})
	if err != nil {
		t.Fatalf("start the suite: %v", err)
	}
	t.Cleanup(func() { s.stop(t) })
	if err := s.stack.Seed(ctx); err != nil {
		t.Fatalf("load the county: %v", err)
	}
	s.connect(t)
	s.admin = s.signIn(t, county.AdministratorCode)
	s.officer = s.signIn(t, county.PrivacyOfficerCode)
	s.auditor = s.signIn(t, "R5100")
	s.template = s.admin.token
	for _, p := range s.county.People {
		s.numbers = append(s.numbers, p.NHSNumber)
	}
	return s
}

// runDir is the folder of the run. PostgreSQL, which may run as another user, must be able to enter it.
func runDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "dcr-blackbox-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the run's logs stay in %s", filepath.Join(dir, "log"))
			return
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// programs are the folder of the suite's binaries, built unless DCR_E2E_BIN names one.
func programs(ctx context.Context, t *testing.T) string {
	t.Helper()
	if dir := os.Getenv("DCR_E2E_BIN"); dir != "" {
		return dir
	}
	root, err := stack.Root()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(root, ".build", "bin")
	if err := stack.Build(ctx, root, dir, io.Discard); err != nil {
		t.Fatal(err)
	}
	return dir
}

// connect makes clients of every gateway.
func (s *suite) connect(t *testing.T) {
	t.Helper()
	pem, err := os.ReadFile(s.stack.CAFile())
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	for _, g := range s.stack.Gateways() {
		rest, err := stack.NewREST(g.URL, s.stack.CAFile())
		if err != nil {
			t.Fatal(err)
		}
		conn, err := grpc.NewClient(g.Address,
			grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12})),
			grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(32<<20), grpc.MaxCallSendMsgSize(32<<20),
				grpc.WaitForReady(true)))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		s.rest, s.grpc = append(s.rest, rest), append(s.grpc, conn)
	}
	if s.bad, err = badtoken.Open(s.stack.IssuerKeyDir(), time.Now); err != nil {
		t.Fatal(err)
	}
}

// stop stops the suite once; it must end in an orderly way.
func (s *suite) stop(t *testing.T) {
	t.Helper()
	if s.stopped {
		return
	}
	s.stopped = true
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
	defer cancel()
	if err := s.stack.Stop(ctx); err != nil {
		t.Errorf("stop the suite: %v", err)
	}
}

// printed keeps what the suite prints on the terminal.
type printed struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (p *printed) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(b)
}

func (p *printed) bytes() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return bytes.Clone(p.text.Bytes())
}
