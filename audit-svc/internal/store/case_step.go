package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/dorsetcarerecord/dcr/internal/postgres"
)

// MaxFindings of a case are read; all are counted.
const MaxFindings = 200

// CaseStep is one step.
type CaseStep struct {
	CaseID       string     `db:"case_id"`
	Number       int        `db:"number"`
	Kind         string     `db:"kind"`
	State        string     `db:"state"`
	Outcome      string     `db:"outcome"`
	DueAt        *time.Time `db:"due_at"`
	Findings     int        `db:"findings"`
	MadeAt       time.Time  `db:"made_at"`
	Actor        string     `db:"actor"`
	StaffID      string     `db:"staff_id"`
	StaffDisplay string     `db:"staff_display"`
	ODSCode      string     `db:"ods_code"`
	Note         string     `db:"note"`
	EventID      string     `db:"event_id"`
	Measured     int        `db:"measured"`
	Bound        int        `db:"bound"`
	// Body of the event; nil when it was not asked for, or its month was archived.
	Body []byte `db:"body"`
}

// lockCase makes those who add steps to one case take turns. The key of a step is the fence: who comes past the
// lock fails on it.
const lockCase = `SELECT pg_advisory_xact_lock(hashtextextended('audit.case.' || $1, 0))`

// Lock lets nobody else add steps to the case until the transaction ends.
func (c *Cases) Lock(ctx context.Context, tx *sqlx.Tx, id string) error {
	if _, err := c.stmt.Exec(ctx, tx, lockCase, id); err != nil {
		return fmt.Errorf("lock case: %w", err)
	}
	return nil
}

const selectCaseByKey = `
SELECT ` + caseColumns + `
FROM watch_case c` + lastStep + `
WHERE c.staff_id = $1 AND c.rule = $2 AND c.nhs_number = $3 AND c.period = $4 AND c.ods_code = $5
ORDER BY c.turn DESC LIMIT 1`

// FindByKey gives the latest case of a key; ErrNoCase when there is none.
func (c *Cases) FindByKey(ctx context.Context, tx *sqlx.Tx, k Case) (Case, error) {
	var found Case
	err := c.stmt.Get(ctx, tx, &found, selectCaseByKey, k.StaffID, k.Rule, k.NHSNumber, k.Period, k.ODSCode)
	if errors.Is(err, sql.ErrNoRows) {
		return found, ErrNoCase
	}
	if err != nil {
		return found, fmt.Errorf("find case by its key: %w", err)
	}
	return found, nil
}

const insertCase = `
INSERT INTO watch_case (id, rule, ods_code, staff_id, nhs_number, period, turn, staff_display, role_code, first_at, opened_at, rules_version)
VALUES ($1::uuid, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`

// Add adds a case; its first step must follow in the transaction.
func (c *Cases) Add(ctx context.Context, tx *sqlx.Tx, n Case) error {
	_, err := c.stmt.Exec(ctx, tx, insertCase, n.ID, n.Rule, n.ODSCode, n.StaffID, n.NHSNumber, n.Period, n.Turn,
		n.StaffDisplay, n.RoleCode, instant(n.FirstAt), instant(n.OpenedAt), n.RulesVersion)
	if err != nil {
		return fmt.Errorf("add case: %w", err)
	}
	return nil
}

const insertStep = `
INSERT INTO case_step (case_id, number, kind, state, outcome, due_at, findings, made_at, actor, staff_id, staff_display,
                       ods_code, note, event_id, measured, bound)
VALUES ($1::uuid, $2, $3, $4, $5, $6::timestamptz, $7, $8::timestamptz, $9, $10, $11, $12, $13, $14::uuid, $15, $16)`

// AddStep adds a step. Its number is one more than that of the last step, or it fails on the key.
func (c *Cases) AddStep(ctx context.Context, tx *sqlx.Tx, s CaseStep) error {
	var due any
	if s.DueAt != nil {
		due = instant(*s.DueAt)
	}
	_, err := c.stmt.Exec(ctx, tx, insertStep, s.CaseID, s.Number, s.Kind, s.State, s.Outcome, due, s.Findings, instant(s.MadeAt),
		s.Actor, s.StaffID, s.StaffDisplay, s.ODSCode, s.Note, s.EventID, s.Measured, s.Bound)
	if err != nil {
		return fmt.Errorf("add step: %w", err)
	}
	return nil
}

// AddEvents stores events in the transaction of what they account for. It fails when one of their ids is stored
// with other content.
func (c *Cases) AddEvents(ctx context.Context, tx *sqlx.Tx, rows ...Row) error {
	if len(rows) == 0 {
		return nil
	}
	results, err := c.log.write(ctx, tx, [][]Row{rows})
	if err != nil {
		return fmt.Errorf("add events: %w", err)
	}
	if results[0].Conflict {
		return errors.New("add events: one is stored with other content")
	}
	return nil
}

const stepColumns = `s.case_id::text AS case_id, s.number, s.kind, s.state, s.outcome, s.due_at, s.findings, s.made_at, s.actor, s.staff_id,
       s.staff_display, s.ods_code, s.note, s.event_id::text AS event_id, s.measured, s.bound`

// selectSteps leaves out findings before the last MaxFindings.
const selectSteps = `
SELECT ` + stepColumns + `, e.body
FROM case_step s LEFT JOIN event e ON e.id = s.event_id AND s.kind IN ('opened', 'found', 'reopen')
WHERE s.case_id = $1::uuid AND (s.kind NOT IN ('opened', 'found', 'reopen') OR s.findings > $2)
ORDER BY s.number DESC`

// Steps gives a case's steps, the last first: all decisions, and the last MaxFindings findings with their events.
func (c *Cases) Steps(ctx context.Context, of Case) ([]CaseStep, error) {
	var steps []CaseStep
	if err := c.stmt.Select(ctx, nil, &steps, selectSteps, of.ID, of.Findings-MaxFindings); err != nil {
		return nil, fmt.Errorf("list steps: %w", postgres.Translate(err))
	}
	return steps, nil
}

const selectStep = `
SELECT ` + stepColumns + `
FROM case_step s WHERE s.case_id = $1::uuid AND s.number = $2`

// Step gives one step.
func (c *Cases) Step(ctx context.Context, tx *sqlx.Tx, caseID string, number int) (CaseStep, error) {
	var s CaseStep
	if err := c.stmt.Get(ctx, tx, &s, selectStep, caseID, number); err != nil {
		return s, fmt.Errorf("find step: %w", err)
	}
	return s, nil
}

// CaseRequest is a person's step by the id of its request.
type CaseRequest struct {
	RequestID string `db:"request_id"`
	Caller    string `db:"caller"` // staff, issuer and subject: the same id of another caller is another request
	Hash      []byte `db:"request_hash"`
	CaseID    string `db:"case_id"`
	Number    int    `db:"number"`
}

const selectRequest = `
SELECT request_id::text AS request_id, caller, request_hash, case_id::text AS case_id, number
FROM case_request WHERE request_id = $1::uuid AND caller = $2`

// Request gives an earlier request; false when there is none.
func (c *Cases) Request(ctx context.Context, tx *sqlx.Tx, requestID, caller string) (CaseRequest, bool, error) {
	var r CaseRequest
	err := c.stmt.Get(ctx, tx, &r, selectRequest, requestID, caller)
	if errors.Is(err, sql.ErrNoRows) {
		return r, false, nil
	}
	if err != nil {
		return r, false, fmt.Errorf("recall request: %w", err)
	}
	return r, true, nil
}

const insertRequest = `
INSERT INTO case_request (request_id, caller, request_hash, case_id, number, made_at)
VALUES ($1::uuid, $2, $3, $4::uuid, $5, $6::timestamptz)
ON CONFLICT (request_id, caller) DO NOTHING`

// Remember notes a request with its step; false when the same id was used meanwhile, for another case.
func (c *Cases) Remember(ctx context.Context, tx *sqlx.Tx, r CaseRequest, now time.Time) (bool, error) {
	done, err := c.stmt.Exec(ctx, tx, insertRequest, r.RequestID, r.Caller, r.Hash, r.CaseID, r.Number, instant(now))
	if err != nil {
		return false, fmt.Errorf("remember request: %w", err)
	}
	n, err := done.RowsAffected()
	if err != nil {
		return false, fmt.Errorf("remember request: %w", err)
	}
	return n == 1, nil
}

const selectReconcilable = `
SELECT ` + caseColumns + `
FROM watch_case c` + lastStep + `
WHERE c.nhs_number = $1 AND c.rule = ANY ($2::text[]) AND NOT c.settled AND s.state = ANY ($3::text[])
ORDER BY c.id`

// Reconcilable gives a person's cases of some rules that stand in some states.
func (c *Cases) Reconcilable(ctx context.Context, tx *sqlx.Tx, nhsNumber string, rules, states []string) ([]Case, error) {
	var found []Case
	if err := c.stmt.Select(ctx, tx, &found, selectReconcilable, nhsNumber, pq.StringArray(rules), pq.StringArray(states)); err != nil {
		return nil, fmt.Errorf("find reconcilable cases: %w", err)
	}
	return found, nil
}
