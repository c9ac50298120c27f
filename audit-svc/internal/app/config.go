// Package app wires audit-svc: its commands, its configuration and the order of its start.
package app

import (
	"time"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/groupcommit"
	"github.com/dorsetcarerecord/dcr/internal/daemon"
)

// name of the program, its certificate and its telemetry.
const name = "audit-svc"

// Config is everything that serve may be told, as flags or in the environment.
type Config struct {
	daemon.Config
	Append groupcommit.Limits `embed:""`
	Tree   Tree               `embed:""`
	Watch  Watching           `embed:""`
}

// Owner is how migrate and maintain reach the schema.
type Owner struct {
	URL string `name:"migrate-database-url" env:"DCR_MIGRATE_DATABASE_URL" required:"" help:"PostgreSQL URL of the schema's owner (dcr_audit_owner)."`
}

// clock is the one place where this program reads the time of day.
func clock() time.Time { return time.Now() }
