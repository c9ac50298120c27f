package access_test

import (
	"slices"
	"strings"
	"testing"

	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"

	"github.com/dorsetcarerecord/dcr/gateway/internal/access"
)

// TestReviewers: as what each role makes steps in cases, and whose cases it sees, by where it acts.
func TestReviewers(t *testing.T) {
	policy, registry := load(t)
	rule := registry.Lookup("/dcr.gateway.v1.CaseService/ListCases").Rule
	for _, c := range []struct {
		role, standing string
		reviewer       access.Reviewer
		county         bool
	}{
		{privacyRole, "stands", access.ReviewerOfficer, false}, {privacyRole, "commissioner", access.ReviewerOfficer, false},
		{caldicottRole, "stands", access.ReviewerGuardian, false}, {caldicottRole, "commissioner", access.ReviewerGuardian, true},
		{auditorRole, "stands", access.ReviewerNone, false}, {auditorRole, "commissioner", access.ReviewerNone, true},
		{"R1070", "stands", access.ReviewerNone, false}, {"R1070", "commissioner", access.ReviewerNone, false},
		{adminRole, "commissioner", access.ReviewerNone, false},
	} {
		d := policy.Decide(rule, scene{token: "accepted", audience: "staff", role: c.role, standing: c.standing}.facts())
		if d.Reviewer != c.reviewer || d.CountyWide != c.county {
			t.Errorf("%s, %s: reviewer %v, county %v", c.role, c.standing, d.Reviewer, d.CountyWide)
		}
	}
}

// TestCasesOfThePolicy: a policy in which somebody reviews cases as nobody, or as two, does not come into force.
func TestCasesOfThePolicy(t *testing.T) {
	for name, c := range map[string]struct{ old, new, want string }{
		"unknown officer":  {"officers: [privacy_officer]", "officers: [privacy_officer, sheriff]", `unknown profession "sheriff"`},
		"unknown in all":   {"county_wide: [caldicott_guardian", "county_wide: [sheriff", `unknown profession "sheriff"`},
		"two reviewers":    {"guardians: [caldicott_guardian]", "guardians: [caldicott_guardian, privacy_officer]", "two reviewers"},
		"reviews as none":  {"officers: [privacy_officer]", "officers: []", "neither officer nor guardian"},
		"an unknown field": {"  guardians: [", "  gaurdians: [", "gaurdians"},
	} {
		text := strings.Replace(policyText(t), c.old, c.new, 1)
		if text == policyText(t) {
			t.Fatalf("%s: nothing was changed", name)
		}
		if _, err := loadText(t, text); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// TestKinIsMarked: who the person is to the member is in the event, and refuses nothing; one's own record is
// that alone.
func TestKinIsMarked(t *testing.T) {
	policy, registry := load(t)
	rule := registry.Lookup("/dcr.gateway.v1.RecordService/GetRecord").Rule
	for mark, set := range map[string]func(*identityv1.StaffFacts){
		access.MarkSameSurnameAndAddress: func(s *identityv1.StaffFacts) { s.SameSurnameAndAddress = true },
		access.MarkSameSurname:           func(s *identityv1.StaffFacts) { s.SameSurname = true },
		access.MarkColleague:             func(s *identityv1.StaffFacts) { s.IsColleague = true },
	} {
		facts := scene{token: "accepted", audience: "staff", role: "R1070", standing: "stands", relation: "episode", choice: "never chose", restriction: "no", known: true}.facts()
		set(facts.Staff)
		if d := policy.Decide(rule, facts); !d.Permit || !slices.Equal(d.Marks, []string{mark}) {
			t.Errorf("%s: permitted %v, marks %v", mark, d.Permit, d.Marks)
		}
		facts.Staff.IsOwnRecord = true
		if d := policy.Decide(rule, facts); d.Permit || !slices.Equal(d.Marks, []string{access.MarkOwnRecord}) {
			t.Errorf("own record and %s: permitted %v, marks %v", mark, d.Permit, d.Marks)
		}
	}
}
