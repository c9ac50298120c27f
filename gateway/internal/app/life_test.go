package app

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"

	"github.com/dorsetcarerecord/dcr/internal/fault"
)

// holding makes record-svc keep its answers; release lets them go.
func (s *stack) holding() (held <-chan struct{}, release func()) {
	hold, heldOut := make(chan struct{}), make(chan struct{}, 64)
	s.behind.set(func() { s.behind.hold, s.behind.held = hold, heldOut })
	return heldOut, func() {
		s.behind.set(func() { s.behind.hold = nil })
		close(hold)
	}
}

// TestCallsUnderWayFinish: on SIGTERM a call that is in gets its answer, on both surfaces, and then the refusals of
// unknown callers are summed up, while audit-svc can still be reached.
func TestCallsUnderWayFinish(t *testing.T) {
	s := newStack(t)
	wantRefused(t, s.do(call{method: "GET", path: "/v1/me"}), 401, "UNAUTHENTICATED", "")
	held, release := s.holding()
	rest, rpc := make(chan reply, 1), make(chan error, 1)
	go func() {
		got, err := s.try(call{method: "GET", path: "/v1/patients/" + rich + "/record", token: s.paramedic()})
		if err != nil {
			got.body = []byte(err.Error())
		}
		rest <- got
	}()
	client := gatewayv1.NewRecordServiceClient(s.conn())
	go func() {
		_, err := client.GetRecord(as(t.Context(), s.paramedic()), &gatewayv1.GetRecordRequest{NhsNumber: rich})
		rpc <- err
	}()
	<-held
	<-held
	s.signals <- syscall.SIGTERM
	await(t, "the listener closes", func() bool {
		_, err := s.try(call{method: "GET", path: "/livez"})
		return err != nil
	})
	release()
	if got := <-rest; got.status != 200 {
		t.Errorf("REST call under way: %d %s", got.status, got.body)
	}
	if err := <-rpc; err != nil {
		t.Errorf("gRPC call under way: %v", err)
	}
	s.stop.Do(func() { s.outcome = <-s.ended })
	if s.outcome != nil {
		t.Errorf("stopping: %v", s.outcome)
	}
	sums := s.behind.accounted("authentication.refused")
	if len(sums) != 1 || sums[0].GetMarks()[0] != "count:1" {
		t.Errorf("refusals of unknown callers: %v", sums)
	}
}

// TestDrainingSendsCallersAway: answers go on, and each closes its connection.
func TestDrainingSendsCallersAway(t *testing.T) {
	s := newStack(t, func(c *Config) { c.Life.DrainDelay = time.Second })
	s.signals <- syscall.SIGTERM
	await(t, "readiness goes", func() bool { return s.do(call{method: "GET", path: "/readyz"}).status == 503 })
	if got := s.do(call{method: "GET", path: "/v1/me", token: s.paramedic()}); got.status != 200 || !got.close {
		t.Errorf("a call while draining: %d, closes %v", got.status, got.close)
	}
	s.stop.Do(func() { s.outcome = <-s.ended })
	if s.outcome != nil {
		t.Error(s.outcome)
	}
}

// TestTooManyCallsAreRefusedAtOnce: on both surfaces together, and the places come back.
func TestTooManyCallsAreRefusedAtOnce(t *testing.T) {
	s := newStack(t, func(c *Config) { c.Public.MaxCalls = 2 })
	held, release := s.holding()
	client := gatewayv1.NewRecordServiceClient(s.conn())
	view := &gatewayv1.GetRecordRequest{NhsNumber: rich}
	done := make(chan error, 2)
	go func() {
		_, err := client.GetRecord(as(t.Context(), s.paramedic()), view)
		done <- err
	}()
	go func() {
		_, err := s.try(call{method: "GET", path: "/v1/patients/" + rich + "/record", token: s.paramedic()})
		done <- err
	}()
	<-held
	<-held
	got := s.do(call{method: "GET", path: "/v1/me", token: s.paramedic()})
	wantRefused(t, got, 503, "OVERLOADED", "")
	if got.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	_, err := client.GetRecord(as(t.Context(), s.paramedic()), view)
	if status.Code(err) != codes.Unavailable || fault.ReasonOf(err) != "OVERLOADED" {
		t.Errorf("over gRPC: %v", err)
	}
	if probe := s.do(call{method: "GET", path: "/livez"}); probe.status != 200 {
		t.Errorf("a busy gateway does not answer its probe: %d", probe.status)
	}
	release()
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	await(t, "the places come back", func() bool {
		return s.do(call{method: "GET", path: "/v1/me", token: s.paramedic()}).status == 200
	})
}

// TestHalfPresentConfigurationStopsTheStart: each setting that is missing or wrong is named.
func TestHalfPresentConfigurationStopsTheStart(t *testing.T) {
	s := newStack(t)
	nothing := func(path string) string {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for setting, spoil := range map[string]func(*Config){
		"DCR_LISTEN_REST":         func(c *Config) { c.Public.ListenREST = "" },
		"DCR_LISTEN_GRPC":         func(c *Config) { c.Public.ListenGRPC = "" },
		"DCR_PUBLIC_TLS_CERT":     func(c *Config) { c.Public.CertFile = "" },
		"DCR_PUBLIC_TLS_KEY":      func(c *Config) { c.Public.KeyFile = c.TLS.KeyFile },
		"DCR_TLS_CERT_FILE":       func(c *Config) { c.TLS.CertFile = "" },
		"DCR_TLS_KEY_FILE":        func(c *Config) { c.TLS.KeyFile = "" },
		"DCR_TLS_CA_FILE":         func(c *Config) { c.TLS.CAFile = "" },
		"DCR_IDENTITY_TARGET":     func(c *Config) { c.Targets.Identity = "" },
		"DCR_OPTOUT_TARGET":       func(c *Config) { c.Targets.OptOut = "" },
		"DCR_RECORD_TARGET":       func(c *Config) { c.Targets.Record = "" },
		"DCR_AUDIT_TARGET":        func(c *Config) { c.Targets.Audit = "" },
		"DCR_ISSUERS_FILE":        func(c *Config) { c.Trust.IssuersFile = nothing(t.TempDir() + "/issuers") },
		"DCR_POLICY_FILE":         func(c *Config) { c.Trust.PolicyFile = nothing(t.TempDir() + "/policy") },
		"DCR_PAGE_TOKEN_KEY_FILE": func(c *Config) { c.Trust.PageTokenKeyFile = nothing(t.TempDir() + "/key") },
		"DCR_TRUSTED_PROXIES":     func(c *Config) { c.Public.TrustedProxies = []string{"everybody"} },
		"DCR_MAX_CALLS":           func(c *Config) { c.Public.MaxCalls = 0 },
	} {
		cfg := s.cfg
		cfg.Telemetry.Output = &book{}
		spoil(&cfg)
		err := (&CheckConfig{cfg}).Run(t.Context())
		if err == nil || !strings.Contains(err.Error(), setting) {
			t.Errorf("%s: %v", setting, err)
		}
	}
	good := s.cfg
	good.Telemetry.Output = &book{}
	if err := (&CheckConfig{good}).Run(t.Context()); err != nil {
		t.Errorf("a whole configuration: %v", err)
	}
}

// TestAnotherCertificateIsNotTheGateway: identity is checked before anything is called with it.
func TestAnotherCertificateIsNotTheGateway(t *testing.T) {
	s := newStack(t)
	cfg := s.cfg
	cfg.Telemetry.Output = &book{}
	cfg.TLS.CertFile = strings.Replace(cfg.TLS.CertFile, "gateway", "record-svc", 1)
	cfg.TLS.KeyFile = strings.Replace(cfg.TLS.KeyFile, "gateway", "record-svc", 1)
	if err := (&CheckConfig{cfg}).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "names record-svc") {
		t.Errorf("%v", err)
	}
}
