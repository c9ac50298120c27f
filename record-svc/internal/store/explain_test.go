package store

import (
	"strings"
	"testing"
)

// TestReadingsUseIndexes looks at the plans of what readers run and of what every bundle runs, over many rows.
func TestReadingsUseIndexes(t *testing.T) {
	t.Parallel()
	h := fill(t, 100)
	var entry string
	if err := h.Owner.GetContext(t.Context(), &entry, `SELECT id FROM entry WHERE nhs_number = $1 LIMIT 1`, alice); err != nil {
		t.Fatal(err)
	}
	statements := map[string][]any{
		entriesSQL:    {alice},
		versionsSQL:   {alice, array([]string{entry})},
		currentSQL:    {alice, array([]string{entry})},
		supportingSQL: {alice, "R0D"},
		ownersSQL:     {"R0D", array([]string{"Condition"}), array([]string{alice + "1"})},
		twinsSQL:      {"carter", "1950-03-02", alice},
	}
	for _, r := range readings(entry) {
		statements[r.text] = r.args(0)
	}
	for text, args := range statements {
		var plan []string
		if err := h.App.SelectContext(t.Context(), &plan, "EXPLAIN "+text, args...); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		for _, line := range plan {
			// The partners of a county are few, and all of them are asked for.
			if strings.Contains(line, "Seq Scan") && !strings.Contains(line, "Seq Scan on source") && !strings.Contains(line, "Seq Scan on choice") &&
				!strings.Contains(line, "Seq Scan on accepted") && !strings.Contains(line, "Seq Scan on refusal") {
				t.Errorf("%s\n%s", text, strings.Join(plan, "\n"))
				break
			}
		}
	}
}
