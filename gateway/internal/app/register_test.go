package app

import (
	"strings"
	"testing"

	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
	recordv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/record/v1"
)

// TestDirectory: OAuth2 clients are for administrators, and a member's own NHS number never comes out.
func TestDirectory(t *testing.T) {
	s := newStack(t)
	for token, shown := range map[string]bool{s.paramedic(): false, s.admin(): true} {
		for _, path := range []string{"/v1/organisations", "/v1/organisations/RYF"} {
			got := s.do(call{method: "GET", path: path, token: token})
			if fields(t, got); strings.Contains(string(got.body), "client_ids") != shown {
				t.Errorf("%s: client_ids shown is %v: %s", path, !shown, got.body)
			}
		}
	}
	create := `{"request_id":"` + requestID + `","staff":{"name":"Mary","own_nhs_number":"999 000 2673"}}`
	for _, c := range []call{
		{method: "GET", path: "/v1/staff"}, {method: "GET", path: "/v1/staff/" + staffID}, {method: "POST", path: "/v1/staff", body: create},
	} {
		c.token = s.admin()
		got := s.do(c)
		if fields(t, got); strings.Contains(string(got.body), rich) {
			t.Errorf("%s %s shows the member's own number", c.method, c.path)
		}
	}
	if got := lastOf[*identityv1.CreateStaffRequest](t, s.behind).GetStaff().GetOwnNhsNumber(); got != rich {
		t.Errorf("identity-svc was given %q", got)
	}
	bad := strings.Replace(create, "999 000 2673", "1234567890", 1)
	wantRefused(t, s.do(call{method: "POST", path: "/v1/staff", token: s.admin(), body: bad}), 400, "INVALID_NHS_NUMBER", "staff.own_nhs_number")
	differ := `{"request_id":"` + requestID + `","organisation":{"ods_code":"RBD"}}`
	wantRefused(t, s.do(call{method: "PUT", path: "/v1/organisations/R0D", token: s.admin(), body: differ}), 400, "FIELD_MISMATCH", "organisation.ods_code")
	version := `{"request_id":"` + requestID + `","organisation":{"name":"x","version":"3"}}`
	fields(t, s.do(call{method: "PUT", path: "/v1/organisations/R0D", token: s.admin(), body: version}))
	if got := lastOf[*identityv1.UpdateOrganisationRequest](t, s.behind).GetOrganisation(); got.GetOdsCode() != "R0D" || got.GetVersion() != 3 {
		t.Errorf("%v", got)
	}
}

// TestFeedRefusals: a partner sees its own alone.
func TestFeedRefusals(t *testing.T) {
	s := newStack(t)
	fields(t, s.do(call{method: "GET", path: "/v1/feed-refusals", token: s.system()}))
	if got := lastOf[*recordv1.ListRefusalsRequest](t, s.behind).GetSourceOdsCode(); got != "RYF" {
		t.Errorf("a partner was shown the refusals of %q", got)
	}
	wantRefused(t, s.do(call{method: "GET", path: "/v1/feed-refusals?ods_code=R0D", token: s.system()}), 403, "ACCESS_DENIED", "")
	fields(t, s.do(call{method: "GET", path: "/v1/feed-refusals", token: s.admin()}))
	if got := lastOf[*recordv1.ListRefusalsRequest](t, s.behind).GetSourceOdsCode(); got != "" {
		t.Errorf("an administrator was shown the refusals of %q", got)
	}
}

func TestAuditEvents(t *testing.T) {
	s := newStack(t)
	for _, c := range []call{
		{method: "GET", path: "/v1/audit/events?nhs_number=999%20000%202673"},
		{method: "POST", path: "/v1/audit/events:list", body: `{"nhs_number":"` + rich + `"}`},
	} {
		c.token = s.privacy()
		fields(t, s.do(c))
	}
	looks := s.behind.accounted("audit.view")
	if len(looks) != 2 || looks[0].GetNhsNumber() != rich || looks[1].GetNhsNumber() != rich {
		t.Errorf("the looks at the log: %v", looks)
	}
	wantRefused(t, s.do(call{method: "GET", path: "/v1/audit/events?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", token: s.privacy()}), 400, "INVALID_ARGUMENT", "to")
	wantRefused(t, s.do(call{method: "GET", path: "/v1/audit/events", token: s.paramedic()}), 403, "ACCESS_DENIED", "")
}
