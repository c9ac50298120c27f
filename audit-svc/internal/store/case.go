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

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/casework"
)

// ErrNoCase says that there is no such case, or none in scope.
var ErrNoCase = errors.New("no such case")

// Cases is the application role's way to what watching found. It adds rows and changes none. It is safe for
// use by many goroutines.
type Cases struct {
	db   *sqlx.DB
	stmt *postgres.Statements
	log  *Store
}

// OpenCases prepares the statements. The log takes the events of steps, in the transactions of the steps. It
// and the pool stay the caller's, to be closed after the cases.
func OpenCases(ctx context.Context, db *sqlx.DB, log *Store) (*Cases, error) {
	stmt, err := postgres.Prepare(ctx, db,
		lockCase, selectCaseByKey, selectCaseByID, insertCase, insertStep, selectSteps, selectStep, selectRequest, insertRequest,
		limitIdle, lockWatch, selectWatched, insertRun, selectRun, selectTreeEnd, selectAttendances, selectReconcilable, selectPeers,
		selectLastDay, selectFirstEvent, insertDay, insertTallies, countCases)
	if err != nil {
		return nil, fmt.Errorf("open cases: %w", err)
	}
	return &Cases{db: db, stmt: stmt, log: log}, nil
}

// Close gives the prepared statements up.
func (c *Cases) Close() error { return c.stmt.Close() }

// InTx runs work in a transaction; see postgres.InTx.
func (c *Cases) InTx(ctx context.Context, work func(*sqlx.Tx) error) error {
	return postgres.InTx(ctx, c.db, work)
}

// Case is a case with its last step.
type Case struct {
	ID           string    `db:"id"`
	Rule         string    `db:"rule"`
	ODSCode      string    `db:"ods_code"`
	StaffID      string    `db:"staff_id"`
	NHSNumber    string    `db:"nhs_number"` // empty: about the member alone
	Period       string    `db:"period"`
	Turn         int       `db:"turn"`
	StaffDisplay string    `db:"staff_display"`
	RoleCode     string    `db:"role_code"`
	FirstAt      time.Time `db:"first_at"`
	OpenedAt     time.Time `db:"opened_at"`
	RulesVersion string    `db:"rules_version"`
	Settled      bool      `db:"settled"`

	Number    int        `db:"number"` // of the last step
	State     string     `db:"state"`
	Outcome   string     `db:"outcome"`
	DueAt     *time.Time `db:"due_at"`
	Findings  int        `db:"findings"`
	UpdatedAt time.Time  `db:"made_at"`
}

const caseColumns = `c.id::text AS id, c.rule, c.ods_code, c.staff_id, c.nhs_number, c.period, c.turn, c.staff_display, c.role_code,
       c.first_at, c.opened_at, c.rules_version, c.settled, s.number, s.state, s.outcome, s.due_at, s.findings, s.made_at`

// lastStep is the step that says where a case stands.
const lastStep = `
JOIN LATERAL (SELECT number, state, outcome, due_at, findings, made_at FROM case_step
              WHERE case_id = c.id ORDER BY number DESC LIMIT 1) s ON true`

// Standing is what of a case decides about its next step.
func Standing(c Case) casework.Case {
	standing := casework.Case{State: casework.State(c.State), Outcome: casework.Outcome(c.Outcome), StaffID: c.StaffID}
	if c.DueAt != nil {
		standing.Due = *c.DueAt
	}
	return standing
}

// After is the case with one more step, after which it stands so.
func (c Case) After(next casework.Case, now time.Time) Case {
	c.Number, c.State, c.Outcome, c.DueAt, c.UpdatedAt = c.Number+1, string(next.State), string(next.Outcome), nil, now
	if !next.Due.IsZero() {
		c.DueAt = &next.Due
	}
	return c
}

// Step is s as the step after which the case stands as it does.
func (c Case) Step(s CaseStep) CaseStep {
	s.CaseID, s.Number, s.State, s.Outcome, s.DueAt, s.Findings, s.MadeAt = c.ID, c.Number, c.State, c.Outcome, c.DueAt, c.Findings, c.UpdatedAt
	return s
}

// Scope is whose cases may be seen.
type Scope struct {
	// All is true for every organisation's; else those of ODSCode.
	All     bool
	ODSCode string
	// Reader is a member of staff whose own cases are left out.
	Reader string
}

const inScope = ` AND ($1 OR c.ods_code = $2) AND c.staff_id <> $3`

const selectCaseByID = `
SELECT ` + caseColumns + `
FROM watch_case c` + lastStep + `
WHERE c.id = $4::uuid` + inScope

// Find gives a case in scope; ErrNoCase when there is none. The id must be a UUID. Tx may be nil.
func (c *Cases) Find(ctx context.Context, tx *sqlx.Tx, scope Scope, id string) (Case, error) {
	var found Case
	err := c.stmt.Get(ctx, tx, &found, selectCaseByID, scope.All, scope.ODSCode, scope.Reader, id)
	if errors.Is(err, sql.ErrNoRows) {
		return found, ErrNoCase
	}
	if err != nil {
		return found, fmt.Errorf("find case: %w", translated(tx, err))
	}
	return found, nil
}

// CaseFilter narrows a list; an empty part narrows nothing.
type CaseFilter struct {
	Rule      string
	States    []string
	DueBefore time.Time // open, and due by then
	StaffID   string
	NHSNumber string
}

// selectCases is planned anew each time with its values, so that parts which narrow nothing vanish from the plan.
// What is open is found among the cases that are not settled.
const selectCases = `
SELECT ` + caseColumns + `
FROM watch_case c` + lastStep + `
WHERE c.id < $4::uuid` + inScope + `
  AND ($5 = '' OR c.rule = $5)
  AND (cardinality($6::text[]) = 0 OR s.state = ANY ($6::text[]))
  AND ('closed' = ANY ($6::text[]) OR (cardinality($6::text[]) = 0 AND $7::timestamptz IS NULL) OR NOT c.settled)
  AND ($7::timestamptz IS NULL OR (s.state = 'open' AND s.due_at <= $7::timestamptz))
  AND ($8 = '' OR c.staff_id = $8)
  AND ($9 = '' OR c.nhs_number = $9)
ORDER BY c.id DESC LIMIT $10`

// List gives at most limit cases that match, the last opened first, beginning after the one with id after
// (empty: with the last opened).
func (c *Cases) List(ctx context.Context, scope Scope, f CaseFilter, after string, limit int) ([]Case, error) {
	if after == "" {
		after = lastID
	}
	var due any
	if !f.DueBefore.IsZero() {
		due = f.DueBefore
	}
	var found []Case
	err := c.db.SelectContext(ctx, &found, selectCases, scope.All, scope.ODSCode, scope.Reader, after,
		f.Rule, append(pq.StringArray{}, f.States...), due, f.StaffID, f.NHSNumber, limit)
	if err != nil {
		return nil, fmt.Errorf("list cases: %w", postgres.Translate(err))
	}
	return found, nil
}

// CaseCount is how many cases of a rule stand in a state.
type CaseCount struct {
	Rule    string `db:"rule"`
	State   string `db:"state"`
	Cases   int64  `db:"cases"`
	Overdue int64  `db:"overdue"`
}

const countCases = `
SELECT c.rule, s.state, count(*) AS cases, count(*) FILTER (WHERE s.state = 'open' AND s.due_at <= $1) AS overdue
FROM watch_case c` + lastStep + `
WHERE NOT c.settled AND s.state <> 'closed'
GROUP BY 1, 2`

// Count counts what is not closed, over all organisations.
func (c *Cases) Count(ctx context.Context, now time.Time) ([]CaseCount, error) {
	var counts []CaseCount
	if err := c.stmt.Select(ctx, nil, &counts, countCases, now); err != nil {
		return nil, fmt.Errorf("count cases: %w", postgres.Translate(err))
	}
	return counts, nil
}

// translated is the error of a method: InTx translates by itself, after it has read the driver's code.
func translated(tx *sqlx.Tx, err error) error {
	if tx != nil {
		return err
	}
	return postgres.Translate(err)
}
