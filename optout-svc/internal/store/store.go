// Package store is requests to opt out and people's choices in PostgreSQL. What may happen to a request is
// decided in package request, what a choice does in package choice; here it is written.
package store

import (
	"context"
	"embed"
	"fmt"

	"github.com/jmoiron/sqlx"

	"github.com/dorsetcarerecord/dcr/internal/postgres"
)

// Schema is the schema of this service.
const Schema = "optout"

// Migrations are the definitions of the schema.
//
//go:embed migrations/*.sql
var Migrations embed.FS

// Store is the application role's way to the choices. It is safe for use by many goroutines.
type Store struct {
	db   *sqlx.DB
	stmt *postgres.Statements
}

// Open prepares the statements. The pool stays the caller's, to be closed after the store.
func Open(ctx context.Context, db *sqlx.DB) (*Store, error) {
	stmt, err := postgres.Prepare(ctx, db, statements()...)
	if err != nil {
		return nil, fmt.Errorf("open opt-out store: %w", err)
	}
	return &Store{db: db, stmt: stmt}, nil
}

// statements are the texts that are prepared: all that are not planned anew for their values.
func statements() []string {
	return []string{
		selectInForce, updateInForce,
		holdLinks, changeLinks, selectGroup, insertPeople, lockPeople, selectLink, putLink, insertUnlinked, selectUnsealed,
		selectUnlinked, selectUndecided, decideUnlinked, selectWaiting, selectPairs, insertPairs, selectHeld, dismissPerson,
		insertOptOut, updateOptOut, selectOptOut, selectByReference, lockOptOut, selectSafeguarding, selectUnconfirmed,
		insertChoice, selectByNumber, selectChoices, confirmChoice,
		insertClaim, deleteClaim, insertStep, selectSteps, insertEvidence, selectEvidence,
		insertDocument, selectDocuments, selectDocument,
		putCode, selectCode, voidCode, countWrongCode, countTry, forgetTries,
		selectOpen, selectUnconfirmedChoices, lockRegister, selectRows, selectProgress, selectSignable, selectSealed,
	}
}

// Close gives the prepared statements up.
func (s *Store) Close() error { return s.stmt.Close() }

// Ping tells whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.db.PingContext(ctx); err != nil {
		return fmt.Errorf("ping database: %w", postgres.Translate(err))
	}
	return nil
}

// InTx runs work in a transaction; see postgres.InTx.
func (s *Store) InTx(ctx context.Context, work func(*sqlx.Tx) error) error {
	return postgres.InTx(ctx, s.db, work)
}
