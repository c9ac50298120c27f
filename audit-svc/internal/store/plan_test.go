package store_test

import (
	"strings"
	"testing"
	"time"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/store"
)

// TestListUsesIndexAndMonths: each search reads the index that is made for it, in the order of its answer where
// it is one that finds much, and opens no month outside its time.
func TestListUsesIndexAndMonths(t *testing.T) {
	t.Parallel()
	s, h := open(t)
	fill(t, h, 30_000)
	day := today.Add(-24 * time.Hour)
	for name, c := range map[string]struct {
		filter store.Filter
		index  string
		sorted bool // the answer may be sorted: the index finds few, or has no order
	}{
		"all":               {store.Filter{}, "event_2026_11_pkey", false},
		"person":            {store.Filter{NHSNumber: "0000007919"}, "event_2026_11_nhs_number_id_idx", true},
		"person, a day":     {store.Filter{NHSNumber: "0000007919", From: day}, "event_2026_11_nhs_number_id_idx", true},
		"staff":             {store.Filter{StaffID: "staff-7"}, "event_2026_11_staff_id_id_idx", true},
		"organisation":      {store.Filter{ODSCode: "ODS7"}, "event_2026_11_ods_code_id_idx", true},
		"overrides":         {store.Filter{RelationshipKind: "emergency"}, "event_2026_11_relationship_kind_id_idx", true},
		"common kind":       {store.Filter{RelationshipKind: "episode"}, "event_2026_11_pkey", false},
		"reason":            {store.Filter{Reason: "NO_PATIENT_CONSENT"}, "event_2026_11_reason_id_idx", true},
		"refusals":          {store.Filter{Outcome: 3}, "event_2026_11_pkey", false},
		"mark":              {store.Filter{Marks: []string{"emergency"}}, "event_2026_11_marks_idx", true},
		"common mark":       {store.Filter{Marks: []string{"own_number_unknown"}}, "event_2026_11_pkey", false},
		"mark of nothing":   {store.Filter{Marks: []string{"nothing"}}, "event_2026_11_marks_idx", true},
		"rare action":       {store.Filter{Action: "staff.create"}, "event_2026_11_action_id_idx", true},
		"common action":     {store.Filter{Action: "record.view"}, "event_2026_11_pkey", false},
		"action of nothing": {store.Filter{Action: "nothing"}, "event_2026_11_action_id_idx", true},
		"some actions":      {store.Filter{Actions: []string{"staff.create", "staff.end"}}, "event_2026_11_action_id_idx", true},
		"all but actions":   {store.Filter{ExceptActions: []string{"record.view"}}, "event_2026_11_pkey", false},
	} {
		plan, err := s.ExplainList(limit(t), c.filter, "", 50)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case !strings.Contains(plan, c.index):
			t.Errorf("%s: the plan does not read %s:\n%s", name, c.index, plan)
		case strings.Contains(plan, "Seq Scan on event_2026_11") || strings.Contains(plan, "Seq Scan on event_2026_10"):
			t.Errorf("%s: the plan reads a whole month:\n%s", name, plan)
		case !c.sorted && strings.Contains(plan, "Sort"):
			t.Errorf("%s: the plan sorts instead of reading in order:\n%s", name, plan)
		case !c.filter.From.IsZero() && strings.Contains(plan, "event_2026_10"):
			t.Errorf("%s: the plan opens a month outside the search:\n%s", name, plan)
		}
	}
}

// TestListFilters: what the new columns hold is found, and rows of a release that did not write them are left
// out rather than guessed.
func TestListFilters(t *testing.T) {
	t.Parallel()
	s, h := open(t)
	ordinary, emergency, refused, old := row(today, "9990000018"), row(today, "9990000018"), row(today, "9990000018"), row(today, "9990000018")
	emergency.RelationshipKind, emergency.Marks = "emergency", []string{"declared", "emergency"}
	ordinary.Marks = []string{"own_number_unknown", "null"}
	refused.Outcome, refused.Reason, refused.Action = 3, "NO_RELATIONSHIP", "patient.view"
	if _, err := s.Append(limit(t), groups(ordinary, emergency, refused, old)); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Owner.ExecContext(limit(t), "UPDATE event SET relationship_kind = NULL, marks = NULL WHERE id = $1", old.ID); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		filter store.Filter
		want   []string
	}{
		"kind":          {store.Filter{RelationshipKind: "emergency"}, []string{emergency.ID}},
		"mark":          {store.Filter{Marks: []string{"emergency"}}, []string{emergency.ID}},
		"both marks":    {store.Filter{Marks: []string{"emergency", "declared"}}, []string{emergency.ID}},
		"no such pair":  {store.Filter{Marks: []string{"emergency", "own_number_unknown"}}, nil},
		"common mark":   {store.Filter{Marks: []string{"own_number_unknown"}}, []string{ordinary.ID}},
		"the word null": {store.Filter{Marks: []string{"null"}}, []string{ordinary.ID}},
		"reason":        {store.Filter{Reason: "NO_RELATIONSHIP"}, []string{refused.ID}},
		"outcomes":      {store.Filter{Outcomes: []int32{3, 4}}, []string{refused.ID}},
		"actions":       {store.Filter{Actions: []string{"patient.view", "x"}}, []string{refused.ID}},
		"except":        {store.Filter{ExceptActions: []string{"record.view"}}, []string{refused.ID}},
		"reason, other": {store.Filter{Reason: "NO_RELATIONSHIP", NHSNumber: "9990000026"}, nil},
	} {
		found, err := s.List(limit(t), c.filter, "", 50)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, b := range found {
			got = append(got, b.ID)
		}
		if strings.Join(got, " ") != strings.Join(c.want, " ") {
			t.Errorf("%s: found %v, want %v", name, got, c.want)
		}
	}
}
