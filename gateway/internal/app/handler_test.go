package app

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"

	accessv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/access/v1"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
	recordv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/record/v1"

	"github.com/dorsetcarerecord/dcr/internal/fault"
)

// fields reads a JSON object.
func fields(t *testing.T, got reply) map[string]any {
	t.Helper()
	var all map[string]any
	if got.status != 200 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	if err := json.Unmarshal(got.body, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestMe(t *testing.T) {
	s := newStack(t)
	me := fields(t, s.do(call{method: "GET", path: "/v1/me", token: s.paramedic()}))
	if me["profession"] != "paramedic" || me["ods_code"] != "RYF" || me["staff_id"] != staffID || len(me["sections"].([]any)) != 8 {
		t.Errorf("%v", me)
	}
}

// TestSearch: every match is an event, and names are shown as they are, HTML and SQL too.
func TestSearch(t *testing.T) {
	s := newStack(t)
	got := s.do(call{method: "POST", path: "/v1/patients:search", token: s.paramedic(),
		body: `{"family_name":"O'Brien*","birth_date":"1980-02-29","postcode":" DT1 1AA "}`})
	matches := fields(t, got)["matches"].([]any)
	if len(matches) != 2 || !strings.Contains(string(got.body), `<b>Ann</b>`) {
		t.Fatalf("%s", got.body)
	}
	first := matches[0].(map[string]any)
	if first["nhs_number_grouped"] != "999 000 2673" || first["age"].(float64) < 46 {
		t.Errorf("%v", first)
	}
	for _, hidden := range []string{"postcode", "address_lines", "gender", "gp", "restricted"} {
		if _, ok := first[hidden]; ok {
			t.Errorf("a match shows %s", hidden)
		}
	}
	asked := lastOf[*identityv1.SearchPatientsRequest](t, s.behind)
	if asked.GetFamilyName() != "O'Brien*" || asked.GetPostcode() != "DT1 1AA" || asked.GetMaxMatches() != 50 {
		t.Errorf("identity-svc was asked %v", asked)
	}
	var about []string
	for _, e := range s.behind.accounted("patient.search.match") {
		about = append(about, e.GetNhsNumber())
	}
	if !slices.Equal(about, []string{rich, stranger}) || len(s.behind.accounted("patient.search")) != 1 {
		t.Errorf("events about %v", about)
	}
	for body, want := range map[string][2]string{
		`{}`:                          {"INVALID_ARGUMENT", "family_name"},
		`{"family_name":"Anning"}`:    {"INVALID_ARGUMENT", "birth_date"},
		`{"nhs_number":"1234567890"}`: {"INVALID_NHS_NUMBER", "nhs_number"},
		`{"nhs_number":"9999999999"}`: {"INVALID_NHS_NUMBER", "nhs_number"},
		`{"family_name":"A*","birth_date":"1980-01-01"}`:     {"INVALID_ARGUMENT", "family_name"},
		`{"family_name":"An*g","birth_date":"1980-01-01"}`:   {"INVALID_ARGUMENT", "family_name"},
		`{"family_name":"Anning","birth_date":"1980-02-30"}`: {"INVALID_ARGUMENT", "birth_date"},
		`{"nhs_number":"` + rich + `","gender":"f"}`:         {"INVALID_ARGUMENT", "gender"},
	} {
		wantRefused(t, s.do(call{method: "POST", path: "/v1/patients:search", token: s.paramedic(), body: body}), 400, want[0], want[1])
	}
	wide := s.do(call{method: "POST", path: "/v1/patients:search", token: s.paramedic(), body: `{"family_name":"Smi*","birth_date":"1980-01-01"}`})
	wantRefused(t, wide, 429, "SEARCH_TOO_WIDE", "")
}

// TestBanner: what each caller sees of each person.
func TestBanner(t *testing.T) {
	s := newStack(t)
	wide := []string{"gender", "address_lines", "postcode", "telephones", "gp"}
	for _, row := range []struct {
		person string
		shows  bool
		also   []string
	}{
		{rich, true, []string{"with_relationship", "relationship_kind"}},
		{stranger, false, nil},
		{restricted, false, []string{"with_relationship", "restricted"}},
	} {
		for _, c := range []call{
			{method: "GET", path: "/v1/patients/" + row.person},
			{method: "POST", path: "/v1/patients:get", body: `{"nhs_number":"` + row.person + `"}`},
		} {
			c.token = s.paramedic()
			banner := fields(t, s.do(c))
			for _, name := range wide {
				if _, ok := banner[name]; ok != row.shows {
					t.Errorf("%s: %s shown is %v", row.person, name, ok)
				}
			}
			for _, name := range row.also {
				if banner[name] == nil {
					t.Errorf("%s: no %s", row.person, name)
				}
			}
			if banner["identity"].(map[string]any)["nhs_number"] != row.person {
				t.Errorf("%v", banner)
			}
		}
	}
	wantRefused(t, s.do(call{method: "GET", path: "/v1/patients/" + unknown, token: s.paramedic()}), 404, "PATIENT_NOT_FOUND", "")
}

// TestExplain: the decision that the record would get, and without a relationship the same words for everybody.
func TestExplain(t *testing.T) {
	s := newStack(t)
	explain := func(person string) map[string]any {
		return fields(t, s.do(call{method: "POST", path: "/v1/patients/" + person + ":explainAccess", token: s.paramedic()}))
	}
	yes := explain(rich)
	if yes["allowed"] != true || yes["relationship_kind"] != "episode" || yes["opt_out"] == nil || yes["sections"] == nil {
		t.Errorf("%v", yes)
	}
	out := explain(optedOut)
	if out["allowed"] != nil || out["reason"] != "NO_PATIENT_CONSENT" || out["sections"] != nil {
		t.Errorf("%v", out)
	}
	none, nobody := explain(stranger), explain(unknown)
	if none["reason"] != "NO_RELATIONSHIP" || none["opt_out"] != nil {
		t.Errorf("%v", none)
	}
	for name := range none {
		if none[name] != nobody[name] {
			t.Errorf("%s differs between a person without a relationship and nobody: %v, %v", name, none[name], nobody[name])
		}
	}
}

func TestRecord(t *testing.T) {
	s := newStack(t)
	s.behind.set(func() { s.behind.record = []byte(`{"sections":[{"text":"é<>&"}]}`) })
	got := s.do(call{method: "GET", path: "/v1/patients/" + rich + "/record?sections=care_plans&sections=allergies", token: s.paramedic()})
	if !strings.HasSuffix(string(got.body), `,"record":{"sections":[{"text":"é<>&"}]}}`) {
		t.Errorf("record-svc's bytes were touched: %s", got.body)
	}
	asked := lastOf[*recordv1.GetRecordRequest](t, s.behind)
	if !slices.Equal(asked.GetAsked(), []accessv1.Section{accessv1.Section_SECTION_CARE_PLANS, accessv1.Section_SECTION_ALLERGIES}) {
		t.Errorf("asked %v", asked.GetAsked())
	}
	if g := asked.GetGrant(); g.GetNhsNumber() != rich || len(g.GetSections()) == 0 || g.GetPurpose() == "" {
		t.Errorf("grant %v", g)
	}
	d := s.behind.accounted("record.view")[0].GetDisclosure()
	if d.GetEntries() != 2 || d.GetSections()[0].GetSection() != demographics || len(d.GetSourceOdsCodes()) != 2 || len(d.GetSha256()) != 32 {
		t.Errorf("disclosure %v", d)
	}
	for path, field := range map[string]string{"/record?sections=genome": "sections", "/record?sections=CARE_PLANS": "sections",
		"/record?sections=unspecified": "sections", "/record/entries?section=x": "section"} {
		wantRefused(t, s.do(call{method: "GET", path: "/v1/patients/" + rich + path, token: s.paramedic()}), 400, "INVALID_SECTION", field)
	}
	wantRefused(t, s.do(call{method: "GET", path: "/v1/patients/" + rich + "/record/entries/" + epoch, token: s.paramedic()}), 404, "ENTRY_NOT_FOUND", "")
}

// TestRecordServiceChecksForItself: when its copy of the choice differs, nothing is shown, in the words of a decision.
func TestRecordServiceChecksForItself(t *testing.T) {
	s := newStack(t)
	for reason, want := range map[string][2]any{
		"SEALED": {403, "NO_PATIENT_CONSENT"}, "CHOICE_MISMATCH": {503, "FACTS_UNAVAILABLE"},
		"CALLER_NOT_ALLOWED": {500, "INTERNAL"},
	} {
		s.behind.set(func() {
			s.behind.fail[recordv1.ReadService_GetRecord_FullMethodName] = fault.Denied(reason, "words of record-svc")
		})
		got := s.do(call{method: "GET", path: "/v1/patients/" + rich + "/record", token: s.paramedic()})
		wantRefused(t, got, want[0].(int), want[1].(string), "")
		if strings.Contains(string(got.body), "words of record-svc") {
			t.Errorf("%s", got.body)
		}
	}
}

// TestPageTokens: a token opens the next page of its own call, and of no other.
func TestPageTokens(t *testing.T) {
	s := newStack(t)
	entries := "/v1/patients/" + rich + "/record/entries"
	page := func(path, token string) reply { return s.do(call{method: "GET", path: path, token: token}) }
	next := url.QueryEscape(fields(t, page(entries+"?code=1&page_size=10", s.paramedic()))["next_page_token"].(string))
	if strings.Contains(next, "cursor") {
		t.Error("the token can be read")
	}
	second := fields(t, page(entries+"?code=1&page_size=20&page_token="+next, s.paramedic()))
	if second["next_page_token"] != nil || lastOf[*recordv1.ListEntriesRequest](t, s.behind).GetAfter() != "cursor-1" {
		t.Errorf("%v", second)
	}
	another := s.issuer.Signed(s.issuer.StaffClaims(map[string]any{"sub": "998800000999"}))
	for name, got := range map[string]reply{
		"person":    page("/v1/patients/"+restricted+"/record/entries?code=1&page_token="+next, s.paramedic()),
		"caller":    page(entries+"?code=1&page_token="+next, another),
		"role":      page(entries+"?code=1&page_token="+next, s.role("R0260")),
		"filter":    page(entries+"?code=2&page_token="+next, s.paramedic()),
		"no filter": page(entries+"?page_token="+next, s.paramedic()),
		"made up":   page(entries+"?code=1&page_token=AAAA", s.paramedic()),
		"changed":   page(entries+"?code=1&page_token="+strings.ToLower(next), s.paramedic()),
		"method":    page("/v1/organisations?page_token="+next, s.paramedic()),
	} {
		t.Run(name, func(t *testing.T) { wantRefused(t, got, 400, "INVALID_PAGE_TOKEN", "page_token") })
	}
	first := fields(t, page("/v1/organisations", s.admin()))
	last := fields(t, page("/v1/organisations?page_token="+first["next_page_token"].(string), s.admin()))
	if last["next_page_token"] != nil {
		t.Errorf("%v", last)
	}
	log := fields(t, page("/v1/audit/events?outcome=OUTCOME_REFUSED", s.privacy()))
	wantRefused(t, page("/v1/audit/events?page_token="+log["next_page_token"].(string), s.privacy()), 400, "INVALID_PAGE_TOKEN", "page_token")
}

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

// TestOptOutChecksIdentity: name and birth date must be those of the person; nobody known is no hindrance.
func TestOptOutChecksIdentity(t *testing.T) {
	s := newStack(t)
	register := func(body string) reply {
		return s.do(call{method: "POST", path: "/v1/opt-outs", token: s.privacy(), body: body})
	}
	for _, family := range []string{"O'Brien-Núñez", "OBRIEN NUNEZ", "o’brien‑nunez"} {
		fields(t, register(optOutBody(requestID, family, "1980-02-29")))
	}
	before := countOf[*optoutv1.RegisterOptOutRequest](s.behind)
	wantRefused(t, register(optOutBody(requestID, "Anning", "1980-02-29")), 400, "IDENTITY_MISMATCH", "")
	wantRefused(t, register(optOutBody(requestID, "O'Brien-Nunez", "1980-02-28")), 400, "IDENTITY_MISMATCH", "")
	wantRefused(t, register(optOutBody(requestID, "O'Brien-Nunez", "2999-01-01")), 400, "INVALID_ARGUMENT", "birth_date")
	wantRefused(t, register(optOutBody(requestID, "--", "1980-02-29")), 400, "INVALID_ARGUMENT", "family_name")
	s.behind.set(func() {
		s.behind.fail[identityv1.PatientService_GetPatient_FullMethodName] = fault.Unavailable("DOWN", "down")
	})
	if got := register(optOutBody(requestID, "O'Brien-Nunez", "1980-02-29")); got.status != 503 {
		t.Errorf("identity-svc is down, and the choice was registered: %d", got.status)
	}
	if after := countOf[*optoutv1.RegisterOptOutRequest](s.behind); after != before {
		t.Errorf("%d choices were registered past the check", after-before)
	}
	s.behind.set(func() { delete(s.behind.fail, identityv1.PatientService_GetPatient_FullMethodName) })
	fields(t, register(strings.Replace(optOutBody(requestID, "Anybody", "1990-01-01"), rich, unknown, 1)))
	listed := s.do(call{method: "GET", path: "/v1/opt-outs?nhs_number=" + optedOut, token: s.privacy()})
	if fields(t, listed); len(s.behind.accounted("opt_out.list.match")) != 1 || s.behind.accounted("opt_out.list")[0].GetNhsNumber() != optedOut {
		t.Error("a list of opt-outs is not accounted for by person")
	}
	fields(t, s.do(call{method: "GET", path: "/v1/opt-outs/" + epoch, token: s.privacy()}))
	if got := s.behind.accounted("opt_out.view")[0].GetNhsNumber(); got != optedOut {
		t.Errorf("the look at an opt-out is about %q", got)
	}
}

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
