package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/dorsetcarerecord/dcr/internal/postgres"
)

// ErrNotFound says that there is no such row.
var ErrNotFound = errors.New("there is no such row")

// OptOut is a request to opt out or back in, as it stands. Channel, Requester and LetterFormat are the
// contract's numbers, State the word of package request.
type OptOut struct {
	ID        uuid.UUID `db:"id"`
	Reference string    `db:"reference"`
	// Sealed is what was asked for: out, or (false) back in.
	Sealed bool   `db:"sealed"`
	State  string `db:"state"`
	// Steps is the number of the last step.
	Steps int `db:"steps"`
	// NHSNumber of the matched person; empty until then.
	NHSNumber string `db:"nhs_number"`
	// Number of the choice that came of it; 0 until then.
	Number          int64     `db:"choice_number"`
	Channel         int32     `db:"channel"`
	Evidence        string    `db:"evidence"`
	ChannelEvidence string    `db:"channel_evidence"` // JSON of the contract's message
	Requester       int32     `db:"requester"`
	ReceivedAt      time.Time `db:"received_at"`
	EnteredAt       time.Time `db:"registered_at"`
	LetterFormat    int32     `db:"letter_format"`
	PolicyVersion   string    `db:"policy_version"`
	EventID         uuid.UUID `db:"event_id"`
	// What was shown and decided for the present match.
	ConfirmedByPersonAt   *time.Time     `db:"confirmed_by_person_at"`
	CheckedAt             *time.Time     `db:"checked_at"`
	SignedOffAt           *time.Time     `db:"signed_off_at"`
	SafeguardingAllowedAt *time.Time     `db:"safeguarding_allowed_at"`
	EvidenceFrom          int            `db:"evidence_from"`
	Asked                 pq.StringArray `db:"asked"`
	// ProtectedChild: somebody else asks about a child with safeguarding entries, as far as was known last.
	ProtectedChild bool `db:"protected_child"`
	// Register and RowID of a candidate, RowHash of what the row said.
	Register string `db:"register"`
	RowID    string `db:"row_id"`
	RowHash  []byte `db:"row_hash"`
	// DuplicateOf is the reference of the first.
	DuplicateOf string     `db:"duplicate_of"`
	Renews      *uuid.UUID `db:"renews"`
	RenewedAs   *uuid.UUID `db:"renewed_as"`
	// MadeAt and ConfirmedAt of the choice that came of it; nil without one.
	MadeAt      *time.Time `db:"made_at"`
	ConfirmedAt *time.Time `db:"confirmed_at"`
	// InForce is the number of the matched person's choice in force.
	InForce int64 `db:"in_force"`
	// HasClaim tells whether Claim is there, or was never given or forgotten.
	HasClaim bool `db:"has_claim"`
	Claim
	// StartedBy is the member of staff who started it; nobody when it was not started by one.
	StartedBy Staff `db:"started"`
}

// Staff is a member of staff at the moment of what they did.
type Staff struct {
	ID       string `db:"staff_id"`
	Display  string `db:"staff_display"`
	RoleCode string `db:"role_code"`
	ODSCode  string `db:"ods_code"`
}

const insertOptOut = `
INSERT INTO opt_out (id, reference, sealed, state, steps, nhs_number, channel, evidence, channel_evidence, requester,
                     received_at, registered_at, letter_format, policy_version, event_id, register, row_id, row_hash, renews)
VALUES ($1, $2, $3, 'received', 0, NULL, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`

// Insert adds a request that has just been received; what happens to it next is written by Update.
func (s *Store) Insert(ctx context.Context, tx *sqlx.Tx, o OptOut) error {
	_, err := s.stmt.Exec(ctx, tx, insertOptOut, o.ID, o.Reference, o.Sealed, o.Channel, o.Evidence, o.ChannelEvidence,
		o.Requester, o.ReceivedAt, o.EnteredAt, o.LetterFormat, o.PolicyVersion, o.EventID, o.Register, o.RowID, o.RowHash, o.Renews)
	if err != nil {
		return fmt.Errorf("insert opt-out: %w", err)
	}
	return nil
}

const updateOptOut = `
UPDATE opt_out
SET state = $2, steps = $3, nhs_number = nullif($4, ''), choice_number = $5, confirmed_by_person_at = $6, checked_at = $7,
    signed_off_at = $8, safeguarding_allowed_at = $9, evidence_from = $10, asked = $11, protected_child = $12,
    duplicate_of = $13, renewed_as = $14
WHERE id = $1`

// Update writes where a request stands. It was locked, or inserted in the same transaction.
func (s *Store) Update(ctx context.Context, tx *sqlx.Tx, o OptOut) error {
	if o.Asked == nil {
		o.Asked = pq.StringArray{}
	}
	_, err := s.stmt.Exec(ctx, tx, updateOptOut, o.ID, o.State, o.Steps, o.NHSNumber, o.Number, o.ConfirmedByPersonAt, o.CheckedAt,
		o.SignedOffAt, o.SafeguardingAllowedAt, o.EvidenceFrom, o.Asked, o.ProtectedChild, o.DuplicateOf, o.RenewedAs)
	if err != nil {
		return fmt.Errorf("update opt-out: %w", err)
	}
	return nil
}

// selectOptOut and others read a request with what came of it, who started it and what it claims.
const (
	optOutColumns = `
SELECT o.id, o.reference, o.sealed, o.state, o.steps, coalesce(o.nhs_number, '') AS nhs_number, o.choice_number, o.channel,
       o.evidence, o.channel_evidence, o.requester, o.received_at, o.registered_at, o.letter_format, o.policy_version,
       o.event_id, o.confirmed_by_person_at, o.checked_at, o.signed_off_at, o.safeguarding_allowed_at, o.evidence_from,
       o.asked, o.protected_child, o.register, o.row_id, o.row_hash, o.duplicate_of, o.renews, o.renewed_as,
       c.made_at, c.confirmed_at, coalesce(f.choice_number, 0) AS in_force, m.opt_out_id IS NOT NULL AS has_claim,
       coalesce(m.nhs_number, '') AS claimed_nhs_number, coalesce(m.family_name, '') AS family_name,
       coalesce(m.family_key, '') AS family_key, coalesce(m.given_names, '') AS given_names,
       coalesce(m.birth_date, '') AS birth_date, coalesce(m.postcode, '') AS postcode,
       coalesce(m.requester_family_name, '') AS requester_family_name,
       coalesce(m.requester_given_names, '') AS requester_given_names,
       coalesce(m.requester_birth_date, '') AS requester_birth_date, coalesce(m.relation, '') AS relation,
       coalesce(m.authority, '') AS authority,
       coalesce(s.staff_id, '') AS "started.staff_id", coalesce(s.staff_display, '') AS "started.staff_display",
       coalesce(s.role_code, '') AS "started.role_code", coalesce(s.ods_code, '') AS "started.ods_code"
FROM opt_out o
LEFT JOIN choice c ON c.nhs_number = o.nhs_number AND c.choice_number = o.choice_number
LEFT JOIN choice_in_force f ON f.nhs_number = o.nhs_number
LEFT JOIN claim m ON m.opt_out_id = o.id
LEFT JOIN step s ON s.opt_out_id = o.id AND s.number = 1 AND s.actor = 'staff'`

	selectOptOut      = optOutColumns + ` WHERE o.id = $1`
	selectByReference = optOutColumns + ` WHERE o.reference = $1`

	lockOptOut = `SELECT id FROM opt_out WHERE id = $1 FOR UPDATE`
)

// Get reads a request; ErrNotFound when there is none. tx may be nil.
func (s *Store) Get(ctx context.Context, tx *sqlx.Tx, id uuid.UUID) (OptOut, error) {
	return s.one(ctx, tx, selectOptOut, id)
}

// ByReference reads the request with that reference in its form for people; ErrNotFound when there is none.
func (s *Store) ByReference(ctx context.Context, tx *sqlx.Tx, reference string) (OptOut, error) {
	return s.one(ctx, tx, selectByReference, reference)
}

// Lock makes the transactions that change one request take turns, and reads it; ErrNotFound when there is
// none. Requests are locked before people (see LockPerson).
func (s *Store) Lock(ctx context.Context, tx *sqlx.Tx, id uuid.UUID) (OptOut, error) {
	var locked uuid.UUID
	err := s.stmt.Get(ctx, tx, &locked, lockOptOut, id)
	if errors.Is(err, sql.ErrNoRows) {
		return OptOut{}, ErrNotFound
	}
	if err != nil {
		return OptOut{}, fmt.Errorf("lock opt-out: %w", err)
	}
	return s.one(ctx, tx, selectOptOut, id)
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
