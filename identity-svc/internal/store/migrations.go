package store

import "embed"

// Schema is the PostgreSQL schema that this service owns.
const Schema = "identity"

// Migrations are the migrations of the schema, for postgres.Migrate.
//
//go:embed migrations/*.sql
var Migrations embed.FS
