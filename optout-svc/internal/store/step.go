package store

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"

	"github.com/dorsetcarerecord/dcr/internal/postgres"
)

// Step is one step in the life of a request.
type Step struct {
	OptOutID uuid.UUID `db:"opt_out_id"`
	Number   int       `db:"number"`
	At       time.Time `db:"at"`
	Event    string    `db:"event"`
	// From is empty for the first step.
	From  string `db:"from_state"`
	To    string `db:"to_state"`
	Actor string `db:"actor"`
	// Staff who made it; nobody for the system and the person.
	Staff
	Reason        string     `db:"reason"`
	Note          string     `db:"note"`
	PolicyVersion string     `db:"policy_version"`
	EventID       *uuid.UUID `db:"event_id"`
	RelatedID     *uuid.UUID `db:"related_id"`
}

const insertStep = `
INSERT INTO step (opt_out_id, number, at, event, from_state, to_state, actor, staff_id, staff_display, role_code, ods_code,
                  reason, note, policy_version, event_id, related_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`

// InsertSteps adds steps to requests that are locked.
func (s *Store) InsertSteps(ctx context.Context, tx *sqlx.Tx, steps ...Step) error {
	for _, p := range steps {
		_, err := s.stmt.Exec(ctx, tx, insertStep, p.OptOutID, p.Number, p.At, p.Event, p.From, p.To, p.Actor, p.Staff.ID, p.Display,
			p.RoleCode, p.ODSCode, p.Reason, p.Note, p.PolicyVersion, p.EventID, p.RelatedID)
		if err != nil {
			return fmt.Errorf("insert step: %w", err)
		}
	}
	return nil
}

const selectSteps = `
SELECT opt_out_id, number, at, event, from_state, to_state, actor, staff_id, staff_display, role_code, ods_code, reason, note,
       policy_version, event_id, related_id
FROM step WHERE opt_out_id = $1 ORDER BY number`

// Steps of a request, oldest first.
func (s *Store) Steps(ctx context.Context, id uuid.UUID) ([]Step, error) {
	var all []Step
	if err := s.stmt.Select(ctx, nil, &all, selectSteps, id); err != nil {
		return nil, fmt.Errorf("read steps: %w", postgres.Translate(err))
	}
	return all, nil
}
