package store

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/dorsetcarerecord/dcr/internal/postgres"
)

// Filter narrows a list of requests. Zero fields do not narrow.
type Filter struct {
	NHSNumber string
	State     string
	Channel   int32
	Reference string
	Register  string
	// Open: neither effective nor at their end.
	Open bool
	// ReceivedBefore an instant; candidates of older registers were received by somebody else.
	ReceivedBefore *time.Time
	// Unconfirmed: in force, and record-svc has not confirmed.
	Unconfirmed bool
}

// selectOptOuts is planned anew each time with its values, so that a narrowing uses its index.
const selectOptOuts = optOutColumns + `
WHERE ($1 = '' OR o.nhs_number = $1) AND o.id < $2::uuid AND ($3 = '' OR o.state = $3) AND ($4 = 0 OR o.channel = $4)
  AND ($5 = '' OR o.reference = $5) AND ($6 = '' OR o.register = $6)
  AND (NOT $7 OR o.state IN ('received', 'needs_matching', 'needs_evidence', 'ready'))
  AND ($8::timestamptz IS NULL OR (o.received_at < $8 AND o.register = ''))
  AND (NOT $9 OR (c.choice_number = f.choice_number AND c.confirmed_at IS NULL))
ORDER BY o.id DESC LIMIT $10`

// lastID is above every UUIDv7.
const lastID = "ffffffff-ffff-ffff-ffff-ffffffffffff"

// List gives at most limit requests, newest first, beginning after the one with id after (uuid.Nil: with the
// newest).
func (s *Store) List(ctx context.Context, f Filter, after uuid.UUID, limit int) ([]OptOut, error) {
	below := lastID
	if after != uuid.Nil {
		below = after.String()
	}
	var found []OptOut
	err := s.db.SelectContext(ctx, &found, selectOptOuts, f.NHSNumber, below, f.State, f.Channel, f.Reference, f.Register,
		f.Open, f.ReceivedBefore, f.Unconfirmed, limit)
	if err != nil {
		return nil, fmt.Errorf("list opt-outs: %w", postgres.Translate(err))
	}
	return found, nil
}

const selectSafeguarding = optOutColumns + `
WHERE o.state = 'needs_evidence' AND o.protected_child AND o.safeguarding_allowed_at IS NULL AND o.id > $1
ORDER BY o.id LIMIT $2`

// Safeguarding gives the requests that wait for a safeguarding lead, oldest first, beginning after that id.
func (s *Store) Safeguarding(ctx context.Context, after uuid.UUID, limit int) ([]OptOut, error) {
	var found []OptOut
	if err := s.stmt.Select(ctx, nil, &found, selectSafeguarding, after, limit); err != nil {
		return nil, fmt.Errorf("list safeguarding: %w", postgres.Translate(err))
	}
	return found, nil
}

// selectUnconfirmed names what package request calls a person's own online request that waits for its code.
const selectUnconfirmed = `
SELECT id FROM opt_out
WHERE state = 'needs_evidence' AND channel = 2 AND requester = 1 AND register = '' AND confirmed_by_person_at IS NULL
  AND checked_at IS NULL AND registered_at < $1
ORDER BY registered_at LIMIT $2`

// Unconfirmed gives online requests that were entered before and never confirmed, oldest first.
func (s *Store) Unconfirmed(ctx context.Context, enteredBefore time.Time, limit int) ([]uuid.UUID, error) {
	var ids []uuid.UUID
	if err := s.stmt.Select(ctx, nil, &ids, selectUnconfirmed, enteredBefore, limit); err != nil {
		return nil, fmt.Errorf("list unconfirmed: %w", postgres.Translate(err))
	}
	return ids, nil
}
