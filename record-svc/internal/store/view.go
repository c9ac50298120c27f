package store

import (
	"context"
	"fmt"
	"time"

	"github.com/lib/pq"

	"github.com/dorsetcarerecord/dcr/internal/nhsnumber"
	"github.com/dorsetcarerecord/dcr/internal/postgres"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/render"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/section"
)

// Masking says how the fields of a restricted person are treated.
type Masking struct {
	// Always masks whoever the person is: the caller's decision says restricted and unbroken.
	Always bool
	// Broken shows everything: the caller broke the restriction. Without it a person who is restricted
	// here is masked, whatever the caller knew.
	Broken bool
}

// Applies tells whether what a gate let through must be masked. viewSQL and linesSQL say the same, so that
// no ready JSON of a masked view leaves the database.
func (m Masking) Applies(g Gate) bool { return m.Always || g.Restricted && !m.Broken }

// Wanted is a section in a form.
type Wanted struct {
	Section section.Name
	Level   render.Level
}

// Piece is a section of a person as ready JSON.
type Piece struct {
	Section section.Name
	Level   render.Level
	// Rules is the version of the never-shared code sets that it was rendered under.
	Rules   string
	Body    string
	Entries int
	// Shown are the organisations of the entries shown.
	Shown []SourceShown
}

// SourceShown is an organisation's part of a piece.
type SourceShown struct {
	ODSCode string
	Entries int64
	// Latest is when the latest of them was received, RFC 3339.
	Latest string
}

// unmaskedSQL holds for a view that shows everything: $3 mask always, $4 the restriction is broken.
const unmaskedSQL = `NOT ($3::bool OR g.restricted AND NOT $4::bool)`

// viewSQL reads the gate and, where it lets through and nothing is masked, the wanted pieces: $5 sections, $6
// their levels.
const viewSQL = `
WITH g AS (` + gateSQL + `)
SELECT ` + gateColumns + `, x.section, x.form, x.rules AS piece_rules, x.body, x.entries, x.sources, x.source_entries, x.source_latest
  FROM g LEFT JOIN (unnest($5::text[], $6::text[]) AS w (section, form) JOIN piece x
         ON x.nhs_number = $1 AND x.section = w.section AND x.form = w.form)
    ON g.let_through AND ` + unmaskedSQL

type pieceRow struct {
	Gate
	Section *string        `db:"section"`
	Form    *string        `db:"form"`
	Piece   *string        `db:"piece_rules"`
	Body    *string        `db:"body"`
	Entries *int           `db:"entries"`
	Sources pq.StringArray `db:"sources"`
	Counts  pq.Int64Array  `db:"source_entries"`
	Latest  pq.StringArray `db:"source_latest"`
}

// View reads the gate and the wanted pieces of a person in one statement. Where the gate is not open for
// the asked choice there are no pieces: ask Gate.Open. ErrNoPerson when nothing was received.
func (s *Store) View(ctx context.Context, number nhsnumber.Number, asked int64, wanted []Wanted, m Masking) (Gate, []Piece, error) {
	sections, forms := make([]string, len(wanted)), make([]string, len(wanted))
	for i, w := range wanted {
		sections[i], forms[i] = string(w.Section), string(w.Level)
	}
	var rows []pieceRow
	if err := s.stmt.Select(ctx, nil, &rows, viewSQL, string(number), asked, m.Always, m.Broken, array(sections), array(forms)); err != nil {
		return Gate{}, nil, fmt.Errorf("read pieces: %w", postgres.Translate(err))
	}
	if len(rows) == 0 {
		return Gate{}, nil, ErrNoPerson
	}
	var pieces []Piece
	for i := range rows {
		if rows[i].Section != nil {
			pieces = append(pieces, rows[i].piece())
		}
	}
	return rows[0].Gate, pieces, nil
}

func (r *pieceRow) piece() Piece {
	p := Piece{Section: section.Name(*r.Section), Level: render.Level(*r.Form), Rules: *r.Piece, Body: *r.Body, Entries: *r.Entries}
	for i, ods := range r.Sources {
		p.Shown = append(p.Shown, SourceShown{ODSCode: ods, Entries: r.Counts[i], Latest: r.Latest[i]})
	}
	return p
}

// Freshness is how fresh a partner's feed is.
type Freshness struct {
	Source
	// LastReceivedAt is when anything was last accepted from it, about anybody; nil if never.
	LastReceivedAt *time.Time `db:"last_received_at"`
	// RefusedAt and RefusedReason of its last bundle about this person, where that was refused.
	RefusedAt     *time.Time `db:"refused_at"`
	RefusedReason *string    `db:"refused_reason"`
}

const sourcesSQL = `
SELECT s.ods_code, s.name, s.kind, s.last_received_at, r.refused_at, r.reason AS refused_reason
  FROM source s LEFT JOIN LATERAL (
       SELECT r.refused_at, r.reason FROM refusal r
        WHERE r.nhs_number = $1 AND r.source_ods_code = s.ods_code
          AND r.refused_at > coalesce((SELECT a.accepted_at FROM accepted a WHERE a.nhs_number = $1 AND a.source_ods_code = s.ods_code), '-infinity')
          AND NOT EXISTS (SELECT FROM choice c WHERE c.nhs_number = $1 AND c.sealed)
        ORDER BY r.refused_at DESC LIMIT 1) r ON true
 ORDER BY s.ods_code`

// Sources are all partners that ever sent, with the freshness of their feeds.
func (s *Store) Sources(ctx context.Context, number nhsnumber.Number) ([]Freshness, error) {
	var all []Freshness
	if err := s.stmt.Select(ctx, nil, &all, sourcesSQL, string(number)); err != nil {
		return nil, fmt.Errorf("read sources: %w", postgres.Translate(err))
	}
	return all, nil
}
