// Package app wires audit-svc: its commands, its configuration and the order of its start.
package app

import (
	"time"

	"github.com/dorsetcarerecord/dcr/internal/life"
	"github.com/dorsetcarerecord/dcr/internal/mtls"
	"github.com/dorsetcarerecord/dcr/internal/postgres"
	"github.com/dorsetcarerecord/dcr/internal/telemetry"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/groupcommit"
)

// name of the program, its certificate and its telemetry.
const name = "audit-svc"

// Config is everything that serve may be told, as flags or in the environment.
type Config struct {
	Listen    string             `name:"listen" env:"DCR_LISTEN" required:"" help:"Address on which gRPC calls are answered."`
	Database  postgres.Config    `embed:""`
	TLS       mtls.Config        `embed:""`
	Append    groupcommit.Limits `embed:""`
	Telemetry telemetry.Config   `embed:""`
	Life      life.Config        `embed:""`
}

// Owner is how migrate and maintain reach the schema.
type Owner struct {
	URL string `name:"migrate-database-url" env:"DCR_MIGRATE_DATABASE_URL" required:"" help:"PostgreSQL URL of the schema's owner (dcr_audit_owner)."`
}

// clock is the one place where this program reads the time of day.
func clock() time.Time { return time.Now() }
