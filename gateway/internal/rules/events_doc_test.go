package rules_test

import (
	"os"
	"strings"
	"testing"

	accessv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/access/v1"

	"github.com/dorsetcarerecord/dcr/gateway/internal/access"
	"github.com/dorsetcarerecord/dcr/gateway/internal/rules"
)

// TestEveryActionIsDocumented: whoever adds a call says in docs/audit.md what its event means.
func TestEveryActionIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../../docs/audit.md")
	if err != nil {
		t.Fatal(err)
	}
	policy, err := access.DefaultPolicy()
	if err != nil {
		t.Fatal(err)
	}
	registry, err := rules.New(policy, rules.Exposed()...)
	if err != nil {
		t.Fatal(err)
	}
	_, events, found := strings.Cut(string(text), "\n## The events\n")
	if !found {
		t.Fatal("docs/audit.md has no part about the events")
	}
	for _, method := range registry.Methods() {
		rule := registry.Lookup(method).Rule
		if rule.GetAccountedBy() != accessv1.Accounting_ACCOUNTING_NONE && !strings.Contains(events, "`"+rule.GetAction()+"`") {
			t.Errorf("%s: docs/audit.md does not name the event `%s`: add it to the table of events", method, rule.GetAction())
		}
	}
}
