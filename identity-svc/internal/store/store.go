// Package store is identity-svc's SQL: each statement a constant beside its method, prepared once. It
// decides nothing: rules are in internal/relationship and internal/service. Errors leave it translated.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jmoiron/sqlx"

	"github.com/dorsetcarerecord/dcr/internal/postgres"
)

// ErrNone says that there is no such row; the caller knows what that means.
var ErrNone = errors.New("no such row")

// Store is the schema "identity". Its methods run in the transaction that they are given, or on the pool
// when that is nil.
type Store struct {
	db    *sqlx.DB
	stmts *postgres.Statements
}

// New prepares every statement, so that a wrong column stops the start and not the first call.
func New(ctx context.Context, db *sqlx.DB) (*Store, error) {
	stmts, err := postgres.Prepare(ctx, db,
		selectStaffFacts, selectSystemFacts,
		selectPatient, selectPatientForUpdate, searchByNumber, searchByName, upsertPatient,
		selectMeant, selectContact,
		lockMerges, selectMerge, lockMerge, selectStandingMerges, selectMerges, insertMerge, updateMerge, supersede, unsupersede,
		selectRelationship, selectRelationshipsOf, selectStanding, insertDeclared, endRelationship,
		selectFeedRelationships, upsertFeedRelationship, cutGrants, advanceWatermark, upsertBreak,
		selectOrganisation, selectOrganisations, selectHeirs, insertOrganisation, updateOrganisation, updateHeirs,
		deleteClients, insertClients,
		selectStaff, selectStaffBySignIn, selectStaffPage, selectRoles, insertStaff, updateStaff, insertRole, endRole, endRoles,
		selectAdministrators,
	)
	if err != nil {
		return nil, fmt.Errorf("prepare store: %w", postgres.Translate(err))
	}
	return &Store{db: db, stmts: stmts}, nil
}

// Close gives the statements up. The pool belongs to who opened it.
func (s *Store) Close() error { return s.stmts.Close() }

// Ping asks whether the database answers.
func (s *Store) Ping(ctx context.Context) error { return postgres.Translate(s.db.PingContext(ctx)) }

// InTx runs work in a transaction; see postgres.InTx.
func (s *Store) InTx(ctx context.Context, work func(*sqlx.Tx) error) error {
	return postgres.InTx(ctx, s.db, work)
}

// get reads one row; ErrNone when there is none. what names the row for the log.
func (s *Store) get(ctx context.Context, tx *sqlx.Tx, what string, dest any, text string, args ...any) error {
	err := s.stmts.Get(ctx, tx, dest, text, args...)
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNone
	}
	return wrapped(what, err)
}

// list reads all rows.
func (s *Store) list(ctx context.Context, tx *sqlx.Tx, what string, dest any, text string, args ...any) error {
	return wrapped(what, s.stmts.Select(ctx, tx, dest, text, args...))
}

// exec runs a statement and gives the number of rows that it changed.
func (s *Store) exec(ctx context.Context, tx *sqlx.Tx, what string, text string, args ...any) (int64, error) {
	result, err := s.stmts.Exec(ctx, tx, text, args...)
	if err != nil {
		return 0, wrapped(what, err)
	}
	n, err := result.RowsAffected()
	return n, wrapped(what, err)
}

// wrapped names what failed. It is left untranslated inside a transaction, whose retries read the
// driver's code; InTx translates, and so do the methods that run on the pool.
func wrapped(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}
