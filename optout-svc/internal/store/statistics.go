package store

import (
	"context"
	"fmt"
	"time"

	"github.com/dorsetcarerecord/dcr/internal/postgres"
)

// Count is what was received in a month by a channel, or (month and channel empty) in all, and what became
// of it. Times are seconds from receipt until record-svc had the choice.
type Count struct {
	Month         string  `db:"month"`
	Channel       int32   `db:"channel"`
	ReceivedOut   int32   `db:"received_out"`
	ReceivedIn    int32   `db:"received_in"`
	Effective     int32   `db:"effective"`
	Refused       int32   `db:"refused"`
	Withdrawn     int32   `db:"withdrawn"`
	Reversed      int32   `db:"reversed"`
	Open          int32   `db:"open"`
	ConfirmedLate int32   `db:"confirmed_late"`
	Median        float64 `db:"median"`
	P95           float64 `db:"p95"`
}

// selectUnconfirmedChoices uses the index of choices that are not confirmed; one that was overtaken before
// record-svc had it never will be.
const selectUnconfirmedChoices = `
SELECT count(*) FROM choice c JOIN choice_in_force f ON f.nhs_number = c.nhs_number AND f.choice_number = c.choice_number
WHERE c.confirmed_at IS NULL`

// UnconfirmedChoices is how many choices in force record-svc has not confirmed.
func (s *Store) UnconfirmedChoices(ctx context.Context) (int64, error) {
	var n int64
	if err := s.stmt.Get(ctx, nil, &n, selectUnconfirmedChoices); err != nil {
		return 0, fmt.Errorf("count unconfirmed choices: %w", postgres.Translate(err))
	}
	return n, nil
}

// Period is which receipts are counted, and by which rule they are late.
type Period struct {
	From, To time.Time
	// Zone names the zone of months and days.
	Zone string
	// EffectDays after the day of receipt the effect is due.
	EffectDays int
}

// selectCounts is planned anew each time: it is asked rarely, and how much it reads depends on the period.
// Candidates of older registers are left out: they were received by somebody else, years ago.
const selectCounts = `
SELECT coalesce(to_char(o.received_at AT TIME ZONE $3, 'YYYY-MM'), '') AS month, coalesce(o.channel, 0) AS channel,
       count(*) FILTER (WHERE o.sealed) AS received_out, count(*) FILTER (WHERE NOT o.sealed) AS received_in,
       count(*) FILTER (WHERE o.state = 'effective') AS effective, count(*) FILTER (WHERE o.state = 'refused') AS refused,
       count(*) FILTER (WHERE o.state = 'withdrawn') AS withdrawn, count(*) FILTER (WHERE o.state = 'reversed') AS reversed,
       count(*) FILTER (WHERE o.state IN ('received', 'needs_matching', 'needs_evidence', 'ready')) AS open,
       count(*) FILTER (WHERE c.confirmed_at >= ((o.received_at AT TIME ZONE $3)::date + $4::int + 1)::timestamp AT TIME ZONE $3)
         AS confirmed_late,
       coalesce(percentile_disc(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM c.confirmed_at - o.received_at)), 0) AS median,
       coalesce(percentile_disc(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM c.confirmed_at - o.received_at)), 0) AS p95
FROM opt_out o LEFT JOIN choice c ON c.nhs_number = o.nhs_number AND c.choice_number = o.choice_number
WHERE o.received_at >= $1 AND o.received_at < $2 AND o.register = ''
GROUP BY GROUPING SETS ((to_char(o.received_at AT TIME ZONE $3, 'YYYY-MM'), o.channel), ())
ORDER BY 1, 2`

// Counts by month and channel, and (first) over all.
func (s *Store) Counts(ctx context.Context, p Period) ([]Count, error) {
	var all []Count
	if err := s.db.SelectContext(ctx, &all, selectCounts, p.From, p.To, p.Zone, p.EffectDays); err != nil {
		return nil, fmt.Errorf("count opt-outs: %w", postgres.Translate(err))
	}
	return all, nil
}

// OpenCount is how many requests are open now.
type OpenCount struct {
	All     int32 `db:"all_open"`
	NearDue int32 `db:"near_due"`
	Overdue int32 `db:"overdue"`
}

const selectOpen = `
SELECT count(*) AS all_open, count(*) FILTER (WHERE received_at < $1) AS near_due, count(*) FILTER (WHERE received_at < $2) AS overdue
FROM opt_out WHERE state IN ('received', 'needs_matching', 'needs_evidence', 'ready') AND register = ''`

// OpenNow counts open requests, and those of them that were received before two instants.
func (s *Store) OpenNow(ctx context.Context, nearBefore, overdueBefore time.Time) (OpenCount, error) {
	var o OpenCount
	if err := s.stmt.Get(ctx, nil, &o, selectOpen, nearBefore, overdueBefore); err != nil {
		return o, fmt.Errorf("count open opt-outs: %w", postgres.Translate(err))
	}
	return o, nil
}
