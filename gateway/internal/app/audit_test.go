package app

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/timestamppb"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
)

// looked gives the log n views of a person, one every 15 minutes, the newest at an instant.
func (s *stack) looked(of string, newest time.Time, n int) {
	s.behind.mu.Lock()
	defer s.behind.mu.Unlock()
	if s.behind.log == nil {
		s.behind.log = map[string]*auditv1.Event{}
	}
	for i := range n {
		at := newest.Add(-time.Duration(i) * 15 * time.Minute)
		id := fmt.Sprintf("%08x-%04x-7000-8000-%012d", at.UnixMilli()>>16, at.UnixMilli()&0xffff, len(s.behind.log))
		s.behind.log[id] = &auditv1.Event{
			Id: id, OccurredAt: timestamppb.New(at), Action: "record.view", NhsNumber: of, Outcome: auditv1.Outcome_OUTCOME_RELEASED,
			Actor:      &auditv1.Actor{Kind: auditv1.ActorKind_ACTOR_KIND_STAFF, StaffId: "s-1", Display: "Pat Purbeck", RoleCode: "R1070", OdsCode: "RYF"},
			Disclosure: &auditv1.Disclosure{},
		}
	}
}

// TestHistoryGoesByWholeDays: a page ends with a day that is whole, and the next begins with the day before.
func TestHistoryGoesByWholeDays(t *testing.T) {
	s := newStack(t)
	newest := time.Date(2026, 7, 20, 12, 0, 0, 0, time.UTC)
	s.looked(rich, newest, 5000)
	s.looked(stranger, newest, 10) // a number that was merged into rich's
	s.looked(optedOut, newest, 10) // one that is only linked
	told, days := 0, map[string]int{}
	token := ""
	for pages := 1; ; pages++ {
		answer := &gatewayv1.GetAccessHistoryResponse{}
		got := s.do(call{method: "GET", path: "/v1/patients/" + rich + "/access-history?page_token=" + token, token: s.privacy()})
		if err := protojson.Unmarshal(got.body, answer); err != nil || got.status != 200 {
			t.Fatalf("%d %s %v", got.status, got.body, err)
		}
		for _, day := range answer.GetHistory().GetDays() {
			if days[day.GetDate()]++; days[day.GetDate()] > 1 {
				t.Errorf("%s is told on two pages", day.GetDate())
			}
			for _, look := range day.GetLooks() {
				told += len(look.GetEventIds())
				if look.GetRole() != "Paramedic" || look.GetOrganisation() == "" {
					t.Fatalf("look %v", look)
				}
			}
		}
		if token = answer.GetNextPageToken(); token == "" {
			if pages < 2 {
				t.Error("all of it came on one page")
			}
			break
		}
	}
	if told != 5010 {
		t.Errorf("%d looks are told, want 5010", told)
	}
	e := s.behind.accounted("audit.history.view")[0]
	if e.GetNhsNumber() != rich || e.GetDisclosure().GetEntries() < 2000 {
		t.Errorf("event %v", e)
	}
}

// TestHistoryIsAccountedFor: what was asked to be kept back is in the event; the paper is a PDF; who may not ask
// learns nothing.
func TestHistoryIsAccountedFor(t *testing.T) {
	s := newStack(t)
	s.looked(rich, time.Now().Add(-time.Hour), 3)
	got := s.do(call{method: "POST", path: "/v1/patients:getAccessHistory", token: s.privacy(),
		body: `{"nhs_number":"` + rich + `","withhold_staff_ids":["s-1"]}`})
	if got.status != 200 || strings.Contains(string(got.body), "Purbeck") || !strings.Contains(string(got.body), "Name not given") {
		t.Errorf("%d %s", got.status, got.body)
	}
	if e := s.behind.accounted("audit.history.view")[0]; e.GetQuery() != "withhold_staff_ids=s-1" || e.GetNhsNumber() != rich {
		t.Errorf("event %v", e)
	}
	paper := s.do(call{method: "GET", path: "/v1/patients/" + rich + "/access-history:pdf", token: s.role("R5105")})
	if paper.status != 200 || paper.header.Get("Content-Type") != "application/pdf" || !strings.HasPrefix(string(paper.body), "%PDF-") {
		t.Errorf("%d %s", paper.status, paper.header.Get("Content-Type"))
	}
	for _, may := range []string{s.role("R5100"), s.paramedic(), s.admin()} {
		wantRefused(t, s.do(call{method: "GET", path: "/v1/patients/" + rich + "/access-history", token: may}), 403, "ACCESS_DENIED", "")
	}
	wantRefused(t, s.do(call{method: "GET", path: "/v1/patients/" + rich + "/access-history?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", token: s.privacy()}), 400, "INVALID_ARGUMENT", "to")
}

type bundle struct {
	ResourceType, Type string
	Link               []struct{ Relation, URL string }
	Entry              []struct {
		Resource struct{ ID string }
	}
}

// TestAuditEventSearch: by URL and by form, page by page; the link to the next page names nobody and goes alone.
func TestAuditEventSearch(t *testing.T) {
	s := newStack(t)
	s.looked(rich, time.Now().Add(-time.Hour), 30)
	s.looked(stranger, time.Now().Add(-time.Hour), 30)
	form := url.Values{"patient.identifier": {"https://fhir.nhs.uk/Id/nhs-number|" + rich}, "_count": {"20"}}.Encode()
	for name, first := range map[string]call{
		"url":  {method: "GET", path: "/fhir/R4/AuditEvent?" + form},
		"form": {method: "POST", path: "/fhir/R4/AuditEvent/_search", body: form, header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}},
	} {
		first.token = s.privacy()
		page, next := s.searched(t, first)
		if len(page.Entry) != 20 || next == "" || strings.Contains(next, rich) {
			t.Fatalf("%s: %d entries, next %s", name, len(page.Entry), next)
		}
		second, end := s.searched(t, call{method: "GET", path: next, token: s.privacy()})
		if len(second.Entry) != 10 || end != "" {
			t.Errorf("%s: second page of %d, next %s", name, len(second.Entry), end)
		}
		wantOutcome(t, s.do(call{method: "GET", path: next + "&outcome=0", token: s.privacy()}), 400, "INVALID_ARGUMENT")
		wantOutcome(t, s.do(call{method: "GET", path: next, token: s.role("R5100")}), 400, "INVALID_PAGE_TOKEN")
		id := second.Entry[0].Resource.ID
		if read := s.do(call{method: "GET", path: "/fhir/R4/AuditEvent/" + id, token: s.privacy()}); read.status != 200 || !strings.Contains(string(read.body), id) {
			t.Errorf("%s: read %d %s", name, read.status, read.body)
		}
	}
	const asked = "_count=20&patient.identifier=https%3A%2F%2Ffhir.nhs.uk%2FId%2Fnhs-number%7C" + rich
	// A second page is a search by URL, whichever way the first was asked for.
	for action, want := range map[string]int{"audit.fhir.search": 3, "audit.fhir.search.form": 1, "audit.fhir.read": 2} {
		released := 0
		for _, e := range s.behind.accounted(action) {
			if e.GetOutcome() != auditv1.Outcome_OUTCOME_RELEASED {
				continue
			}
			released++
			if e.GetNhsNumber() != rich || (action != "audit.fhir.read" && e.GetQuery() != asked) || e.GetOrigin().GetSurface() != "fhir" {
				t.Errorf("%s: event %v", action, e)
			}
		}
		if released != want {
			t.Errorf("%s: %d events, want %d", action, released, want)
		}
	}
}

func (s *stack) searched(t *testing.T, c call) (page bundle, next string) {
	t.Helper()
	got := s.do(c)
	if err := json.Unmarshal(got.body, &page); err != nil || got.status != 200 || page.Type != "searchset" ||
		got.header.Get("Content-Type") != "application/fhir+json" {
		t.Fatalf("%d %s: %v", got.status, got.body, err)
	}
	for _, l := range page.Link {
		if l.Relation == "next" {
			next = l.URL
		}
	}
	return page, next
}

func wantOutcome(t *testing.T, got reply, status int, reason string) {
	t.Helper()
	if got.status != status || !strings.Contains(string(got.body), `"OperationOutcome"`) || !strings.Contains(string(got.body), `"`+reason+`"`) {
		t.Errorf("%d %s, want %d %s", got.status, got.body, status, reason)
	}
}

// TestAuditEventSearchRefuses what it does not serve, by name.
func TestAuditEventSearchRefuses(t *testing.T) {
	s := newStack(t)
	for query, reason := range map[string]string{
		"patient=x": "UNKNOWN_FIELD", "patient.identifier.value=x": "UNKNOWN_FIELD", "patient.name=x": "UNKNOWN_FIELD", "_sort=date": "UNKNOWN_FIELD",
		"agent.identifier=a&agent.identifier=b": "DUPLICATE_FIELD", "_count=many": "INVALID_ARGUMENT", "date=never": "INVALID_ARGUMENT",
		"patient.identifier=9990002674": "INVALID_NHS_NUMBER", "date=2026&date=2026&date=2026": "INVALID_ARGUMENT",
	} {
		wantOutcome(t, s.do(call{method: "GET", path: "/fhir/R4/AuditEvent?" + query, token: s.privacy()}), 400, reason)
	}
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	for body, reason := range map[string]string{"foo=1": "INVALID_ARGUMENT", "outcome=0&outcome=4": "INVALID_ARGUMENT", "_count=501": "INVALID_ARGUMENT", "%zz": "INVALID_ARGUMENT"} {
		wantOutcome(t, s.do(call{method: "POST", path: "/fhir/R4/AuditEvent/_search", body: body, header: form, token: s.privacy()}), 400, reason)
	}
	wantOutcome(t, s.do(call{method: "POST", path: "/fhir/R4/AuditEvent/_search", body: "{}", token: s.privacy()}), 415, "UNSUPPORTED_CONTENT_TYPE")
	wantOutcome(t, s.do(call{method: "GET", path: "/fhir/R4/AuditEvent/" + epoch, token: s.paramedic()}), 403, "ACCESS_DENIED")
}
