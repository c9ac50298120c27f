package app

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/dorsetcarerecord/dcr/identity-svc/internal/relationship"
	"github.com/dorsetcarerecord/dcr/identity-svc/internal/store"
	"github.com/dorsetcarerecord/dcr/internal/daemon"
	"github.com/dorsetcarerecord/dcr/internal/devcert"
	"github.com/dorsetcarerecord/dcr/internal/life"
	"github.com/dorsetcarerecord/dcr/internal/mtls"
	"github.com/dorsetcarerecord/dcr/internal/postgres"
	"github.com/dorsetcarerecord/dcr/internal/telemetry"
	"github.com/dorsetcarerecord/dcr/internal/testkit"
	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// arrivals is an audit-svc that tells of what arrives.
type arrivals struct {
	auditv1.UnimplementedAppendServiceServer
	events chan *auditv1.Event
}

// Append passes events on.
func (a *arrivals) Append(_ context.Context, req *auditv1.AppendRequest) (*auditv1.AppendResponse, error) {
	for _, e := range req.GetEvents() {
		a.events <- e
	}
	return &auditv1.AppendResponse{}, nil
}

// setting is a configuration that works, and the database behind it.
func setting(t *testing.T, audit *arrivals) (Config, testkit.Handles) {
	t.Helper()
	db := testkit.Database(t, store.Schema, store.Migrations)
	dir := testkit.Certs(t, name, auditSvc, "gateway")
	address := testkit.Serve(t, dir, auditSvc, map[string][]string{auditv1.AppendService_ServiceDesc.ServiceName: {name}},
		func(r grpc.ServiceRegistrar) { auditv1.RegisterAppendServiceServer(r, audit) }, nil)
	return Config{
		AuditTarget: "static:///" + address, OptOutTarget: "static:///127.0.0.1:1", RecordTarget: "static:///127.0.0.1:1",
		Config: daemon.Config{
			Listen:    "127.0.0.1:0",
			Database:  postgres.Config{URL: db.AppURL},
			TLS:       mtls.Config{CertFile: devcert.CertFile(dir, name), KeyFile: devcert.KeyFile(dir, name), CAFile: devcert.CAFile(dir)},
			Telemetry: telemetry.Config{OpsListen: "127.0.0.1:0", Output: io.Discard, TraceRatio: 1},
			Life:      life.Config{DrainDelay: 0, GraceLimit: 5 * time.Second, StepLimit: 5 * time.Second},
		},
	}, db
}

func TestCheckConfig(t *testing.T) {
	t.Parallel()
	good, db := setting(t, &arrivals{events: make(chan *auditv1.Event, 1)})
	if err := (&CheckConfig{good}).Run(t.Context()); err != nil {
		t.Errorf("a good configuration: %v", err)
	}
	for name, c := range map[string]struct {
		change func(*Config)
		says   string
	}{
		"owner of the schema": {func(c *Config) { c.Database.URL = db.OwnerURL }, "may alter schema"},
		"no key":              {func(c *Config) { c.TLS.KeyFile = "" }, "DCR_TLS_KEY_FILE"},
		"no audit-svc":        {func(c *Config) { c.AuditTarget = "" }, "DCR_AUDIT_TARGET"},
		"no optout-svc":       {func(c *Config) { c.OptOutTarget = "" }, "DCR_OPTOUT_TARGET"},
		"no record-svc":       {func(c *Config) { c.RecordTarget = "" }, "DCR_RECORD_TARGET"},
		"long emergency":      {func(c *Config) { c.Periods = relationship.Periods{Emergency: 1000 * time.Hour} }, "DCR_EMERGENCY_LASTS"},
		"half a collector":    {func(c *Config) { c.Telemetry.OTLPInsecure = true }, "DCR_OTLP_ENDPOINT"},
	} {
		bad := good
		c.change(&bad)
		if err := (&CheckConfig{bad}).Run(t.Context()); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v, want something of %s", name, err, c.says)
		}
	}
}

func TestBootstrapAdmin(t *testing.T) {
	t.Parallel()
	audit := &arrivals{events: make(chan *auditv1.Event, 4)}
	cfg, db := setting(t, audit)
	first := &BootstrapAdmin{Owner: Owner{URL: db.OwnerURL}, Issuer: "https://issuer.test", Subject: "admin", Name: "A. Dministrator", ODSCode: "QVV", RoleCode: "DCR-ADMIN"}
	asApp := *first
	asApp.URL = db.AppURL
	if err := asApp.Run(t.Context()); err == nil {
		t.Error("the service's own role made an administrator")
	}
	if err := first.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	second := *first
	second.Subject = "another"
	if err := second.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "administrator already") {
		t.Errorf("a second administrator: %v", err)
	}
	var held int
	const holds = `SELECT count(*) FROM staff s JOIN staff_role r ON r.staff_id = s.id WHERE s.subject = 'admin' AND r.role_code = 'DCR-ADMIN' AND r.ods_code = 'QVV'`
	if err := db.App.GetContext(t.Context(), &held, holds); err != nil || held != 1 {
		t.Errorf("role held %d times, %v", held, err)
	}

	// It is accounted for once the service runs, which then stops cleanly.
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- (&Serve{cfg}).Run(ctx) }()
	select {
	case e := <-audit.events:
		if e.GetAction() != "staff.bootstrap" || e.GetActor().GetKind() != auditv1.ActorKind_ACTOR_KIND_SERVICE {
			t.Errorf("event: %v", e)
		}
	case err := <-done:
		t.Fatalf("ended before the event was delivered: %v", err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("stop: %v", err)
	}
}

func TestBootstrapGivesAKnownMemberTheRole(t *testing.T) {
	t.Parallel()
	_, db := setting(t, &arrivals{})
	if _, err := db.App.ExecContext(t.Context(), `INSERT INTO staff (id, issuer, subject, name) VALUES ('0197a000-0000-7000-8000-000000000001', 'i', 's', 'n')`); err != nil {
		t.Fatal(err)
	}
	b := &BootstrapAdmin{Owner: Owner{URL: db.OwnerURL}, Issuer: "i", Subject: "s", Name: "n", ODSCode: "QVV", RoleCode: "DCR-ADMIN"}
	if err := b.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	var staff int
	if err := db.App.GetContext(t.Context(), &staff, `SELECT count(*) FROM staff`); err != nil || staff != 1 {
		t.Errorf("%d members, %v", staff, err)
	}
}
