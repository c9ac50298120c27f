// Package app wires the gateway: its commands, its configuration and the order of its start.
package app

import (
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/dorsetcarerecord/dcr/gateway/internal/throttle"
	"github.com/dorsetcarerecord/dcr/internal/life"
	"github.com/dorsetcarerecord/dcr/internal/mtls"
	"github.com/dorsetcarerecord/dcr/internal/telemetry"
)

// name of the program, its certificate and its telemetry.
const name = "gateway"

// Config is everything that serve may be told, as flags or in the environment.
type Config struct {
	Public    Public           `embed:""`
	Targets   Targets          `embed:""`
	Trust     Trust            `embed:""`
	TLS       mtls.Config      `embed:""`
	Telemetry telemetry.Config `embed:""`
	Life      life.Config      `embed:""`
}

// Public is the side that faces the callers.
type Public struct {
	ListenREST     string          `name:"listen-rest" env:"DCR_LISTEN_REST" required:"" help:"Address of the HTTPS listener for REST and FHIR."`
	ListenGRPC     string          `name:"listen-grpc" env:"DCR_LISTEN_GRPC" required:"" help:"Address of the gRPC listener."`
	CertFile       string          `name:"public-tls-cert" env:"DCR_PUBLIC_TLS_CERT" required:"" help:"PEM certificate that callers see, leaf first."`
	KeyFile        string          `name:"public-tls-key" env:"DCR_PUBLIC_TLS_KEY" required:"" help:"PEM private key of that certificate."`
	TrustedProxies []string        `name:"trusted-proxies" env:"DCR_TRUSTED_PROXIES" help:"Address ranges of reverse proxies whose X-Forwarded-For is believed; nobody's when empty."`
	Throttle       throttle.Limits `embed:""`
	MaxCalls       int             `name:"max-calls" env:"DCR_MAX_CALLS" default:"512" help:"Calls under way at once, on all surfaces together; more are refused with 503."`
}

// Targets are where the services behind are.
type Targets struct {
	Identity string `name:"identity-target" env:"DCR_IDENTITY_TARGET" required:"" help:"Where identity-svc is: dns:///host:port, or static:///host:port,host:port."`
	OptOut   string `name:"optout-target" env:"DCR_OPTOUT_TARGET" required:"" help:"Where optout-svc is, likewise."`
	Record   string `name:"record-target" env:"DCR_RECORD_TARGET" required:"" help:"Where record-svc is, likewise."`
	Audit    string `name:"audit-target" env:"DCR_AUDIT_TARGET" required:"" help:"Where audit-svc is, likewise."`
}

// Trust is whom the gateway believes, what it allows, and its secret.
type Trust struct {
	IssuersFile      string `name:"issuers-file" env:"DCR_ISSUERS_FILE" required:"" help:"Trusted OIDC issuers, YAML or JSON."`
	PolicyFile       string `name:"policy-file" env:"DCR_POLICY_FILE" help:"Access policy: roles, sections, permissions. The one that is built in when empty."`
	PageTokenKeyFile string `name:"page-token-key-file" env:"DCR_PAGE_TOKEN_KEY_FILE" required:"" help:"One or two lines, each the base64 of 32 random bytes, shared by all replicas; the first seals page tokens, both open them."`
}

// check refuses what kong cannot: required settings that are there and empty.
func (c Config) check() error {
	var missing []error
	for _, s := range []struct{ setting, value string }{
		{"DCR_LISTEN_REST", c.Public.ListenREST},
		{"DCR_LISTEN_GRPC", c.Public.ListenGRPC},
		{"DCR_PUBLIC_TLS_CERT", c.Public.CertFile},
		{"DCR_PUBLIC_TLS_KEY", c.Public.KeyFile},
		{"DCR_IDENTITY_TARGET", c.Targets.Identity},
		{"DCR_OPTOUT_TARGET", c.Targets.OptOut},
		{"DCR_RECORD_TARGET", c.Targets.Record},
		{"DCR_AUDIT_TARGET", c.Targets.Audit},
		{"DCR_ISSUERS_FILE", c.Trust.IssuersFile},
		{"DCR_PAGE_TOKEN_KEY_FILE", c.Trust.PageTokenKeyFile},
	} {
		if s.value == "" {
			missing = append(missing, fmt.Errorf("%s is not set", s.setting))
		}
	}
	if c.Public.MaxCalls < 1 {
		missing = append(missing, errors.New("DCR_MAX_CALLS must be at least 1"))
	}
	return errors.Join(missing...)
}

// clock is the one place where this program reads the time of day.
func clock() time.Time { return time.Now() }

// version of the program, as it was built.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
