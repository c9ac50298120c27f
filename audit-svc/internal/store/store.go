// Package store is the log in PostgreSQL: appending, reading and making room for coming months.
package store

import (
	"context"
	"embed"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/dorsetcarerecord/dcr/internal/postgres"
)

// Schema is the schema of this service.
const Schema = "audit"

// Migrations are the definitions of the schema.
//
//go:embed migrations/*.sql
var Migrations embed.FS

// Row is one event, ready to be stored.
type Row struct {
	ID         string // UUIDv7, lower case
	OccurredAt time.Time
	StoredAt   time.Time // to the microsecond, as the column keeps it
	Action     string
	Outcome    int32
	Reason     string
	NHSNumber  string
	StaffID    string
	ODSCode    string
	Nonce      []byte // 32 random bytes
	Body       []byte // the bytes that Leaf is the hash of
	Leaf       []byte // 32 bytes

	RelationshipKind string
	Marks            []string // words without quotes, commas or spaces
}

// Leaf is the stored form of an event.
type Leaf struct {
	ID       string
	Hash     []byte
	StoredAt time.Time
}

// Store is the application role's way to the log. It is safe for use by many goroutines.
type Store struct {
	db   *sqlx.DB
	stmt *postgres.Statements
	same func(stored, given []byte) bool
}

// Open prepares the statements. Same tells whether two encodings are one event. The pool stays the
// caller's, to be closed after the store.
func Open(ctx context.Context, db *sqlx.DB, same func(stored, given []byte) bool) (*Store, error) {
	stmt, err := postgres.Prepare(ctx, db, insertEvents, selectLeaves, selectBody, selectPartitions,
		selectHead, selectTiles, selectLeafHashes, selectRoots, selectProven, selectLag,
		selectLargest, selectOfSize, selectWitnessed, selectSigners, selectCosigned, insertCosignature)
	if err != nil {
		return nil, fmt.Errorf("open audit store: %w", err)
	}
	return &Store{db: db, stmt: stmt, same: same}, nil
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
