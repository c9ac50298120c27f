package app

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jmoiron/sqlx"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dorsetcarerecord/dcr/internal/testkit"
	recordv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/record/v1"
)

func TestCheckConfig(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	if err := (&CheckConfig{s.cfg}).Run(t.Context()); err != nil {
		t.Errorf("a good configuration: %v", err)
	}
	half := filepath.Join(t.TempDir(), "half.json")
	if err := os.WriteFile(half, []byte(`{"name":"x","edition":"1","categories":[{"name":"y","codes":[]}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*Config)
		says   string
	}{
		"owner of the schema":     {func(c *Config) { c.Database.URL = s.db.OwnerURL }, "may alter schema"},
		"no key":                  {func(c *Config) { c.TLS.KeyFile = "" }, "DCR_TLS_KEY_FILE"},
		"no audit-svc":            {func(c *Config) { c.AuditTarget = "" }, "DCR_AUDIT_TARGET"},
		"no identity-svc":         {func(c *Config) { c.IdentityTarget = "" }, "DCR_IDENTITY_TARGET"},
		"sets that are not":       {func(c *Config) { c.NeverShared = filepath.Join(t.TempDir(), "none") }, "DCR_NEVER_SHARED_FILE"},
		"sets that are half":      {func(c *Config) { c.NeverShared = half }, "never-shared set"},
		"half a collector":        {func(c *Config) { c.Telemetry.OTLPInsecure = true }, "DCR_OTLP_ENDPOINT"},
		"another's schema":        {func(c *Config) { c.Database.URL = s.db.URL("dcr_optout_app") }, ""},
		"no database to speak of": {func(c *Config) { c.Database.URL = "" }, "DCR_DATABASE_URL"},
	} {
		bad := s.cfg
		c.change(&bad)
		if err := (&CheckConfig{bad}).Run(t.Context()); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v, want something of %s", name, err, c.says)
		}
	}
}

// TestServe runs the command itself until it is told to stop, and a second one on the same address.
func TestServe(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	lis, err := net.Listen("tcp", s.cfg.Listen)
	if err != nil {
		t.Fatal(err)
	}
	s.cfg.Listen = lis.Addr().String()
	if err := (&Serve{s.cfg}).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "DCR_LISTEN") {
		t.Errorf("an address that is taken: %v", err)
	}
	if err := lis.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- (&Serve{s.cfg}).Run(ctx) }()
	seal := recordv1.NewSealServiceClient(testkit.Dial(t, s.dir, optoutSvc, name, s.cfg.Listen))
	eventually(t, "it answers", func() bool {
		_, err := seal.ApplyChoice(limit(t), &recordv1.ApplyChoiceRequest{NhsNumber: alice, ChoiceNumber: 1})
		return err == nil
	})
	cancel()
	if err := <-done; err != nil {
		t.Errorf("stop: %v", err)
	}
}

// TestCallers tries every call with every certificate.
func TestCallers(t *testing.T) {
	t.Parallel()
	r := startOne(t)
	calls := map[string]struct {
		only string
		call func(*testing.T, string) error
	}{
		"GetRecord": {gateway, func(t *testing.T, as string) error {
			_, err := recordv1.NewReadServiceClient(r.dial(t, as)).GetRecord(limit(t), &recordv1.GetRecordRequest{Grant: grantFor(alice, whole())})
			return err
		}},
		"ListEntries": {gateway, func(t *testing.T, as string) error {
			_, err := recordv1.NewReadServiceClient(r.dial(t, as)).ListEntries(limit(t), &recordv1.ListEntriesRequest{Grant: grantFor(alice, whole()), PageSize: 1})
			return err
		}},
		"GetEntry": {gateway, func(t *testing.T, as string) error {
			_, err := recordv1.NewReadServiceClient(r.dial(t, as)).GetEntry(limit(t), &recordv1.GetEntryRequest{Grant: grantFor(alice, whole())})
			return err
		}},
		"ApplyChoice": {optoutSvc, func(t *testing.T, as string) error {
			_, err := recordv1.NewSealServiceClient(r.dial(t, as)).ApplyChoice(limit(t), &recordv1.ApplyChoiceRequest{NhsNumber: bob, ChoiceNumber: 1})
			return err
		}},
		"SubmitBundle": {gateway, func(t *testing.T, as string) error {
			_, err := recordv1.NewFeedServiceClient(r.dial(t, as)).SubmitBundle(limit(t), delivery(hospital(), "{}"))
			return err
		}},
		"ListRefusals": {gateway, func(t *testing.T, as string) error {
			_, err := recordv1.NewFeedReadServiceClient(r.dial(t, as)).ListRefusals(limit(t), &recordv1.ListRefusalsRequest{})
			return err
		}},
	}
	for name, c := range calls {
		for _, as := range []string{gateway, optoutSvc, auditSvc, identitySvc, "dcrctl", "record-svc"} {
			denied := status.Code(c.call(t, as)) == codes.PermissionDenied
			if denied != (as != c.only) {
				t.Errorf("%s by %s: denied %v", name, as, denied)
			}
		}
	}
}

// TestRights tries what the service's own role may not do, and what other services' roles may not.
func TestRights(t *testing.T) {
	t.Parallel()
	r := startOne(t)
	r.combined(t)
	for _, text := range []string{
		"DELETE FROM entry", "DELETE FROM version", "UPDATE version SET raw = ''", "DELETE FROM choice", "DELETE FROM person", "UPDATE refusal SET reason = ''",
		"DELETE FROM refusal", "DROP TABLE piece", "TRUNCATE entry", "CREATE TABLE record.mine (n int)", "ALTER TABLE choice ADD COLUMN n int",
	} {
		if _, err := r.db.App.ExecContext(limit(t), text); err == nil || !strings.Contains(err.Error(), "42501") && !strings.Contains(err.Error(), "permission denied") && !strings.Contains(err.Error(), "must be owner") {
			t.Errorf("%s as the service: %v", text, err)
		}
	}
	for _, role := range []string{"dcr_identity_app", "dcr_optout_app", "dcr_audit_app"} {
		db, err := sqlx.ConnectContext(limit(t), "postgres", r.db.URL(role))
		if err != nil {
			t.Fatalf("%s: %v", role, err)
		}
		t.Cleanup(func() { _ = db.Close() })
		for _, table := range []string{"person", "choice", "entry", "version", "piece", "refusal", "outbox"} {
			if _, err := db.ExecContext(limit(t), "SELECT 1 FROM record."+table); err == nil || !strings.Contains(err.Error(), "permission denied") {
				t.Errorf("%s reads %s: %v", role, table, err)
			}
		}
	}
}
