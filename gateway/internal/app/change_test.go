package app

import (
	"strings"
	"testing"

	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"

	"github.com/dorsetcarerecord/dcr/internal/fault"
)

// TestMutationsNeedARequestID: in its own words, whatever the mutation.
func TestMutationsNeedARequestID(t *testing.T) {
	s := newStack(t)
	patient := "/v1/patients/" + rich
	for path, c := range map[string]call{
		patient + ":breakRestriction":                     {method: "POST", token: s.paramedic()},
		patient + "/care-relationships":                   {method: "POST", token: s.paramedic(), body: `{"kind":"RELATIONSHIP_KIND_EMERGENCY"}`},
		patient + "/care-relationships/" + epoch + ":end": {method: "POST", token: s.paramedic()},
		"/v1/opt-outs":                                      {method: "POST", token: s.privacy(), body: optOutBody("", "O'Brien-Nunez", "1980-02-29")},
		"/v1/opt-outs/" + epoch + ":withdraw":               {method: "POST", token: s.privacy(), body: `{"channel":"CHANNEL_POST","evidence":"x","requester":"REQUESTER_SELF"}`},
		"/v1/organisations":                                 {method: "POST", token: s.admin(), body: `{"organisation":{"ods_code":"RA4"}}`},
		"/v1/organisations/RA4":                             {method: "PUT", token: s.admin(), body: `{"organisation":{"ods_code":"RA4"}}`},
		"/v1/organisations/RA4:activate":                    {method: "POST", token: s.admin()},
		"/v1/organisations/RA4:end":                         {method: "POST", token: s.admin()},
		"/v1/staff":                                         {method: "POST", token: s.admin(), body: `{"staff":{"name":"x"}}`},
		"/v1/staff/" + staffID:                              {method: "PUT", token: s.admin(), body: `{"staff":{"name":"x"}}`},
		"/v1/staff/" + staffID + "/roles":                   {method: "POST", token: s.admin(), body: `{"role":{"role_code":"R1070"}}`},
		"/v1/staff/" + staffID + "/roles/" + epoch + ":end": {method: "POST", token: s.admin()},
		"/v1/staff/" + staffID + ":end":                     {method: "POST", token: s.admin()},
	} {
		c.path = path
		wantRefused(t, s.do(c), 400, "REQUEST_ID_REQUIRED", "request_id")
	}
}

func TestDeclare(t *testing.T) {
	s := newStack(t)
	got := fields(t, s.do(call{method: "POST", path: "/v1/patients/" + stranger + "/care-relationships", token: s.paramedic(), body: declare}))
	if got["care_relationship"].(map[string]any)["kind"] != "RELATIONSHIP_KIND_SELF_DECLARED" {
		t.Errorf("%v", got)
	}
	asked := lastOf[*identityv1.DeclareCareRelationshipRequest](t, s.behind)
	if asked.GetNhsNumber() != stranger || asked.GetStaffId() != staffID || asked.GetOdsCode() != "RYF" || asked.GetRequestId() != requestID {
		t.Errorf("%v", asked)
	}
	event := asked.GetEvent()
	if event.GetAction() != "relationship.declare" || event.GetBasis().GetReasonText() != "attending at the scene" || event.GetActor().GetStaffId() != staffID {
		t.Errorf("%v", event)
	}
	if len(s.behind.accounted("relationship.declare")) != 0 {
		t.Error("the gateway wrote the event of a change that its service accounts for")
	}
	end := s.do(call{method: "POST", path: "/v1/patients/" + rich + "/care-relationships/" + epoch + ":end", token: s.paramedic(), body: `{"request_id":"` + requestID + `"}`})
	wantRefused(t, end, 400, "NOT_ENDABLE", "")
}

func optOutBody(id, family, born string) string {
	return `{"request_id":"` + id + `","nhs_number":"` + rich + `","family_name":"` + family + `","birth_date":"` + born +
		`","channel":"CHANNEL_POST","evidence":"DCR 2/18","requester":"REQUESTER_SELF"}`
}

// TestOptOut: what the officer says of the person goes on as it is, to the one who compares it; what that one
// refuses is told as it is.
func TestOptOut(t *testing.T) {
	s := newStack(t)
	register := func() reply {
		return s.do(call{method: "POST", path: "/v1/opt-outs", token: s.privacy(), body: optOutBody(requestID, "O'Brien-Núñez", "1980-02-29")})
	}
	fields(t, register())
	asked := lastOf[*optoutv1.RegisterOptOutRequest](t, s.behind)
	if c := asked.GetClaimed(); asked.GetNhsNumber() != rich || c.GetNhsNumber() != rich || c.GetFamilyName() != "O'Brien-Núñez" ||
		c.GetBirthDate() != "1980-02-29" || asked.GetEvent().GetAction() != "opt_out.register" {
		t.Errorf("%v", asked)
	}
	for want, err := range map[string]error{
		"IDENTITY_MISMATCH": fault.Precondition("IDENTITY_MISMATCH", "another person"),
		"ALREADY_OPTED_OUT": fault.Duplicate("ALREADY_OPTED_OUT", "already"),
		"EVIDENCE_NEEDED":   fault.Precondition("EVIDENCE_NEEDED", "not yet"),
		"INTERNAL":          fault.Precondition("SAID_TO_US_ALONE", "another matter"),
	} {
		s.behind.set(func() { s.behind.fail[optoutv1.OptOutWriteService_RegisterOptOut_FullMethodName] = err })
		if got := register(); !strings.Contains(string(got.body), `"`+want+`"`) {
			t.Errorf("answered %s, want %s", got.body, want)
		}
	}
	s.behind.set(func() { delete(s.behind.fail, optoutv1.OptOutWriteService_RegisterOptOut_FullMethodName) })
	listed := s.do(call{method: "GET", path: "/v1/opt-outs?nhs_number=" + optedOut, token: s.privacy()})
	if fields(t, listed); len(s.behind.accounted("opt_out.list.match")) != 1 || s.behind.accounted("opt_out.list")[0].GetNhsNumber() != optedOut {
		t.Error("a list of opt-outs is not accounted for by person")
	}
	fields(t, s.do(call{method: "GET", path: "/v1/opt-outs/" + epoch, token: s.privacy()}))
	if got := s.behind.accounted("opt_out.view")[0].GetNhsNumber(); got != optedOut {
		t.Errorf("the look at an opt-out is about %q", got)
	}
}
