// Package app wires record-svc: its commands, its configuration and the order of its start.
package app

import (
	"fmt"
	"os"
	"time"

	"github.com/dorsetcarerecord/dcr/internal/daemon"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/nevershared"
)

// name of the program, its certificate and its telemetry.
const name = "record-svc"

// Config is everything that serve may be told, as flags or in the environment.
type Config struct {
	daemon.Config
	AuditTarget    string `name:"audit-target" env:"DCR_AUDIT_TARGET" required:"" help:"Where audit-svc is: dns:///host:port, or static:///host:port,host:port."`
	IdentityTarget string `name:"identity-target" env:"DCR_IDENTITY_TARGET" required:"" help:"Where identity-svc is, likewise."`
	OptOutTarget   string `name:"optout-target" env:"DCR_OPTOUT_TARGET" required:"" help:"Where optout-svc is, likewise: people who are new are checked there before their record opens."`
	NeverShared    string `name:"never-shared-file" env:"DCR_NEVER_SHARED_FILE" help:"JSON file of the code sets that are never shared; the project's own, which is not a national one, when empty."`
}

// rules reads the never-shared code sets.
func (c Config) rules() (*nevershared.Set, error) {
	if c.NeverShared == "" {
		return nevershared.Shipped()
	}
	text, err := os.ReadFile(c.NeverShared)
	if err != nil {
		return nil, fmt.Errorf("DCR_NEVER_SHARED_FILE: %w", err)
	}
	return nevershared.Parse(text)
}

// Owner is how migrate reaches the schema.
type Owner struct {
	URL string `name:"migrate-database-url" env:"DCR_MIGRATE_DATABASE_URL" required:"" help:"PostgreSQL URL of the schema's owner (dcr_record_owner)."`
}

// clock is the one place where this program reads the time of day.
func clock() time.Time { return time.Now() }
