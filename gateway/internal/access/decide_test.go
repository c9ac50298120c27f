package access_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	accessv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/access/v1"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"

	"github.com/dorsetcarerecord/dcr/gateway/internal/access"
)

func paramedicScene(change func(*scene)) scene {
	s := scene{
		rpc: "RecordService/GetRecord", token: "accepted", audience: "staff", role: "R1070", standing: "stands", relation: "episode",
		choice: "in", restriction: "no", known: true,
	}
	change(&s)
	return s
}

func decide(t *testing.T, s scene, change func(*access.Facts)) access.Decision {
	t.Helper()
	policy, registry := load(t)
	facts := s.facts()
	if change != nil {
		change(&facts)
	}
	return policy.Decide(registry.Lookup("/dcr.gateway.v1."+s.rpc).Rule, facts)
}

// Whoever has no relationship learns nothing: known or unknown, opted out or
// not, restricted or not, the refusal is the same to the letter.
func TestNoRelationshipSaysTheSameOfEverybody(t *testing.T) {
	var first access.Decision
	for i, s := range []scene{
		paramedicScene(func(s *scene) { s.relation = "none" }),
		paramedicScene(func(s *scene) { s.relation, s.choice = "none", "out" }),
		paramedicScene(func(s *scene) { s.relation, s.known = "none", false }),
		paramedicScene(func(s *scene) { s.relation, s.known = "emergency", false }),
		paramedicScene(func(s *scene) { s.relation, s.restriction = "over", "yes" }),
	} {
		d := decide(t, s, nil)
		if i == 0 {
			first = d
		}
		if d.Refusal == nil || d.Refusal.Error() != first.Refusal.Error() || len(d.Refusal.Metadata) != 0 {
			t.Errorf("scene %d: %v, want %v", i, d.Refusal, first.Refusal)
		}
	}
}

func TestOptOutSaysTheSameOfEverybody(t *testing.T) {
	first := decide(t, paramedicScene(func(s *scene) { s.choice = "out" }), nil).Refusal
	emergency := decide(t, paramedicScene(func(s *scene) { s.choice, s.relation, s.restriction = "out", "emergency", "yes" }), func(f *access.Facts) {
		f.Patient.Gp = &identityv1.GpRegistration{OdsCode: "J81900", Name: "Purbeck Surgery"}
	}).Refusal
	if first.Error() != emergency.Error() || !cmp.Equal(first.Metadata, emergency.Metadata) {
		t.Errorf("%v, %v", first, emergency)
	}
	for _, words := range []string{"treatment is not affected", "Dorset County Hospital", "South Western Ambulance"} {
		if !strings.Contains(first.Text, words) {
			t.Errorf("%q lacks %q", first.Text, words)
		}
	}
}

func TestStrongestRelationshipCounts(t *testing.T) {
	order := []string{"registration", "episode", "caseload", "referral", "granted", "self-declared", "emergency"}
	s := paramedicScene(func(*scene) {})
	for strong := range order {
		d := decide(t, s, func(f *access.Facts) {
			f.Relationships = nil
			// The weakest first, and a stronger one that is over.
			for i := len(order) - 1; i >= strong; i-- {
				one := s
				one.relation = order[i]
				f.Relationships = append(f.Relationships, one.relationships()...)
			}
			over := s
			over.relation = "over"
			f.Relationships = append(over.relationships(), f.Relationships...)
		})
		if got := d.Relationship.GetKind(); got != kinds[order[strong]] {
			t.Errorf("got %v, want %s", got, order[strong])
		}
	}
}

func TestMarksAndObligations(t *testing.T) {
	for name, c := range map[string]struct {
		scene       scene
		change      func(*access.Facts)
		marks       []string
		obligations []string
	}{
		"plain":         {paramedicScene(func(*scene) {}), nil, nil, nil},
		"emergency":     {paramedicScene(func(s *scene) { s.relation = "emergency" }), nil, []string{"declared", "emergency"}, []string{"alert", "time_boxed", "review_within_72_hours"}},
		"self-declared": {paramedicScene(func(s *scene) { s.relation = "self-declared" }), nil, []string{"declared", "self_declared"}, []string{"alert", "time_boxed"}},
		"granted":       {paramedicScene(func(s *scene) { s.relation = "granted" }), nil, nil, nil},
		"restricted":    {paramedicScene(func(s *scene) { s.restriction = "yes" }), nil, []string{"restricted"}, []string{"withhold_restricted_fields"}},
		"broken":        {paramedicScene(func(s *scene) { s.restriction = "broken" }), nil, []string{"restriction_broken"}, nil},
		"own number unknown": {paramedicScene(func(*scene) {}), func(f *access.Facts) { f.Staff.OwnNhsNumberKnown = false },
			[]string{"own_number_unknown"}, nil},
		"refused attempts": {paramedicScene(func(s *scene) { s.relation, s.choice = "none", "out" }), nil, []string{"opted_out"}, nil},
		"own record":       {paramedicScene(func(s *scene) { s.own = true }), nil, []string{"own_record"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			d := decide(t, c.scene, c.change)
			if diff := cmp.Diff(c.marks, d.Marks) + cmp.Diff(c.obligations, d.Obligations); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPracticeOutsideTheCounty(t *testing.T) {
	for name, c := range map[string]struct {
		gp   *identityv1.GpRegistration
		want bool
	}{
		"none named":          {nil, false},
		"participating":       {&identityv1.GpRegistration{State: identityv1.OrganisationState_ORGANISATION_STATE_PARTICIPATING}, false},
		"out of area":         {&identityv1.GpRegistration{State: identityv1.OrganisationState_ORGANISATION_STATE_OUT_OF_AREA}, true},
		"not in our registry": {&identityv1.GpRegistration{OdsCode: "X99999"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			d := decide(t, paramedicScene(func(*scene) {}), func(f *access.Facts) { f.Patient.Gp = c.gp })
			if !d.Permit || d.GPOutsideCounty != c.want {
				t.Errorf("got %v", d.GPOutsideCounty)
			}
		})
	}
}

// A relationship by the number that was superseded counts as well as one by the
// number in force.
func TestSupersededNumber(t *testing.T) {
	const inForce = "9990002681"
	for number, permit := range map[string]bool{testPerson: true, inForce: true, "9434765919": false} {
		d := decide(t, paramedicScene(func(*scene) {}), func(f *access.Facts) {
			f.Patient.NhsNumber, f.Patient.Superseded = inForce, true
			f.Relationships[0].NhsNumber = number
		})
		if d.Permit != permit {
			t.Errorf("relationship under %s: permit %v", number, d.Permit)
		}
	}
}

func TestWhatTheRoleSeesIsToldWithoutBeingShown(t *testing.T) {
	policy, _ := load(t)
	d := decide(t, paramedicScene(func(s *scene) { s.rpc = "MeService/GetMe" }), nil)
	if diff := cmp.Diff(policy.Sections("paramedic"), d.RoleSections, protocmp.Transform()); diff != "" || len(d.Sections) != 0 {
		t.Errorf("%s, shown %v", diff, d.Sections)
	}
	visitor := decide(t, paramedicScene(func(s *scene) { s.rpc, s.standing = "MeService/GetMe", "commissioner" }), nil)
	if len(visitor.RoleSections) != 0 || cmp.Diff([]string{"me.view", "organisation.view", "receipt.view"}, visitor.Permissions) != "" {
		t.Errorf("at a commissioner: %+v", visitor)
	}
}

// Nothing is permitted by what nobody said.
func TestZeroValuesPermitNothing(t *testing.T) {
	policy, registry := load(t)
	whole := paramedicScene(func(*scene) {}).facts()
	record := registry.Lookup("/dcr.gateway.v1.RecordService/GetRecord").Rule
	for name, d := range map[string]access.Decision{
		"no decision":         {},
		"no rule":             policy.Decide(nil, whole),
		"empty rule":          policy.Decide(&accessv1.Rule{}, whole),
		"no facts":            policy.Decide(record, access.Facts{}),
		"no facts but a time": policy.Decide(record, access.Facts{Now: time.Now(), Token: access.TokenAccepted, Audience: accessv1.Audience_AUDIENCE_STAFF}),
		"unspecified audience": policy.Decide(&accessv1.Rule{Audiences: []accessv1.Audience{0}},
			access.Facts{Token: access.TokenAccepted}),
		"relationship not said": policy.Decide(&accessv1.Rule{
			Audiences: record.GetAudiences(), Permission: "record.view", PatientField: "nhs_number",
		}, whole),
	} {
		if d.Permit {
			t.Errorf("%s: permitted", name)
		}
	}
}
