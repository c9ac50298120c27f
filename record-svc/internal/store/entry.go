package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/dorsetcarerecord/dcr/internal/nhsnumber"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/bundle"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/fhir"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/history"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/section"
)

// State is what the current version of a resource makes of it.
type State int16

// The states. Only Shown ones are entries that readers see.
const (
	Shown State = iota + 1
	Deleted
	EnteredInError
	Supporting
	NeverShared
)

// Entry is one resource of a sender, as its current version makes it.
type Entry struct {
	ID         string    `db:"id"`
	SourceODS  string    `db:"source_ods_code"`
	Type       string    `db:"type"`
	KeyID      string    `db:"key_id"`
	State      State     `db:"state"`
	Version    int       `db:"version"`
	Versions   int       `db:"versions"`
	OrderedAt  time.Time `db:"ordered_at"`
	ReceivedAt time.Time `db:"received_at"`
	// Content is the section.Entry as JSON; empty for supporting, deleted and never-shared ones.
	Content string `db:"content"`
}

// Key names the resource among those of its sender.
func (e Entry) Key() bundle.Key { return bundle.Key{Type: e.Type, ID: e.KeyID} }

// Computed reads the content; false when there is none.
func (e Entry) Computed() (section.Entry, bool, error) {
	var c section.Entry
	if e.Content == "" {
		return c, false, nil
	}
	if err := json.Unmarshal([]byte(e.Content), &c); err != nil {
		return c, false, fmt.Errorf("read entry: %w", err)
	}
	return c, true, nil
}

const entriesSQL = `
SELECT id, source_ods_code, type, key_id, state, version, versions, ordered_at, received_at, content
  FROM entry WHERE nhs_number = $1 ORDER BY id`

// Entries are all of a person, hidden ones too.
func (s *Store) Entries(ctx context.Context, tx *sqlx.Tx, number nhsnumber.Number) ([]Entry, error) {
	var all []Entry
	if err := s.stmt.Select(ctx, tx, &all, entriesSQL, string(number)); err != nil {
		return nil, fmt.Errorf("read entries: %w", err)
	}
	return all, nil
}

const versionsSQL = `
SELECT entry_id, version, ordered_at, order_given, deleted, content_sha256
  FROM version WHERE nhs_number = $1 AND entry_id = ANY ($2)`

// Versions of some entries of a person, by entry.
func (s *Store) Versions(ctx context.Context, tx *sqlx.Tx, number nhsnumber.Number, ids []string) (map[string][]history.Version, error) {
	var rows []struct {
		EntryID string    `db:"entry_id"`
		Version int       `db:"version"`
		Ordered time.Time `db:"ordered_at"`
		Given   bool      `db:"order_given"`
		Deleted bool      `db:"deleted"`
		Content []byte    `db:"content_sha256"`
	}
	if err := s.stmt.Select(ctx, tx, &rows, versionsSQL, string(number), array(ids)); err != nil {
		return nil, fmt.Errorf("read versions: %w", err)
	}
	by := make(map[string][]history.Version, len(ids))
	for _, r := range rows {
		v := history.Version{Number: r.Version, OrderedAt: r.Ordered, Given: r.Given, Deleted: r.Deleted}
		copy(v.Content[:], r.Content)
		by[r.EntryID] = append(by[r.EntryID], v)
	}
	return by, nil
}

// NewVersion is a version to store.
type NewVersion struct {
	EntryID     string
	Number      int
	OrderedAt   time.Time
	Given       bool
	Deleted     bool
	Section     section.Name
	Raw         *string // nil where nothing is kept
	SHA256      fhir.Digest
	Content     fhir.Digest
	NeverShared string
}

// insertVersionsSQL writes all versions of a bundle at once.
const insertVersionsSQL = `
INSERT INTO version (nhs_number, entry_id, version, ordered_at, order_given, received_at, deleted, section, raw, sha256, content_sha256, never_shared, event_id)
SELECT $1, v.*, $12::uuid FROM unnest($2::uuid[], $3::int[], $4::timestamptz[], $5::bool[], $6::timestamptz[], $7::bool[], $8::text[], $9::text[], $10::bytea[], $11::bytea[], $13::text[])
  AS v (entry_id, version, ordered_at, order_given, received_at, deleted, section, raw, sha256, content_sha256, never_shared)`

// InsertVersions stores the new versions of a bundle.
func (s *Store) InsertVersions(ctx context.Context, tx *sqlx.Tx, number nhsnumber.Number, all []NewVersion, received time.Time, eventID string) error {
	n := len(all)
	ids, numbers, ordered, given := make([]string, n), make([]int64, n), make([]string, n), make([]bool, n)
	at, deleted, sections, raws := make([]string, n), make([]bool, n), make([]string, n), make([]*string, n)
	exact, content, withheld := make(pq.ByteaArray, n), make(pq.ByteaArray, n), make([]string, n)
	for i, v := range all {
		ids[i], numbers[i], ordered[i], given[i] = v.EntryID, int64(v.Number), stamp(v.OrderedAt), v.Given
		at[i], deleted[i], sections[i], raws[i] = stamp(received), v.Deleted, string(v.Section), v.Raw
		exact[i], content[i], withheld[i] = all[i].SHA256[:], all[i].Content[:], v.NeverShared
	}
	_, err := s.stmt.Exec(ctx, tx, insertVersionsSQL, string(number), array(ids), pq.Array(numbers), array(ordered), pq.Array(given),
		array(at), pq.Array(deleted), array(sections), pq.Array(raws), exact, content, eventID, array(withheld))
	if err != nil {
		return fmt.Errorf("insert versions: %w", err)
	}
	return nil
}

// supportingSQL reads what this sender stored for display and author.
const supportingSQL = `
SELECT e.type, e.key_id, v.raw
  FROM entry e JOIN version v ON v.nhs_number = e.nhs_number AND v.entry_id = e.id AND v.version = e.version
 WHERE e.nhs_number = $1 AND e.source_ods_code = $2 AND e.state = 4 AND v.raw IS NOT NULL`

// Supporting are the supporting resources that a sender sent about a person, by key.
func (s *Store) Supporting(ctx context.Context, tx *sqlx.Tx, number nhsnumber.Number, ods string) (map[bundle.Key][]byte, error) {
	var rows []struct {
		Type  string `db:"type"`
		KeyID string `db:"key_id"`
		Raw   []byte `db:"raw"`
	}
	if err := s.stmt.Select(ctx, tx, &rows, supportingSQL, string(number), ods); err != nil {
		return nil, fmt.Errorf("read supporting resources: %w", err)
	}
	by := make(map[bundle.Key][]byte, len(rows))
	for _, r := range rows {
		by[bundle.Key{Type: r.Type, ID: r.KeyID}] = r.Raw
	}
	return by, nil
}
