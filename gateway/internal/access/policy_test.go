package access_test

import (
	"os"
	"strings"
	"testing"

	"github.com/dorsetcarerecord/dcr/gateway/internal/access"
)

func policyText(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("policy.v1.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func loadText(t *testing.T, text string) (*access.Policy, error) {
	t.Helper()
	return access.ParsePolicy([]byte(text))
}

func TestPolicyOfAFileReplacesTheDefault(t *testing.T) {
	shipped, err := access.DefaultPolicy()
	if err != nil {
		t.Fatal(err)
	}
	same, err := loadText(t, policyText(t))
	if err != nil || same.Version() != shipped.Version() {
		t.Errorf("the same text is another policy: %v, %v", same, err)
	}
	edited, err := loadText(t, strings.Replace(policyText(t), "R1070", "R1071", 1))
	if err != nil {
		t.Fatal(err)
	}
	if edited.Version() == shipped.Version() {
		t.Error("an edit does not show in the version")
	}
	if edited.ProfessionOf("R1071") != "paramedic" || edited.ProfessionOf("R1070") != "" {
		t.Error("the file is not in force")
	}
	if _, err := loadText(t, policyText(t)+"# "+strings.Repeat("x", 1<<20)); err == nil {
		t.Error("no bound on the length")
	}
}

func TestFaultyPoliciesAreRefused(t *testing.T) {
	for name, c := range map[string]struct{ old, new, want string }{
		"unknown section":          {"history: summary,", "histroy: summary,", `unknown section "histroy"`},
		"section forgotten":        {"history: summary, ", "", "section history: level"},
		"unknown level":            {"history: summary", "history: some", `level "some"`},
		"unknown set":              {"permissions: administration", "permissions: admin", `unknown permission set "admin"`},
		"set of nobody":            {"permission_sets:", "permission_sets:\n  spare: [me.view]", "nobody holds it"},
		"permission twice":         {"- patient.search", "- patient.search\n    - patient.search", "named twice"},
		"empty set":                {"permission_sets:", "permission_sets:\n  spare: []", "empty"},
		"role code twice":          {"[R8001]", "[R8001, R1070]", `role code "R1070"`},
		"no role code":             {"[R8001]", "[]", "no role code"},
		"no purpose":               {"purpose: administration", "purpose: \"\"", "no purpose"},
		"override":                 {"emergency_override_of_opt_out: never", "emergency_override_of_opt_out: always", "only \"never\""},
		"override left out":        {"emergency_override_of_opt_out: never", "", "only \"never\""},
		"no version":               {`version: "2026-11-22"`, "", "version"},
		"no lawful basis":          {"lawful_basis:", "# lawful_basis:", "lawful_basis"},
		"unknown field":            {"systems:", "sistems: {}\nsystems:", "sistems"},
		"unknown organisations":    {"kinds: [commissioner]", "kinds: [commissioners]", "unknown kind"},
		"unspecified organisation": {"kinds: [commissioner]", "kinds: [unspecified]", "unknown kind"},
		"partner without a name":   {"- the person's GP practice", `- ""`, "partners_to_contact"},
		"second document":          {"oversight_only:", "---\noversight_only:", ""},
		"no YAML":                  {"version:", "version: [", ""},
	} {
		t.Run(name, func(t *testing.T) {
			text := policyText(t)
			if !strings.Contains(text, c.old) {
				t.Fatalf("the policy has no %q", c.old)
			}
			_, err := loadText(t, strings.Replace(text, c.old, c.new, 1))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// Every code of DOMAIN.md section 3, and the local administrator.
func TestRoleCodesOfTheDomain(t *testing.T) {
	policy, _ := load(t)
	for profession, codes := range map[string]string{
		"gp": "R0260 R0270 R6300", "consultant": "R0050", "radiologist": "R0014", "paramedic": "R1070", "physiotherapist": "R1110",
		"occupational_therapist": "R0950 R9550", "social_worker": "R1330 R9520 R9570 R9590",
		"mental_health_practitioner": "R1975 R1981 R1310 R1340", "safeguarding_officer": "R9535", "nurse": "R8001",
		"privacy_officer": "R0001", "caldicott_guardian": "R5105", "audit_manager": "R5100", "administrator": "DCR-ADMIN",
	} {
		for _, code := range strings.Fields(codes) {
			if got := policy.ProfessionOf(code); got != profession {
				t.Errorf("%s is %q, want %s", code, got, profession)
			}
		}
	}
	if len(policy.Professions()) != 14 {
		t.Errorf("professions: %v", policy.Professions())
	}
}
