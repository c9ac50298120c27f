package store

import (
	"context"
	"fmt"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/dorsetcarerecord/dcr/internal/nhsnumber"
)

// upsertEntriesSQL writes entries together with their lines: a new row is written once. Lists within a row
// travel as one text each, since an array of arrays must be rectangular.
const upsertEntriesSQL = `
INSERT INTO entry AS e (nhs_number, id, source_ods_code, type, key_id, state, version, versions, ordered_at, received_at, content,
       section, sort_at, codes, sources, full_body, summary_body)
SELECT $1, n.id, n.source_ods_code, n.type, n.key_id, n.state, n.version, n.versions, n.ordered_at, n.received_at, n.content,
       n.section, n.sort_at, string_to_array(n.codes, E'\x1f'), string_to_array(n.sources, E'\x1f'), n.full_body, n.summary_body
  FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::smallint[], $7::int[], $8::int[], $9::timestamptz[], $10::timestamptz[], $11::text[],
              $12::text[], $13::timestamptz[], $14::text[], $15::text[], $16::text[], $17::text[])
    AS n (id, source_ods_code, type, key_id, state, version, versions, ordered_at, received_at, content,
          section, sort_at, codes, sources, full_body, summary_body)
ON CONFLICT (nhs_number, id) DO UPDATE
   SET state = excluded.state, version = excluded.version, versions = excluded.versions,
       ordered_at = excluded.ordered_at, received_at = excluded.received_at, content = excluded.content,
       section = excluded.section, sort_at = excluded.sort_at, codes = excluded.codes, sources = excluded.sources,
       full_body = excluded.full_body, summary_body = excluded.summary_body`

// UpsertEntries writes the entries that a bundle made or changed, with those of the lines that are theirs.
func (s *Store) UpsertEntries(ctx context.Context, tx *sqlx.Tx, number nhsnumber.Number, all []Entry, lines []Line) error {
	n := len(all)
	ids, sources, types, keys := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	states, current, count := make([]int64, n), make([]int64, n), make([]int64, n)
	ordered, received, contents := make([]string, n), make([]string, n), make([]string, n)
	for i, e := range all {
		ids[i], sources[i], types[i], keys[i] = e.ID, e.SourceODS, e.Type, e.KeyID
		states[i], current[i], count[i] = int64(e.State), int64(e.Version), int64(e.Versions)
		ordered[i], received[i], contents[i] = stamp(e.OrderedAt), stamp(e.ReceivedAt), e.Content
	}
	own := linesOf(all, lines)
	_, err := s.stmt.Exec(ctx, tx, upsertEntriesSQL, string(number), array(ids), array(sources), array(types), array(keys),
		pq.Array(states), pq.Array(current), pq.Array(count), array(ordered), array(received), array(contents),
		pq.Array(own.sections), pq.Array(own.sorts), pq.Array(own.codes), pq.Array(own.sources), pq.Array(own.full), pq.Array(own.summaries))
	if err != nil {
		return fmt.Errorf("write entries: %w", err)
	}
	return nil
}

// columns are lines, column by column; nil where an entry has none.
type columns struct {
	sections, sorts, codes, sources, full, summaries []*string
}

// linesOf are the lines of some entries, in their order.
func linesOf(entries []Entry, lines []Line) columns {
	by := make(map[string]*Line, len(lines))
	for i := range lines {
		by[lines[i].EntryID] = &lines[i]
	}
	n := len(entries)
	c := columns{
		sections: make([]*string, n), sorts: make([]*string, n), codes: make([]*string, n),
		sources: make([]*string, n), full: make([]*string, n), summaries: make([]*string, n),
	}
	for i, e := range entries {
		l := by[e.ID]
		if l == nil {
			continue
		}
		name, at, codes, sources := string(l.Section), sortStamp(l.SortAt), joined(l.Codes), joined(l.Sources)
		c.sections[i], c.sorts[i], c.codes[i], c.sources[i], c.full[i], c.summaries[i] = &name, &at, &codes, &sources, &l.Full, l.Summary
	}
	return c
}
