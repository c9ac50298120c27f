package app

import (
	"context"

	"github.com/dorsetcarerecord/dcr/internal/postgres"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/store"
)

// Migrate is the command that brings the schema to this release.
type Migrate struct{ Owner }

// Run migrates.
func (m *Migrate) Run(ctx context.Context) error {
	return postgres.Migrate(ctx, m.URL, store.Schema, store.Migrations)
}
