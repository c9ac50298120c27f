// Package app wires optout-svc: its commands, its configuration and the order of its start.
package app

import (
	"fmt"
	"os"
	"time"

	"github.com/google/uuid"

	"github.com/dorsetcarerecord/dcr/internal/daemon"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/policy"
)

// name of the program, its certificate and its telemetry.
const name = "optout-svc"

// Config is everything that serve may be told, as flags or in the environment.
type Config struct {
	daemon.Config
	AuditTarget    string `name:"audit-target" env:"DCR_AUDIT_TARGET" required:"" help:"Where audit-svc is: dns:///host:port, or static:///host:port,host:port."`
	RecordTarget   string `name:"record-target" env:"DCR_RECORD_TARGET" required:"" help:"Where record-svc is, in the same form."`
	IdentityTarget string `name:"identity-target" env:"DCR_IDENTITY_TARGET" required:"" help:"Where identity-svc is, in the same form."`
	PolicyFile     string `name:"policy" env:"DCR_OPTOUT_POLICY" help:"YAML file that replaces the opt-out policy whole; the one that is built in when empty."`

	Letters LetterConfig `embed:""`
}

// policy is the policy in force, checked.
func (c Config) policy() (*policy.Policy, error) {
	if c.PolicyFile == "" {
		return policy.Default()
	}
	text, err := os.ReadFile(c.PolicyFile)
	if err != nil {
		return nil, fmt.Errorf("DCR_OPTOUT_POLICY: %w", err)
	}
	rules, err := policy.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("DCR_OPTOUT_POLICY: %w", err)
	}
	return rules, nil
}

// Owner is how migrate reaches the schema.
type Owner struct {
	URL string `name:"migrate-database-url" env:"DCR_MIGRATE_DATABASE_URL" required:"" help:"PostgreSQL URL of the schema's owner (dcr_optout_owner)."`
}

// clock is the one place where this program reads the time of day.
func clock() time.Time { return time.Now() }

// newID makes UUIDv7s, so that rows that come one after the other lie together.
func newID() (uuid.UUID, error) { return uuid.NewV7() }
