// Package app wires identity-svc: its commands, its configuration and the order of its start.
package app

import (
	"time"

	"github.com/google/uuid"

	"github.com/dorsetcarerecord/dcr/identity-svc/internal/relationship"
	"github.com/dorsetcarerecord/dcr/internal/daemon"
)

// name of the program, its certificate and its telemetry.
const name = "identity-svc"

// Config is everything that serve may be told, as flags or in the environment.
type Config struct {
	daemon.Config
	AuditTarget  string               `name:"audit-target" env:"DCR_AUDIT_TARGET" required:"" help:"Where audit-svc is: dns:///host:port, or static:///host:port,host:port."`
	OptOutTarget string               `name:"optout-target" env:"DCR_OPTOUT_TARGET" required:"" help:"Where optout-svc is, likewise: a merge of NHS numbers begins there."`
	RecordTarget string               `name:"record-target" env:"DCR_RECORD_TARGET" required:"" help:"Where record-svc is, likewise: a superseded number takes no feeds there."`
	Periods      relationship.Periods `embed:""`
}

// Owner is how migrate and bootstrap-admin reach the schema.
type Owner struct {
	URL string `name:"migrate-database-url" env:"DCR_MIGRATE_DATABASE_URL" required:"" help:"PostgreSQL URL of the schema's owner (dcr_identity_owner)."`
}

// clock is the one place where this program reads the time of day.
func clock() time.Time { return time.Now() }

// newID makes UUIDv7s: ids of events must be, and ids of rows that come one after the other lie together.
func newID() (uuid.UUID, error) { return uuid.NewV7() }
