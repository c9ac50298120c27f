// Package store keeps the record in PostgreSQL: what partners sent as it came, the entries computed from
// it, and the ready JSON that views are joined from. It decides nothing about access but one thing, which
// stands in the statements themselves: no body of a person leaves while the person's own copy of the
// opt-out choice is sealed or has another number than the caller's decision rests on.
package store

import (
	"context"
	"embed"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/dorsetcarerecord/dcr/internal/postgres"
)

// Schema is the name of record-svc's schema.
const Schema = "record"

// Migrations of the schema, for postgres.Migrate.
//
//go:embed migrations/*.sql
var Migrations embed.FS

// Store runs the statements. It is safe for concurrent use.
type Store struct {
	db   *sqlx.DB
	stmt *postgres.Statements
	now  func() time.Time
}

// New prepares every statement, so that a misspelt column stops the start. Close it before the pool.
func New(ctx context.Context, db *sqlx.DB, now func() time.Time) (*Store, error) {
	stmt, err := postgres.Prepare(ctx, db, texts()...)
	if err != nil {
		return nil, fmt.Errorf("make store: %w", err)
	}
	return &Store{db: db, stmt: stmt, now: now}, nil
}

// Close gives the prepared statements up.
func (s *Store) Close() error { return s.stmt.Close() }

// Ping tells whether the database answers.
func (s *Store) Ping(ctx context.Context) error { return postgres.Translate(s.db.PingContext(ctx)) }

// wrap says what was being done; nil stays nil.
func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// InTx runs work in one transaction; see postgres.InTx.
func (s *Store) InTx(ctx context.Context, work func(*sqlx.Tx) error) error {
	return postgres.InTx(ctx, s.db, work)
}

// texts are the statements that are prepared at start: those of the read path and of the seal, and those
// that every bundle runs.
func texts() []string {
	return []string{
		viewSQL, shownSQL, linesSQL, detailSQL, currentSQL,
		applyChoiceSQL, choiceSQL, safeguardingSQL, heldSQL, heldOfSQL, releaseSQL, retireSQL, restoreSQL,
		ownersSQL, lockPersonSQL, insertPersonSQL, twinsSQL, updatePersonSQL, entriesSQL, versionsSQL, supportingSQL,
		insertVersionsSQL, upsertEntriesSQL, updateLinesSQL, upsertPiecesSQL,
		sourceKindsSQL, touchSourceSQL, acceptedSQL, knownSourceSQL, insertRefusalSQL, listRefusalsSQL,
	}
}
