package accesshistory_test

import (
	"strings"
	"testing"

	accessv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/access/v1"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"

	"github.com/dorsetcarerecord/dcr/gateway/internal/access"
	"github.com/dorsetcarerecord/dcr/gateway/internal/accesshistory"
	"github.com/dorsetcarerecord/dcr/gateway/internal/rules"
)

// TestWordsCoverTheContract: whatever the rules and the policy can put into an event about a person has words.
func TestWordsCoverTheContract(t *testing.T) {
	w := words(t)
	policy, err := access.DefaultPolicy()
	if err != nil {
		t.Fatal(err)
	}
	registry, err := rules.New(policy, rules.Exposed()...)
	if err != nil {
		t.Fatal(err)
	}
	for _, method := range registry.Methods() {
		rule := registry.Lookup(method).Rule
		if rule.GetPatientField() != "" && !w.Covers(rule.GetAction()) {
			t.Errorf("%s is about a person and has no words: add %q to words.v1.yaml", method, rule.GetAction())
		}
	}
	for _, profession := range policy.Professions() {
		if w.Roles[profession] == "" {
			t.Errorf("profession %s has no words", profession)
		}
	}
	for n := int32(1); accessv1.Section_name[n] != ""; n++ {
		name := access.SectionName(accessv1.Section(n))
		if (w.Sections[name] == "") != (name == "safeguarding") {
			t.Errorf("section %s: %q", name, w.Sections[name])
		}
	}
	for n := int32(1); identityv1.RelationshipKind_name[n] != ""; n++ {
		if kind := access.KindName(identityv1.RelationshipKind(n)); w.Relationships[kind] == "" {
			t.Errorf("relationship %s has no words", kind)
		}
	}
}

func TestWordsAreChecked(t *testing.T) {
	for name, c := range map[string]struct{ file, want string }{
		"empty":         {"version: x\n", "introduction"},
		"unknown field": {"versions: x\n", "versions"},
		"no YAML":       {"{", "read words"},
	} {
		if _, err := accesshistory.ParseWords([]byte(c.file)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}
