package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"

	"github.com/dorsetcarerecord/dcr/internal/postgres"
)

// ErrNotFound says that there is no such opt-out.
var ErrNotFound = errors.New("there is no such opt-out")

// OptOut is one registered choice. Channel and Requester are the contract's numbers.
type OptOut struct {
	ID           uuid.UUID  `db:"id"`
	NHSNumber    string     `db:"nhs_number"`
	Number       int64      `db:"choice_number"`
	Sealed       bool       `db:"sealed"`
	Channel      int32      `db:"channel"`
	Evidence     string     `db:"evidence"`
	Requester    int32      `db:"requester"`
	ReceivedAt   time.Time  `db:"received_at"`
	RegisteredAt time.Time  `db:"registered_at"`
	ConfirmedAt  *time.Time `db:"confirmed_at"`
	Reference    string     `db:"reference"`
	EventID      uuid.UUID  `db:"event_id"`
	// InForce and InForceSealed are the person's choice in force at the moment of reading.
	InForce       int64 `db:"in_force"`
	InForceSealed bool  `db:"in_force_sealed"`
}

const insertOptOut = `
INSERT INTO opt_out (nhs_number, choice_number, id, sealed, channel, evidence, requester, received_at, registered_at, reference, event_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`

// Insert adds a choice.
func (s *Store) Insert(ctx context.Context, tx *sqlx.Tx, o OptOut) error {
	if _, err := s.stmt.Exec(ctx, tx, insertOptOut, o.NHSNumber, o.Number, o.ID, o.Sealed, o.Channel, o.Evidence,
		o.Requester, o.ReceivedAt, o.RegisteredAt, o.Reference, o.EventID); err != nil {
		return fmt.Errorf("insert opt-out: %w", err)
	}
	return nil
}

// optOutColumns and optOutTables read a choice together with the one in force of its person.
const (
	optOutColumns = `
SELECT o.id, o.nhs_number, o.choice_number, o.sealed, o.channel, o.evidence, o.requester, o.received_at,
       o.registered_at, o.confirmed_at, o.reference, o.event_id, f.choice_number AS in_force, f.sealed AS in_force_sealed
FROM opt_out o JOIN choice_in_force f ON f.nhs_number = o.nhs_number`

	selectOptOut   = optOutColumns + ` WHERE o.id = $1`
	selectByNumber = optOutColumns + ` WHERE o.nhs_number = $1 AND o.choice_number = $2`

	// selectOptOuts is planned anew each time with its values, so that a narrowing by person uses the key.
	selectOptOuts = optOutColumns + `
WHERE ($1 = '' OR o.nhs_number = $1) AND o.id < $2::uuid
ORDER BY o.id DESC LIMIT $3`
)

// Get reads a choice; ErrNotFound when there is none.
func (s *Store) Get(ctx context.Context, id uuid.UUID) (OptOut, error) {
	return s.one(ctx, nil, selectOptOut, id)
}

// ByNumber reads a person's choice with that number, in a transaction; ErrNotFound when there is none.
func (s *Store) ByNumber(ctx context.Context, tx *sqlx.Tx, nhsNumber string, number int64) (OptOut, error) {
	return s.one(ctx, tx, selectByNumber, nhsNumber, number)
}

func (s *Store) one(ctx context.Context, tx *sqlx.Tx, text string, args ...any) (OptOut, error) {
	var o OptOut
	err := s.stmt.Get(ctx, tx, &o, text, args...)
	if errors.Is(err, sql.ErrNoRows) {
		return o, ErrNotFound
	}
	if err != nil {
		return o, fmt.Errorf("read opt-out: %w", postgres.Translate(err))
	}
	return o, nil
}

const selectPersonOf = `SELECT nhs_number, choice_number FROM opt_out WHERE id = $1`

// PersonOf tells whose choice that is, and its number; ErrNotFound when there is none.
func (s *Store) PersonOf(ctx context.Context, tx *sqlx.Tx, id uuid.UUID) (nhsNumber string, number int64, err error) {
	var row struct {
		NHSNumber string `db:"nhs_number"`
		Number    int64  `db:"choice_number"`
	}
	err = s.stmt.Get(ctx, tx, &row, selectPersonOf, id)
	if errors.Is(err, sql.ErrNoRows) {
		return "", 0, ErrNotFound
	}
	if err != nil {
		return "", 0, fmt.Errorf("find person of opt-out: %w", err)
	}
	return row.NHSNumber, row.Number, nil
}

// lastID is above every UUIDv7.
const lastID = "ffffffff-ffff-ffff-ffff-ffffffffffff"

// List gives at most limit choices, newest first, beginning after the one with id after (uuid.Nil: with the
// newest), of one person or (empty) of all.
func (s *Store) List(ctx context.Context, nhsNumber string, after uuid.UUID, limit int) ([]OptOut, error) {
	below := lastID
	if after != uuid.Nil {
		below = after.String()
	}
	var found []OptOut
	if err := s.db.SelectContext(ctx, &found, selectOptOuts, nhsNumber, below, limit); err != nil {
		return nil, fmt.Errorf("list opt-outs: %w", postgres.Translate(err))
	}
	return found, nil
}

const confirmOptOut = `
UPDATE opt_out SET confirmed_at = $3 WHERE nhs_number = $1 AND choice_number = $2 AND confirmed_at IS NULL`

// Confirm notes when record-svc had a choice. The first time counts.
func (s *Store) Confirm(ctx context.Context, nhsNumber string, number int64, at time.Time) error {
	if _, err := s.stmt.Exec(ctx, nil, confirmOptOut, nhsNumber, number, at); err != nil {
		return fmt.Errorf("confirm opt-out: %w", postgres.Translate(err))
	}
	return nil
}
