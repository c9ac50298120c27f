package store

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/dorsetcarerecord/dcr/internal/nhsnumber"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/section"
)

// Line is what the flat list shows of an entry that leads its group of equals.
type Line struct {
	EntryID string
	Section section.Name
	// SortAt orders the list; zero for an undated entry, which comes last.
	SortAt  time.Time
	Codes   []string
	Sources []string
	Full    string
	Summary *string
}

// updateLinesSQL writes the lines of a person's entries, and clears those of entries that lead no more.
// Rows that would not change are left alone: most bundles change little.
const updateLinesSQL = `
UPDATE entry e
   SET section = l.section, sort_at = l.sort_at, codes = string_to_array(l.codes, E'\x1f'), sources = string_to_array(l.sources, E'\x1f'),
       full_body = l.full_body, summary_body = l.summary_body
  FROM (SELECT o.id, n.section, n.sort_at, n.codes, n.sources, n.full_body, n.summary_body
          FROM entry o LEFT JOIN unnest($2::uuid[], $3::text[], $4::timestamptz[], $5::text[], $6::text[], $7::text[], $8::text[])
               AS n (id, section, sort_at, codes, sources, full_body, summary_body) ON n.id = o.id
         WHERE o.nhs_number = $1) l
 WHERE e.nhs_number = $1 AND e.id = l.id
   AND (e.full_body, e.summary_body, e.section, e.sort_at, e.codes, e.sources)
       IS DISTINCT FROM (l.full_body, l.summary_body, l.section, l.sort_at, string_to_array(l.codes, E'\x1f'), string_to_array(l.sources, E'\x1f'))`

// UpdateLines writes all lines of a person.
func (s *Store) UpdateLines(ctx context.Context, tx *sqlx.Tx, number nhsnumber.Number, all []Line) error {
	n := len(all)
	ids, sections, sorts := make([]string, n), make([]string, n), make([]string, n)
	codes, sources, full, summary := make([]string, n), make([]string, n), make([]string, n), make([]*string, n)
	for i, l := range all {
		ids[i], sections[i], sorts[i] = l.EntryID, string(l.Section), sortStamp(l.SortAt)
		codes[i], sources[i], full[i], summary[i] = joined(l.Codes), joined(l.Sources), l.Full, l.Summary
	}
	_, err := s.stmt.Exec(ctx, tx, updateLinesSQL, string(number), array(ids), array(sections), array(sorts), array(codes), array(sources),
		array(full), pq.Array(summary))
	if err != nil {
		return fmt.Errorf("write lines: %w", err)
	}
	return nil
}

// sortStamp puts what is undated before everything.
func sortStamp(t time.Time) string {
	if t.IsZero() {
		return "-infinity"
	}
	return stamp(t)
}

// upsertPiecesSQL writes pieces, and leaves alone those that would not change. The lists within a piece travel
// as one text each, like those of lines.
const upsertPiecesSQL = `
INSERT INTO piece AS x (nhs_number, section, form, rules, body, entries, sources, source_entries, source_latest)
SELECT $1, n.section, n.form, $2, n.body, n.entries, string_to_array(n.sources, E'\x1f'), string_to_array(n.counts, E'\x1f')::int[], string_to_array(n.latest, E'\x1f')
  FROM unnest($3::text[], $4::text[], $5::text[], $6::int[], $7::text[], $8::text[], $9::text[])
    AS n (section, form, body, entries, sources, counts, latest)
ON CONFLICT (nhs_number, section, form) DO UPDATE
   SET rules = excluded.rules, body = excluded.body, entries = excluded.entries, sources = excluded.sources,
       source_entries = excluded.source_entries, source_latest = excluded.source_latest
 WHERE (x.rules, x.body, x.sources, x.source_latest) IS DISTINCT FROM (excluded.rules, excluded.body, excluded.sources, excluded.source_latest)`

// UpsertPieces writes pieces of a person that were rendered under these never-shared code sets.
func (s *Store) UpsertPieces(ctx context.Context, tx *sqlx.Tx, number nhsnumber.Number, rules string, all []Piece) error {
	n := len(all)
	sections, forms, bodies, entries := make([]string, n), make([]string, n), make([]string, n), make([]int64, n)
	sources, counts, latest := make([]string, n), make([]string, n), make([]string, n)
	for i, p := range all {
		sections[i], forms[i], bodies[i], entries[i] = string(p.Section), string(p.Level), p.Body, int64(p.Entries)
		sources[i], counts[i], latest[i] = shownLists(p.Shown)
	}
	_, err := s.stmt.Exec(ctx, tx, upsertPiecesSQL, string(number), rules, array(sections), array(forms), array(bodies), pq.Array(entries),
		array(sources), array(counts), array(latest))
	if err != nil {
		return fmt.Errorf("write pieces: %w", err)
	}
	return nil
}

func shownLists(all []SourceShown) (sources, counts, latest string) {
	codes, numbers, times := make([]string, len(all)), make([]string, len(all)), make([]string, len(all))
	for i, shown := range all {
		codes[i], numbers[i], times[i] = shown.ODSCode, strconv.FormatInt(shown.Entries, 10), shown.Latest
	}
	return joined(codes), joined(numbers), joined(times)
}
