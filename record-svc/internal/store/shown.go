package store

import (
	"context"
	"fmt"
	"time"

	"github.com/dorsetcarerecord/dcr/internal/nhsnumber"
	"github.com/dorsetcarerecord/dcr/internal/postgres"
)

// Content is all that a person's record shows, before it is rendered.
type Content struct {
	Entries []Entry
	// Sources of these entries, by ODS code.
	Sources map[string]Source
	// GPODSCode of the practice of registration.
	GPODSCode string
}

// shownSQL reads the gate and, where it lets through, the entries that are shown, with who sent them.
const shownSQL = `
WITH g AS (` + gateSQL + `)
SELECT ` + gateColumns + `, g.gp_ods_code, e.id, e.source_ods_code, e.type, e.received_at, e.content, s.name, s.kind
  FROM g LEFT JOIN (entry e JOIN source s ON s.ods_code = e.source_ods_code)
    ON g.let_through AND e.nhs_number = $1 AND e.state = 1`

type shownRow struct {
	Gate
	GPODSCode  string     `db:"gp_ods_code"`
	ID         *string    `db:"id"`
	SourceODS  *string    `db:"source_ods_code"`
	Type       *string    `db:"type"`
	ReceivedAt *time.Time `db:"received_at"`
	Content    *string    `db:"content"`
	Name       *string    `db:"name"`
	Kind       *int32     `db:"kind"`
}

// Shown reads the gate and all entries of a person that are shown, in one statement, for views that are
// rendered when they are asked for. There are none where the gate is not open.
func (s *Store) Shown(ctx context.Context, number nhsnumber.Number, asked int64) (Gate, Content, error) {
	var rows []shownRow
	if err := s.stmt.Select(ctx, nil, &rows, shownSQL, string(number), asked); err != nil {
		return Gate{}, Content{}, fmt.Errorf("read shown entries: %w", postgres.Translate(err))
	}
	if len(rows) == 0 {
		return Gate{}, Content{}, ErrNoPerson
	}
	all := Content{GPODSCode: rows[0].GPODSCode, Sources: map[string]Source{}}
	for _, r := range rows {
		if r.ID == nil {
			continue
		}
		all.Entries = append(all.Entries, Entry{
			ID: *r.ID, SourceODS: *r.SourceODS, Type: *r.Type, State: Shown, ReceivedAt: *r.ReceivedAt, Content: *r.Content,
		})
		all.Sources[*r.SourceODS] = Source{ODSCode: *r.SourceODS, Name: *r.Name, Kind: *r.Kind}
	}
	return rows[0].Gate, all, nil
}
