package store

import (
	"context"
	"fmt"
	"time"

	"github.com/dorsetcarerecord/dcr/internal/nhsnumber"
	"github.com/dorsetcarerecord/dcr/internal/postgres"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/section"
)

// ListFilter narrows the flat list: every filter that is set must match.
type ListFilter struct {
	// Full and Summary are the sections to list, by the level at which they are shown.
	Full, Summary []string
	// Since leaves out what is dated before it. What has no date is never left out: missing is not old.
	Since *time.Time
	// SourceODS keeps entries that this organisation sent, alone or with others.
	SourceODS string
	// Code keeps entries with this code, alone or as system|code.
	Code string
	// After is the last line already seen.
	After *Cursor
	Limit int
}

// Cursor is a place in the flat list.
type Cursor struct {
	SortAt  string // in UTC as PostgreSQL prints it, -infinity too
	EntryID string
}

// ListedLine is one line of the flat list.
type ListedLine struct {
	Cursor
	Section section.Name
	// Body is the JSON of the entry in the form that its section is shown in.
	Body    string
	Sources []string
}

// linesSQL: $3 and $4 the masking, $5 full sections, $6 summary sections, $7 since, $8 source, $9 code, $10 and
// $11 cursor, $12 limit. Where a line stands is printed in UTC, so that it reads the same on every server.
const linesSQL = `
WITH g AS (` + gateSQL + `)
SELECT ` + gateColumns + `, e.id, (e.sort_at AT TIME ZONE 'UTC')::text AS sort_at, e.section, e.sources,
       CASE WHEN e.section = ANY ($5::text[]) THEN e.full_body ELSE e.summary_body END AS body
  FROM g LEFT JOIN LATERAL (
       SELECT id, sort_at, section, sources, full_body, summary_body FROM entry
        WHERE nhs_number = $1 AND g.let_through AND ` + unmaskedSQL + ` AND full_body IS NOT NULL
          AND (section = ANY ($5::text[]) OR section = ANY ($6::text[]) AND summary_body IS NOT NULL)
          AND ($7::timestamptz IS NULL OR sort_at >= $7 OR sort_at = '-infinity')
          AND ($8::text = '' OR $8 = ANY (sources))
          AND ($9::text = '' OR $9 = ANY (codes))
          AND ($10::timestamp IS NULL OR (sort_at, id) < ($10::timestamp AT TIME ZONE 'UTC', $11::uuid))
        ORDER BY sort_at DESC, id DESC LIMIT $12) e ON true
 ORDER BY e.sort_at DESC, e.id DESC`

type lineRow struct {
	Gate
	ID      *string   `db:"id"`
	SortAt  *string   `db:"sort_at"`
	Section *string   `db:"section"`
	Sources textArray `db:"sources"`
	Body    *string   `db:"body"`
}

// List reads the gate and a page of lines of a person in one statement. There are none where the view must be
// masked: then use Shown and render.
func (s *Store) List(ctx context.Context, number nhsnumber.Number, asked int64, m Masking, f ListFilter) (Gate, []ListedLine, error) {
	var at, id *string
	if f.After != nil {
		at, id = &f.After.SortAt, &f.After.EntryID
	}
	var rows []lineRow
	err := s.stmt.Select(ctx, nil, &rows, linesSQL, string(number), asked, m.Always, m.Broken, array(f.Full), array(f.Summary), f.Since, f.SourceODS, f.Code, at, id, f.Limit)
	if err != nil {
		return Gate{}, nil, fmt.Errorf("read lines: %w", postgres.Translate(err))
	}
	if len(rows) == 0 {
		return Gate{}, nil, ErrNoPerson
	}
	var lines []ListedLine
	for _, r := range rows {
		if r.ID != nil {
			lines = append(lines, ListedLine{
				Cursor:  Cursor{SortAt: *r.SortAt, EntryID: *r.ID},
				Section: section.Name(*r.Section), Body: *r.Body, Sources: r.Sources,
			})
		}
	}
	return rows[0].Gate, lines, nil
}
