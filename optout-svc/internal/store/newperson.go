package store

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/dorsetcarerecord/dcr/internal/postgres"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/waiting"
)

// isWaiting holds for a request to opt out, not in, that may still take effect.
const isWaiting = `o.sealed AND o.state IN ('received', 'needs_matching', 'needs_evidence', 'ready')`

// selectWaiting finds requests that wait and could mean some people: $1 their numbers, $2 birth dates, $3 and $4
// spans of birth dates. Each branch goes by an index of its own (the spans, which are few, one by one), since an
// import asks for everybody; package waiting looks closer.
const selectWaiting = `
WITH close AS (
  SELECT o.id FROM opt_out o WHERE o.nhs_number = ANY ($1::text[]) AND ` + isWaiting + `
  UNION
  SELECT o.id FROM claim m JOIN opt_out o ON o.id = m.opt_out_id
  WHERE m.nhs_number <> '' AND m.nhs_number = ANY ($1::text[]) AND ` + isWaiting + `
  UNION
  SELECT o.id FROM claim m JOIN opt_out o ON o.id = m.opt_out_id
  WHERE m.birth_date = ANY ($2::text[]) AND ` + isWaiting + `
  UNION
  SELECT o.id FROM unnest($3::text[], $4::text[]) AS d (first, last)
  CROSS JOIN LATERAL (
    SELECT m.opt_out_id FROM claim m WHERE m.birth_date >= d.first AND m.birth_date <= d.last OFFSET 0) m
  JOIN opt_out o ON o.id = m.opt_out_id
  WHERE ` + isWaiting + `)
SELECT o.id, o.state, coalesce(o.nhs_number, '') AS nhs_number, coalesce(m.nhs_number, '') AS claimed, coalesce(m.family_name, '') AS family_name,
       coalesce(m.birth_date, '') AS birth_date, coalesce(m.postcode, '') AS postcode
FROM close c JOIN opt_out o ON o.id = c.id LEFT JOIN claim m ON m.opt_out_id = o.id`

// WaitingRequest is a request that waits, with its id and state.
type WaitingRequest struct {
	ID    uuid.UUID
	State string
	waiting.Request
}

// Waiting finds the requests that wait and could mean some people. It sees every request that was committed
// before it was called.
func (s *Store) Waiting(ctx context.Context, people []waiting.Person) ([]WaitingRequest, error) {
	var numbers, days, first, last pq.StringArray
	for _, p := range people {
		numbers = append(numbers, p.NHSNumber)
		for _, span := range waiting.Births(p) {
			if span.From == span.To {
				days = append(days, span.From)
				continue
			}
			first, last = append(first, span.From), append(last, span.To)
		}
	}
	var rows []struct {
		ID         uuid.UUID `db:"id"`
		State      string    `db:"state"`
		NHSNumber  string    `db:"nhs_number"`
		Claimed    string    `db:"claimed"`
		FamilyName string    `db:"family_name"`
		BirthDate  string    `db:"birth_date"`
		Postcode   string    `db:"postcode"`
	}
	if err := s.stmt.Select(ctx, nil, &rows, selectWaiting, numbers, days, first, last); err != nil {
		return nil, fmt.Errorf("look for waiting requests: %w", postgres.Translate(err))
	}
	found := make([]WaitingRequest, len(rows))
	for i, r := range rows {
		found[i] = WaitingRequest{ID: r.ID, State: r.State, Request: waiting.Request{
			NHSNumber: r.NHSNumber, ClaimedNumber: r.Claimed, FamilyName: r.FamilyName, BirthDate: r.BirthDate, Postcode: r.Postcode,
		}}
	}
	return found, nil
}

// Pair is a person who is new, and a request that could mean them.
type Pair struct {
	NHSNumber string
	OptOutID  uuid.UUID
}

const selectPairs = `
SELECT n.nhs_number, n.opt_out_id, n.dismissed_at IS NOT NULL AS dismissed
FROM unnest($1::text[], $2::uuid[]) AS p (nhs_number, opt_out_id)
JOIN new_person n ON n.nhs_number = p.nhs_number AND n.opt_out_id = p.opt_out_id`

// Noticed tells which pairs were noticed before, and (true) dismissed.
func (s *Store) Noticed(ctx context.Context, pairs []Pair) (map[Pair]bool, error) {
	numbers, ids := columnsOf(pairs)
	var rows []struct {
		NHSNumber string    `db:"nhs_number"`
		OptOutID  uuid.UUID `db:"opt_out_id"`
		Dismissed bool      `db:"dismissed"`
	}
	if err := s.stmt.Select(ctx, nil, &rows, selectPairs, numbers, ids); err != nil {
		return nil, fmt.Errorf("read new people: %w", postgres.Translate(err))
	}
	known := make(map[Pair]bool, len(rows))
	for _, r := range rows {
		known[Pair{r.NHSNumber, r.OptOutID}] = r.Dismissed
	}
	return known, nil
}

func columnsOf(pairs []Pair) (numbers, ids pq.StringArray) {
	numbers, ids = make(pq.StringArray, len(pairs)), make(pq.StringArray, len(pairs))
	for i, p := range pairs {
		numbers[i], ids[i] = p.NHSNumber, p.OptOutID.String()
	}
	return numbers, ids
}

const insertPairs = `
INSERT INTO new_person (nhs_number, opt_out_id, noticed_at)
SELECT p.nhs_number, p.opt_out_id, $3 FROM unnest($1::text[], $2::uuid[]) AS p (nhs_number, opt_out_id)
ON CONFLICT DO NOTHING`

// Notice notes pairs, each once.
func (s *Store) Notice(ctx context.Context, tx *sqlx.Tx, pairs []Pair, at time.Time) error {
	numbers, ids := columnsOf(pairs)
	if _, err := s.stmt.Exec(ctx, tx, insertPairs, numbers, ids, at); err != nil {
		return fmt.Errorf("note new people: %w", err)
	}
	return nil
}
