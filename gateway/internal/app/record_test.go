package app

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	accessv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/access/v1"
	recordv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/record/v1"

	"github.com/dorsetcarerecord/dcr/internal/fault"
)

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
