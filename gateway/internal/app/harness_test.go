package app

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/dorsetcarerecord/dcr/gateway/internal/testissuer"
	"github.com/dorsetcarerecord/dcr/gateway/internal/throttle"
	"github.com/dorsetcarerecord/dcr/internal/devcert"
	"github.com/dorsetcarerecord/dcr/internal/life"
	"github.com/dorsetcarerecord/dcr/internal/mtls"
	"github.com/dorsetcarerecord/dcr/internal/telemetry"
	"github.com/dorsetcarerecord/dcr/internal/testkit"
)

// stack is a whole gateway on loopback, with its listeners, its issuer and the
// services behind.
type stack struct {
	t       *testing.T
	behind  *behind
	issuer  *testissuer.Issuer
	log     *book
	spans   *tracetest.InMemoryExporter
	tel     *telemetry.Telemetry
	cfg     Config
	doors   *doors
	ca      *x509.CertPool
	client  *http.Client
	signals chan os.Signal
	ended   chan error
	stop    sync.Once
	outcome error
}

// newStack starts one; change has the last word on its configuration.
func newStack(t *testing.T, change ...func(*Config)) *stack {
	t.Helper()
	certs := testkit.Certs(t, "gateway", "identity-svc", "optout-svc", "record-svc", "audit-svc")
	if err := (devcert.Authority{Dir: certs}).EnsurePublic(); err != nil {
		t.Fatal(err)
	}
	s := &stack{
		t: t, behind: &behind{fail: map[string]error{}}, issuer: testissuer.New(t), log: &book{},
		spans: tracetest.NewInMemoryExporter(), ca: x509.NewCertPool(),
		signals: make(chan os.Signal, 2), ended: make(chan error, 1),
	}
	pem, err := os.ReadFile(devcert.CAFile(certs))
	if err != nil {
		t.Fatal(err)
	}
	s.ca.AppendCertsFromPEM(pem)
	s.cfg = s.config(certs, s.behind.start(t, certs))
	for _, f := range change {
		f(&s.cfg)
	}
	s.start()
	return s
}

// publicAllowance of one address a minute; more than any test but its own uses up.
const publicAllowance = 100

func (s *stack) config(certs string, at map[string]string) Config {
	dir := s.t.TempDir()
	issuers := fmt.Sprintf("issuers:\n- issuer: %s\n  audience: %s\n  kinds: [staff, system]\n  ca_file: %s\n  organisations: ['*']\n  role_codes: ['*']\n",
		s.issuer.URL, testissuer.Audience, s.issuer.CAFile())
	key := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32))
	return Config{
		Public: Public{
			ListenREST: "127.0.0.1:0", ListenGRPC: "127.0.0.1:0", MaxCalls: 64,
			Throttle: throttle.Limits{PerMinute: publicAllowance, PerSecond: 1000},
			CertFile: devcert.CertFile(certs, devcert.PublicName), KeyFile: devcert.KeyFile(certs, devcert.PublicName),
		},
		Targets: Targets{
			Identity: "static:///" + at["identity-svc"], OptOut: "static:///" + at["optout-svc"],
			Record: "static:///" + at["record-svc"], Audit: "static:///" + at["audit-svc"],
		},
		Trust: Trust{IssuersFile: s.file(dir, "issuers.yaml", issuers), PageTokenKeyFile: s.file(dir, "pages.key", key)},
		TLS: mtls.Config{CertFile: devcert.CertFile(certs, "gateway"), KeyFile: devcert.KeyFile(certs, "gateway"),
			CAFile: devcert.CAFile(certs)},
		Telemetry: telemetry.Config{Output: s.log, LogLevel: "debug"},
		Life:      life.Config{GraceLimit: 5 * time.Second, StepLimit: 5 * time.Second},
	}
}

func (s *stack) file(dir, name, text string) string {
	s.t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}

func (s *stack) start() {
	var err error
	if s.tel, err = newTelemetry(context.Background(), s.cfg); err != nil {
		s.t.Fatal(err)
	}
	s.tel.Tracer = sdktrace.NewTracerProvider(sdktrace.WithSyncer(s.spans))
	process, opened, err := prepare(s.cfg, s.tel)
	if err != nil {
		s.t.Fatal(err)
	}
	ready := make(chan struct{})
	mark := process.Ready
	process.Ready = func() { mark(); close(ready) }
	process.Signals = s.signals
	s.doors = opened
	s.client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.ca}}}
	go func() { s.ended <- life.Run(context.Background(), process) }()
	s.t.Cleanup(func() {
		if err := s.end(); err != nil {
			s.t.Errorf("stopping: %v", err)
		}
	})
	<-ready
}

// end stops the gateway as SIGTERM does, once, and gives what came of it.
func (s *stack) end() error {
	s.stop.Do(func() {
		s.signals <- syscall.SIGTERM
		s.outcome = <-s.ended
		s.client.CloseIdleConnections()
	})
	return s.outcome
}

// Tokens of several callers.
func (s *stack) role(code string) string {
	return s.issuer.Signed(s.issuer.StaffClaims(testissuer.Set{"nhsid_nrbac_roles": []map[string]any{
		{"person_roleid": "role-1", "org_code": "RYF", "role_code": "S8000:G8000:" + code},
	}}))
}
func (s *stack) paramedic() string { return s.role("R1070") }
func (s *stack) privacy() string   { return s.role("R0001") }
func (s *stack) admin() string     { return s.role(adminRole) }
func (s *stack) system() string    { return s.issuer.Signed(s.issuer.SystemClaims(nil)) }

// adminRole is the role code of administrators in the policy.
const adminRole = "DCR-ADMIN"

// await asks until ok, or until the test has no time left.
func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	limit := time.NewTimer(20 * time.Second)
	defer limit.Stop()
	often := time.NewTicker(5 * time.Millisecond)
	defer often.Stop()
	for !ok() {
		select {
		case <-often.C:
		case <-limit.C:
			t.Fatalf("waited too long: %s", what)
		}
	}
}
