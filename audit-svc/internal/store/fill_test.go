package store_test

import (
	"testing"

	"github.com/dorsetcarerecord/dcr/internal/testkit"
)

// fillEvents writes events in the proportions of a county's day, spread over the 50 days before today, straight
// into the table: mostly views and searches, one in thirty refused, a few in five hundred overridden or
// administration. $1 is how many.
const fillEvents = `
INSERT INTO event (id, occurred_at, stored_at, action, outcome, reason, nhs_number, staff_id, ods_code, nonce, body, leaf_hash,
                   relationship_kind, marks)
SELECT (substr(hex, 1, 8) || '-' || substr(hex, 9, 4) || '-7' || lpad(to_hex(i & 4095), 3, '0') || '-8000-' || lpad(to_hex(i), 12, '0'))::uuid,
       at, at, action, CASE WHEN refused THEN 3 WHEN action LIKE 'staff.%' THEN 2 ELSE 1 END,
       CASE WHEN i % 3000 = 0 THEN 'NO_PATIENT_CONSENT' WHEN refused THEN 'NO_RELATIONSHIP' ELSE '' END,
       CASE WHEN action IN ('me.view', 'staff.create') THEN '' ELSE lpad((i * 7919 % 100000)::text, 10, '0') END,
       'staff-' || i * 104729 % 4000, 'ODS' || i * 104729 % 80,
       sha256(i::text::bytea), convert_to(repeat('x', 400), 'UTF8'), sha256(i::text::bytea),
       kind, marks
FROM (SELECT i, at, refused, lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') AS hex,
             CASE WHEN i % 700 = 0 THEN 'staff.create' WHEN i % 20 = 1 THEN 'me.view' WHEN i % 20 < 5 THEN 'patient.search.match'
                  WHEN i % 20 < 8 THEN 'patient.search' ELSE 'record.view' END AS action,
             CASE WHEN i % 500 = 3 THEN 'emergency' WHEN i % 500 = 4 THEN 'self_declared' WHEN i % 20 >= 8 THEN 'episode' ELSE '' END AS kind,
             CASE WHEN i % 500 = 3 THEN '{declared,emergency}'::text[] WHEN i % 3 = 0 THEN '{own_number_unknown}'::text[] ELSE '{}'::text[] END AS marks
      FROM (SELECT i, i % 30 = 0 AS refused, $2::timestamptz - i * (interval '50 days' / $1) AS at
            FROM generate_series(1, $1::bigint) AS i) AS numbered) AS described`

// fill gives the log n events and the planner its statistics.
func fill(t *testing.T, h testkit.Handles, n int) {
	t.Helper()
	if _, err := h.Owner.ExecContext(limit(t), fillEvents, n, today); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Owner.ExecContext(limit(t), "ANALYZE event"); err != nil {
		t.Fatal(err)
	}
}
