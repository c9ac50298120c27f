package rules

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	accessv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/access/v1"
	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"

	"github.com/dorsetcarerecord/dcr/gateway/internal/access"
)

// entry is the real rule of an RPC, spoiled.
func entry(t *testing.T, method string, spoil func(*accessv1.Rule)) *Entry {
	t.Helper()
	policy, err := access.DefaultPolicy()
	if err != nil {
		t.Fatal(err)
	}
	r, err := New(policy, Exposed()...)
	if err != nil {
		t.Fatal(err)
	}
	e := *r.Lookup(method)
	e.Rule = proto.CloneOf(e.Rule)
	spoil(e.Rule)
	if f := e.Rule.GetPatientField(); f == "" || e.patient == nil || string(e.patient.Name()) != f {
		e.patient = nil
		for i := range e.descriptor.Input().Fields().Len() {
			if d := e.descriptor.Input().Fields().Get(i); string(d.Name()) == f {
				e.patient = d
			}
		}
	}
	return &e
}

func TestContradictionsAreRefused(t *testing.T) {
	record, metadata := gatewayv1.RecordService_GetRecord_FullMethodName, gatewayv1.FhirService_GetCapabilityStatement_FullMethodName
	form := gatewayv1.PublicOptOutService_SubmitPublicOptOut_FullMethodName
	cases := []struct {
		name, method string
		spoil        func(*accessv1.Rule)
		want         string
	}{
		{"no audience", record, func(r *accessv1.Rule) { r.Audiences = nil }, "no audience"},
		{"unspecified audience", record, func(r *accessv1.Rule) { r.Audiences[0] = 0 }, "an audience is not said"},
		{"audience unknown", record, func(r *accessv1.Rule) { r.Audiences[0] = 77 }, "an audience is not said"},
		{"audience twice", record, func(r *accessv1.Rule) { r.Audiences = append(r.Audiences, r.Audiences[0]) }, "stands twice"},
		{"anyone beside staff", record, func(r *accessv1.Rule) {
			r.Audiences = append(r.Audiences, accessv1.Audience_AUDIENCE_ANYONE)
		}, "anyone or the public, and somebody beside"},
		{"no permission", record, func(r *accessv1.Rule) { r.Permission = "" }, "no permission"},
		{"unknown permission", record, func(r *accessv1.Rule) { r.Permission = "record.veiw" }, "no profession"},
		{"permission systems lack", record, func(r *accessv1.Rule) {
			r.Audiences = []accessv1.Audience{accessv1.Audience_AUDIENCE_SYSTEM}
		}, "systems do not hold"},
		{"patient field missing in request", record, func(r *accessv1.Rule) { r.PatientField = "number" }, "no text field"},
		{"patient field is a list", record, func(r *accessv1.Rule) { r.PatientField = "sections" }, "no text field"},
		{"relationship without person", record, func(r *accessv1.Rule) { r.PatientField, r.OptOutApplies = "", false }, "no patient_field"},
		{"relationship not said", record, func(r *accessv1.Rule) { r.Relationship = 0 }, "relationship is not said"},
		{"opt-out without relationship", record, func(r *accessv1.Rule) {
			r.Relationship = accessv1.RelationshipCheck_RELATIONSHIP_CHECK_NOT_NEEDED
		}, "after a relationship"},
		{"no action", record, func(r *accessv1.Rule) { r.Action = "" }, "action is missing"},
		{"action in capitals", record, func(r *accessv1.Rule) { r.Action = "Record.View" }, "action is missing"},
		{"accounting not said", record, func(r *accessv1.Rule) { r.AccountedBy = 0 }, "accounted_by is not said"},
		{"nobody accounts", record, func(r *accessv1.Rule) { r.AccountedBy = accessv1.Accounting_ACCOUNTING_NONE }, "accounted by nobody"},
		{"anyone with a permission", metadata, func(r *accessv1.Rule) { r.Permission = "record.view" }, "no token is needed, yet it has a permission"},
		{"anyone accounted", metadata, func(r *accessv1.Rule) { r.AccountedBy = accessv1.Accounting_ACCOUNTING_GATEWAY }, "accounted by nobody"},
		{"the public beside staff", record, func(r *accessv1.Rule) {
			r.Audiences = append(r.Audiences, accessv1.Audience_AUDIENCE_PUBLIC)
		}, "anyone or the public, and somebody beside"},
		{"the public with a permission", form, func(r *accessv1.Rule) { r.Permission = "record.view" }, "no token is needed, yet it has a permission"},
		{"the public unaccounted", form, func(r *accessv1.Rule) { r.AccountedBy = accessv1.Accounting_ACCOUNTING_NONE }, "accounted by nobody"},
		{"the public with a relationship", form, func(r *accessv1.Rule) {
			r.Relationship = accessv1.RelationshipCheck_RELATIONSHIP_CHECK_REQUIRED
		}, "no token is needed, yet it has"},
		{"own record of nobody", metadata, func(r *accessv1.Rule) { r.OwnRecordAllowed = true }, "own_record_allowed"},
	}
	policy, err := access.DefaultPolicy()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			e := entry(t, c.method, c.spoil)
			var text string
			for _, err := range []error{checkRule(e), checkPermission(e, policy)} {
				if err != nil {
					text += err.Error() + "\n"
				}
			}
			if !strings.Contains(text, c.want) {
				t.Errorf("got %q, want %q", text, c.want)
			}
		})
	}
}

func TestTwoCallsOfOneNameAreRefused(t *testing.T) {
	r := &Registry{entries: map[string]*Entry{
		"/a/A": {Rule: &accessv1.Rule{Action: "a.b"}},
		"/a/B": {Rule: &accessv1.Rule{Action: "a.b"}},
	}}
	if err := r.checkActions(); err == nil {
		t.Error("accepted")
	}
}
