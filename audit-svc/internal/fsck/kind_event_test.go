package fsck_test

import (
	"bytes"
	"fmt"
	"maps"
	"slices"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/fsck"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/logtest"
	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

// kind is a way to tamper, and who is to find it.
type kind struct {
	// name in the table of the docs.
	name string
	// checks of fsck that may be the first to see it; none when fsck cannot.
	checks []fsck.Check
	// witness tells whether a witness refuses the log's next checkpoint.
	witness bool
	do      func(*attacker)
}

// eventKinds are ways to tamper with events alone.
func eventKinds() []kind {
	kinds := []kind{
		{"a bit of an event's bytes is flipped", []fsck.Check{fsck.Bytes}, false, func(a *attacker) { a.flip("event", "body", "id = $1", a.id(a.index(leaves))) }},
		{"a bit of a nonce is flipped", []fsck.Check{fsck.Bytes}, false, func(a *attacker) { a.flip("event", "nonce", "id = $1", a.id(a.index(leaves))) }},
		{"a bit of an event's hash is flipped", []fsck.Check{fsck.Bytes}, false, func(a *attacker) { a.flip("event", "leaf_hash", "id = $1", a.id(a.index(leaves))) }},
		{"two events' nonces are swapped", []fsck.Check{fsck.Bytes}, false, func(a *attacker) { a.swap("nonce = CASE id WHEN $1 THEN $4::bytea ELSE $3::bytea END", "nonce") }},
		{"two events' bytes are swapped", []fsck.Check{fsck.Bytes}, false, func(a *attacker) { a.swap("body = CASE id WHEN $1 THEN $4::bytea ELSE $3::bytea END", "body") }},
		{"two events trade their ids", []fsck.Check{fsck.Column}, false, tradeIDs},
		{"an event is deleted", []fsck.Check{fsck.Event}, false, func(a *attacker) { a.do("DELETE FROM event WHERE id = $1", a.id(a.index(leaves))) }},
		{"the events of a stretch are deleted", []fsck.Check{fsck.Event}, false, func(a *attacker) {
			a.do("DELETE FROM event WHERE id IN (SELECT event_id FROM leaf WHERE leaf_index >= $1)", a.index(leaves))
		}},
		{"all events are deleted", []fsck.Check{fsck.Event}, false, func(a *attacker) { a.exec("TRUNCATE event") }},
		{"a month's events are deleted, and noted as if their time had come", []fsck.Check{fsck.Dropped}, false, dropInSilence},
		{"an event is stored a second time", []fsck.Check{fsck.Event}, false, func(a *attacker) {
			id := a.id(a.index(leaves))
			a.exec("ALTER TABLE event DROP CONSTRAINT event_pkey")
			a.do("INSERT INTO event SELECT * FROM event WHERE id = $1", id)
		}},
		{"another event is written over one, hashed anew", []fsck.Check{fsck.Leaf}, false, func(a *attacker) { a.replace(a.id(a.index(leaves))) }},
		{"an event is slipped in among older ones", []fsck.Check{fsck.Sequenced}, false, func(a *attacker) { a.slipIn("(SELECT min(stored_in) FROM event)") }},
		{"an event is stored so that it is never sequenced", []fsck.Check{fsck.Sequenced}, false, func(a *attacker) { a.slipIn("'9000000000000000000'::xid8") }},
		{"an event that waits for its leaf is changed", []fsck.Check{fsck.Bytes}, false, func(a *attacker) {
			var id string
			a.get(&id, "SELECT id::text FROM event WHERE NOT EXISTS (SELECT FROM leaf WHERE event_id = id) ORDER BY random() LIMIT 1")
			a.flip("event", "body", "id = $1", id)
		}},
	}
	others := map[string]string{
		"occurred_at": "occurred_at + interval '1 millisecond'", "action": "'record.entry.view'", "outcome": "CASE outcome WHEN 1 THEN 3 ELSE 1 END",
		"reason": "reason || 'X'", "nhs_number": "'9990000026'", "staff_id": "''", "ods_code": "'R0D'", "relationship_kind": "NULL", "marks": "NULL",
	}
	for _, column := range slices.Sorted(maps.Keys(others)) {
		kinds = append(kinds, kind{fmt.Sprintf("column `%s` of an event is changed", column), []fsck.Check{fsck.Column}, false, func(a *attacker) {
			a.do("UPDATE event SET "+column+" = "+others[column]+" WHERE id = $1", a.id(a.index(leaves)))
		}})
	}
	return kinds
}

// swap updates two events; $3 and $4 are what the column held in the first and in the second.
func (a *attacker) swap(set, column string) {
	for {
		i, j := a.two()
		one, two := a.id(i), a.id(j)
		var first, second []byte
		a.get(&first, "SELECT "+column+" FROM event WHERE id = $1", one)
		a.get(&second, "SELECT "+column+" FROM event WHERE id = $1", two)
		if bytes.Equal(first, second) {
			continue
		}
		a.do("UPDATE event SET "+set+" WHERE id IN ($1, $2)", one, two, first, second)
		return
	}
}

// tradeIDs gives two events each other's id, and their leaves as well, so that only the bytes know.
func tradeIDs(a *attacker) {
	i, j := a.two()
	one, two := a.id(i), a.id(j)
	a.exec("ALTER TABLE event DROP CONSTRAINT event_pkey")
	a.do("UPDATE event SET id = CASE id WHEN $1 THEN $2::uuid ELSE $1::uuid END WHERE id IN ($1, $2)", one, two)
	a.exec("ALTER TABLE leaf DROP CONSTRAINT leaf_event")
	a.do("UPDATE leaf SET event_id = CASE event_id WHEN $1 THEN $2::uuid ELSE $1::uuid END WHERE event_id IN ($1, $2)", one, two)
}

// slipIn stores a whole, well formed event that claims to come from another transaction.
func (a *attacker) slipIn(storedIn string) {
	row := logtest.NewRow(a.t, a.index(1000))
	a.do(`INSERT INTO event (id, occurred_at, stored_at, action, outcome, reason, nhs_number, staff_id, ods_code, relationship_kind, marks, nonce, body, leaf_hash, stored_in)
		SELECT $1, $2, $2, $3, $4, $5, $6, $7, $8, $9, string_to_array($10, ','), $11, $12, $13, `+storedIn,
		row.ID, row.OccurredAt, row.Action, row.Outcome, row.Reason, row.NHSNumber, row.StaffID, row.ODSCode, row.RelationshipKind, row.Marks[0],
		row.Nonce, row.Body, row.Leaf)
}

// dropInSilence deletes all events, and notes it as "audit-svc drop" would, but for the event of the deletion.
func dropInSilence(a *attacker) {
	a.exec("TRUNCATE event")
	a.do(`INSERT INTO dropped_month (month, events, leaves_sha256, manifest_sha256, policy_version, event_id, dropped_at)
		SELECT $1::date, count(*), sha256(string_agg(int8send(leaf_index) || leaf_hash, '' ORDER BY leaf_index)), sha256(''), '1', $2, now() FROM leaf`,
		logtest.Now().Format("2006-01")+"-01", verify.FirstID(logtest.Now().AddDate(0, 1, 0)))
}
