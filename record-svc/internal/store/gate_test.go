package store

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/dorsetcarerecord/dcr/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

const alice = "9990002673"

// secret stands in every column that holds what a person's record says.
const secret = "SECRET-BODY"

// fill makes a person with n entries, and as many of other people, so that an index is worth its while.
func fill(t *testing.T, n int) testkit.Handles {
	t.Helper()
	h := testkit.Database(t, Schema, Migrations)
	for _, text := range []string{
		`INSERT INTO source (ods_code, name, kind) VALUES ('R0D', 'R0D', 1)`,
		`INSERT INTO person (nhs_number, sequence, family_name, given_name, birth_date, family_fold, given_fold, gp_ods_code, restricted, rules, held, updated_at)
		 SELECT lpad(i::text, 10, '0'), 1, '', '', '', '', '', '', false, 'r', false, now() FROM generate_series(1, 200) i`,
		`UPDATE person SET nhs_number = '` + alice + `' WHERE nhs_number = '0000000001'`,
		`INSERT INTO piece (nhs_number, section, form, rules, body, entries, sources, source_entries, source_latest)
		 SELECT p.nhs_number, s, f, 'r', '` + secret + `', 1, '{R0D}', '{1}', '{x}' FROM person p, unnest('{allergies,history,results,medication}'::text[]) s, unnest('{full,summary}'::text[]) f`,
		`INSERT INTO entry (nhs_number, id, source_ods_code, type, key_id, state, version, versions, ordered_at, received_at, content, section, sort_at, codes, sources, full_body, summary_body)
		 SELECT p.nhs_number, gen_random_uuid(), 'R0D', 'Condition', p.nhs_number || i, 1, 1, 1, now(), now(), '` + secret + `', 'history', now() - i * interval '1 day', '{1}', '{R0D}', '` + secret + `', '` + secret + `'
		   FROM person p, generate_series(1, ` + sqlNumber(n) + `) i`,
		`INSERT INTO version (nhs_number, entry_id, version, ordered_at, order_given, received_at, deleted, section, raw, sha256, content_sha256, never_shared, event_id)
		 SELECT nhs_number, id, 1, now(), true, now(), false, 'history', '` + secret + `', '', '', '', gen_random_uuid() FROM entry`,
		`ANALYZE`,
	} {
		if _, err := h.Owner.ExecContext(t.Context(), text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	return h
}

func sqlNumber(n int) string {
	text, err := json.Marshal(n)
	if err != nil {
		panic(err) // an int always has JSON
	}
	return string(text)
}

// reading is a statement that reads a person, and its arguments for one choice.
type reading struct {
	text string
	args func(asked int64) []any
}

// readings are all statements that read what a person's record says. One that is missing here is found by
// TestEveryReadingIsGated.
func readings(entry string) map[string]reading {
	no := false
	return map[string]reading{
		"view": {viewSQL, func(asked int64) []any {
			return []any{alice, asked, no, no, array([]string{"history", "results"}), array([]string{"full", "summary"})}
		}},
		"list": {linesSQL, func(asked int64) []any {
			return []any{alice, asked, no, no, array([]string{"history"}), array([]string{"results"}), nil, "", "", nil, nil, 50}
		}},
		"shown":  {shownSQL, func(asked int64) []any { return []any{alice, asked} }},
		"detail": {detailSQL, func(asked int64) []any { return []any{alice, asked, entry} }},
	}
}

// bodies counts the rows of a statement that hold what the record says.
func bodies(t *testing.T, db *sqlx.DB, text string, args ...any) int {
	t.Helper()
	rows, err := db.QueryxContext(t.Context(), text, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	found := 0
	for rows.Next() {
		values, err := rows.SliceScan()
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range values {
			text, _ := v.([]byte)
			if s, ok := v.(string); ok {
				text = []byte(s)
			}
			if strings.Contains(string(text), secret) {
				found++
				break
			}
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return found
}

// TestNoBodyLeavesWhileSealed asks the statements themselves, without the code around them.
func TestNoBodyLeavesWhileSealed(t *testing.T) {
	t.Parallel()
	h := fill(t, 5)
	s, err := New(t.Context(), h.App, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	var entry string
	if err := h.Owner.GetContext(t.Context(), &entry, `SELECT id FROM entry WHERE nhs_number = $1 LIMIT 1`, alice); err != nil {
		t.Fatal(err)
	}
	check := func(when string, asked int64, open bool) {
		t.Helper()
		for what, r := range readings(entry) {
			if got := bodies(t, h.App, r.text, r.args(asked)...); got > 0 != open {
				t.Errorf("%s, asked with %d, %s: %d bodies, open %v", when, asked, what, got, open)
			}
		}
	}
	check("never chose", 0, true)
	check("never chose", 1, false)
	for _, told := range []Choice{{Number: 1, Sealed: true}, {Number: 2}, {Number: 3, Sealed: true}} {
		if _, err := s.ApplyChoice(context.Background(), alice, told); err != nil {
			t.Fatal(err)
		}
		for asked := range int64(5) {
			check("chose", asked, asked == told.Number && !told.Sealed)
		}
	}
}

// TestNoBodyLeavesWhileHeld likewise, of a person who is new: with every choice, and none.
func TestNoBodyLeavesWhileHeld(t *testing.T) {
	t.Parallel()
	h := fill(t, 5)
	var entry string
	if err := h.Owner.GetContext(t.Context(), &entry, `SELECT id FROM entry WHERE nhs_number = $1 LIMIT 1`, alice); err != nil {
		t.Fatal(err)
	}
	for _, held := range []bool{true, false} {
		if _, err := h.Owner.ExecContext(t.Context(), `UPDATE person SET held = $2 WHERE nhs_number = $1`, alice, held); err != nil {
			t.Fatal(err)
		}
		for what, r := range readings(entry) {
			for asked := range int64(3) {
				if got := bodies(t, h.App, r.text, r.args(asked)...); got > 0 != (!held && asked == 0) {
					t.Errorf("held %v, asked with %d, %s: %d bodies", held, asked, what, got)
				}
			}
		}
	}
}

// TestEveryReadingIsGated looks through the prepared statements for one that reads a person's data outside of
// ingest and does not begin with the gate.
func TestEveryReadingIsGated(t *testing.T) {
	t.Parallel()
	// Run only in a transaction of ingest, whose answers hold nothing of the record.
	// Whether there are safeguarding entries is asked by optout-svc alone, sealed or not, and tells nothing of them.
	byIngest := []string{safeguardingSQL, currentSQL, entriesSQL, supportingSQL, versionsSQL, ownersSQL, updateLinesSQL, upsertPiecesSQL, upsertEntriesSQL, insertVersionsSQL}
	for _, text := range texts() {
		reads := strings.Contains(text, " entry") || strings.Contains(text, " piece") || strings.Contains(text, " version")
		if reads && !slices.Contains(byIngest, text) && !strings.HasPrefix(text, "\nWITH g AS ("+gateSQL+")") {
			t.Errorf("reads a person without the gate: %s", text)
		}
	}
}

// TestMaskedViewsReadNoReadyBody asks for a restricted person: what is ready is never masked.
func TestMaskedViewsReadNoReadyBody(t *testing.T) {
	t.Parallel()
	h := fill(t, 5)
	ask := func(text string, always, broken bool, rest ...any) int {
		t.Helper()
		return bodies(t, h.App, text, append([]any{alice, 0, always, broken}, rest...)...)
	}
	check := func(always, broken, open bool) {
		t.Helper()
		view := ask(viewSQL, always, broken, array([]string{"history"}), array([]string{"full"}))
		list := ask(linesSQL, always, broken, array([]string{"history"}), array(nil), nil, "", "", nil, nil, 50)
		if view > 0 != open || list > 0 != open {
			t.Errorf("always %v, broken %v: %d and %d bodies, open %v", always, broken, view, list, open)
		}
	}
	check(false, false, true)
	check(true, false, false)
	if _, err := h.Owner.ExecContext(t.Context(), `UPDATE person SET restricted = true WHERE nhs_number = $1`, alice); err != nil {
		t.Fatal(err)
	}
	check(false, false, false)
	check(true, false, false)
	check(false, true, true)
}
