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

	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

// watchLock is the advisory lock of those who watch: "watch".
const watchLock = 0x7761746368

// limitIdle ends the session of a watcher that stopped in the middle (SIGSTOP, a machine that froze): its lock
// goes with it, and another goes on.
const limitIdle = `SELECT set_config('idle_in_transaction_session_timeout', '10s', true)`

const lockWatch = `SELECT pg_try_advisory_xact_lock($1)`

// LockWatch tries to be the one who watches until the transaction ends; false when another is.
func (c *Cases) LockWatch(ctx context.Context, tx *sqlx.Tx) (bool, error) {
	if _, err := c.stmt.Exec(ctx, tx, limitIdle); err != nil {
		return false, fmt.Errorf("limit idle time: %w", err)
	}
	var mine bool
	if err := c.stmt.Get(ctx, tx, &mine, lockWatch, int64(watchLock)); err != nil {
		return false, fmt.Errorf("lock watching: %w", err)
	}
	return mine, nil
}

// Apart runs a part of the transaction that can be taken back by itself: its changes stay unless it fails with an
// error that takes tells of. The error is given in either case.
func (c *Cases) Apart(ctx context.Context, tx *sqlx.Tx, part func() error, takes func(error) bool) error {
	if _, err := tx.ExecContext(ctx, "SAVEPOINT part"); err != nil {
		return fmt.Errorf("begin part: %w", err)
	}
	err := part()
	end := "RELEASE SAVEPOINT part"
	if err != nil {
		if !takes(err) {
			return err
		}
		end = "ROLLBACK TO SAVEPOINT part"
	}
	if _, ended := tx.ExecContext(ctx, end); ended != nil {
		return fmt.Errorf("end part: %w", ended)
	}
	return err
}

const selectWatched = `SELECT coalesce((SELECT next_index FROM watch_run ORDER BY first_index DESC LIMIT 1), 0)`

// Watched is the first leaf that was not judged yet. Tx may be nil.
func (c *Cases) Watched(ctx context.Context, tx *sqlx.Tx) (int64, error) {
	var next int64
	if err := c.stmt.Get(ctx, tx, &next, selectWatched); err != nil {
		return 0, fmt.Errorf("read how far was watched: %w", translated(tx, err))
	}
	return next, nil
}

const selectTreeEnd = `SELECT coalesce((SELECT leaf_index + 1 FROM leaf ORDER BY leaf_index DESC LIMIT 1), 0)`

// TreeEnd is the number of leaves.
func (c *Cases) TreeEnd(ctx context.Context) (int64, error) {
	var end int64
	if err := c.stmt.Get(ctx, nil, &end, selectTreeEnd); err != nil {
		return 0, fmt.Errorf("read size of tree: %w", postgres.Translate(err))
	}
	return end, nil
}

// Leafed is an event at its place in the tree.
type Leafed struct {
	Index int64  `db:"leaf_index"`
	ID    string `db:"event_id"`
	Body  []byte `db:"body"` // nil once its month was archived
}

const selectRun = `
SELECT l.leaf_index, l.event_id::text AS event_id, e.body
FROM (SELECT leaf_index, event_id FROM leaf WHERE leaf_index >= $1 ORDER BY leaf_index LIMIT $2) l
LEFT JOIN event e ON e.id = l.event_id
ORDER BY l.leaf_index`

// Run gives the next leaves from an index on. The tree has no gaps and only grows, so what comes after the last
// of them is what the next run begins with, however late its events were stored.
func (c *Cases) Run(ctx context.Context, tx *sqlx.Tx, from int64, limit int) ([]Leafed, error) {
	var run []Leafed
	if err := c.stmt.Select(ctx, tx, &run, selectRun, from, limit); err != nil {
		return nil, fmt.Errorf("read leaves: %w", err)
	}
	for i, l := range run {
		if l.Index != from+int64(i) {
			return nil, errors.New("read leaves: the tree has a gap")
		}
	}
	return run, nil
}

const insertRun = `INSERT INTO watch_run (first_index, next_index, rules_version, made_at) VALUES ($1, $2, $3, $4::timestamptz)`

// AddRun notes that the leaves from first to before next were judged. It fails on the key when another did it.
func (c *Cases) AddRun(ctx context.Context, tx *sqlx.Tx, first, next int64, rulesVersion string, now time.Time) error {
	if _, err := c.stmt.Exec(ctx, tx, insertRun, first, next, rulesVersion, instant(now)); err != nil {
		return fmt.Errorf("note run: %w", err)
	}
	return nil
}

// Opens says what an open of a record is, and on which day.
type Opens struct {
	Actions  []string
	Outcomes []int32
	From, To time.Time
}

// OpenCount is how often a member opened a person's record.
type OpenCount struct {
	StaffID   string `db:"staff_id"`
	NHSNumber string `db:"nhs_number"`
	Opens     int    `db:"opens"`
}

// selectOpens is planned with its values, so that only the day's partition is opened.
const selectOpens = `
SELECT e.staff_id, e.nhs_number, count(*) AS opens
FROM event e JOIN leaf l ON l.event_id = e.id
WHERE e.staff_id = ANY ($1::text[]) AND e.staff_id <> '' AND e.nhs_number <> '' AND e.id >= $2::uuid AND e.id < $3::uuid
  AND e.action = ANY ($4::text[]) AND e.outcome = ANY ($5::smallint[]) AND l.leaf_index < $6
GROUP BY 1, 2`

// OpensBefore counts the opens of some members on a day that lie before a leaf.
func (c *Cases) OpensBefore(ctx context.Context, tx *sqlx.Tx, o Opens, staff []string, before int64) ([]OpenCount, error) {
	var counts []OpenCount
	err := tx.SelectContext(ctx, &counts, selectOpens, pq.StringArray(staff), verify.FirstID(o.From), verify.FirstID(o.To),
		pq.StringArray(o.Actions), pq.Int32Array(o.Outcomes), before)
	if err != nil {
		return nil, fmt.Errorf("count opens: %w", err)
	}
	return counts, nil
}

const selectAttendances = `
SELECT l.leaf_index, l.event_id::text AS event_id, e.body
FROM event e JOIN leaf l ON l.event_id = e.id
WHERE e.nhs_number = $1 AND e.nhs_number <> '' AND e.id >= $2::uuid AND e.action = $3 AND l.leaf_index < $4
ORDER BY l.leaf_index`

// EventsBefore gives a person's events of an action since an instant that lie before a leaf.
func (c *Cases) EventsBefore(ctx context.Context, tx *sqlx.Tx, nhsNumber, action string, since time.Time, before int64) ([]Leafed, error) {
	var found []Leafed
	if err := c.stmt.Select(ctx, tx, &found, selectAttendances, nhsNumber, verify.FirstID(since), action, before); err != nil {
		return nil, fmt.Errorf("read attendances: %w", err)
	}
	return found, nil
}

const selectPeers = `
SELECT staff_id, people FROM watch_tally
WHERE ods_code = $1 AND role_code = $2 AND day >= $3::date AND day < $4::date AND staff_id <> $5`

// PeerDay is what a member did on one day.
type PeerDay struct {
	StaffID string `db:"staff_id"`
	People  int    `db:"people"`
}

// Peers gives the days of others in a role at an organisation, from a day to before another (as "2026-11-22").
func (c *Cases) Peers(ctx context.Context, tx *sqlx.Tx, odsCode, roleCode, notStaff, from, to string) ([]PeerDay, error) {
	var days []PeerDay
	if err := c.stmt.Select(ctx, tx, &days, selectPeers, odsCode, roleCode, from, to, notStaff); err != nil {
		return nil, fmt.Errorf("read peers: %w", err)
	}
	return days, nil
}

const selectLastDay = `SELECT to_char(max(day), 'YYYY-MM-DD') FROM watch_day`

// LastDay is the last day whose volumes were counted, as "2026-11-22"; empty when none was. Tx may be nil.
func (c *Cases) LastDay(ctx context.Context, tx *sqlx.Tx) (string, error) {
	var day sql.NullString
	if err := c.stmt.Get(ctx, tx, &day, selectLastDay); err != nil {
		return "", fmt.Errorf("read last day: %w", translated(tx, err))
	}
	return day.String, nil
}

const selectFirstEvent = `SELECT id::text FROM event ORDER BY id LIMIT 1`

// FirstEvent is the smallest id in the log; empty when there is none.
func (c *Cases) FirstEvent(ctx context.Context) (string, error) {
	var id string
	err := c.stmt.Get(ctx, nil, &id, selectFirstEvent)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("find first event: %w", postgres.Translate(err))
	}
	return id, nil
}

// selectDay reads opens in the order of ids. The partition is picked by values, so it is not prepared.
const selectDay = `
SELECT id::text AS id, body FROM event
WHERE id > $1::uuid AND id < $2::uuid AND action = ANY ($3::text[]) AND outcome = ANY ($4::smallint[]) AND staff_id <> '' AND nhs_number <> ''
ORDER BY event.id LIMIT $5`

// OpensOf gives a day's opens after an id (empty: from the first), at most limit.
func (c *Cases) OpensOf(ctx context.Context, o Opens, after string, limit int) ([]Body, error) {
	if after == "" {
		after = verify.FirstID(o.From)
	}
	var found []Body
	err := c.db.SelectContext(ctx, &found, selectDay, after, verify.FirstID(o.To), pq.StringArray(o.Actions), pq.Int32Array(o.Outcomes), limit)
	if err != nil {
		return nil, fmt.Errorf("read opens of a day: %w", postgres.Translate(err))
	}
	return found, nil
}

// Tally is how many people's records a member opened on a day in a role.
type Tally struct {
	ODSCode, RoleCode, StaffID string
	People                     int
}

const insertDay = `INSERT INTO watch_day (day, made_at) VALUES ($1::date, $2::timestamptz) ON CONFLICT (day) DO NOTHING`

const insertTallies = `
INSERT INTO watch_tally (day, ods_code, role_code, staff_id, people)
SELECT $1::date, * FROM unnest($2::text[], $3::text[], $4::text[], $5::integer[])`

// AddDay stores a day's tallies once; false when another did.
func (c *Cases) AddDay(ctx context.Context, day string, tallies []Tally, now time.Time) (bool, error) {
	fresh := false
	err := c.InTx(ctx, func(tx *sqlx.Tx) error {
		done, err := c.stmt.Exec(ctx, tx, insertDay, day, instant(now))
		if err != nil {
			return fmt.Errorf("add day: %w", err)
		}
		n, err := done.RowsAffected()
		if err != nil || n == 0 {
			fresh = false
			return err
		}
		fresh = true
		var ods, roles, staff pq.StringArray
		var people pq.Int32Array
		for _, t := range tallies {
			ods, roles, staff, people = append(ods, t.ODSCode), append(roles, t.RoleCode), append(staff, t.StaffID), append(people, int32(t.People))
		}
		if _, err := c.stmt.Exec(ctx, tx, insertTallies, day, ods, roles, staff, people); err != nil {
			return fmt.Errorf("add tallies: %w", err)
		}
		return nil
	})
	return fresh, err
}
