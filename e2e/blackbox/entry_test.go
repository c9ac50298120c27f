package blackbox_test

import (
	"bytes"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/timestamppb"

	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
	recordv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/record/v1"
)

// manyConditions is more than two small pages.
const manyConditions = 12

// entries is the flat list, its filters and pages, and one entry whole with its versions.
func (s *suite) entries(t *testing.T) {
	p := s.newPerson(t)
	resources := []object{p.patient(practice, nil), p.attendance("attendance-" + p.number), p.allergy("nuts-"+p.number, "91935009", "Allergy to peanut")}
	for i := range manyConditions {
		resources = append(resources, p.condition(fmt.Sprintf("c%d-%s", i, p.number), fmt.Sprintf("19596700%d", i), fmt.Sprintf("Condition %d", i),
			fmt.Sprintf("20%02d-03-04", 10+i)))
	}
	s.sends(t, ambulance, puts(resources...))
	s.sends(t, hospital, puts(p.patient(practice, nil), p.condition("h-"+p.number, "44054006", "Diabetes mellitus type 2", "2015-06-07")))
	gp := s.hire(t, "R0260", ambulance, "")
	t.Run("filters", func(t *testing.T) { s.filters(t, gp, p) })
	t.Run("pages", func(t *testing.T) { s.pages(t, gp, p) })
	t.Run("page tokens", func(t *testing.T) { s.pageTokens(t, gp, p) })
	t.Run("versions", func(t *testing.T) { s.versions(t, gp) })
	t.Run("only in full", func(t *testing.T) { s.onlyInFull(t, gp, p) })
	t.Run("sections asked for", func(t *testing.T) { s.sectionsAsked(t, gp, p) })
}

// page is a page of somebody's entries.
func (s *suite) page(t *testing.T, who member, in *gatewayv1.ListEntriesRequest) *gatewayv1.EntryPageView {
	t.Helper()
	view := &gatewayv1.EntryPageView{}
	s.ask(t, who, in).bodyInto(t, view)
	return view
}

func displays(entries []*recordv1.Entry) string {
	var all []string
	for _, e := range entries {
		all = append(all, e.GetDisplay())
	}
	return fmt.Sprint(all)
}

func (s *suite) filters(t *testing.T, who member, p person) {
	const newest, diabetes = "Condition 11", "Diabetes mellitus type 2"
	for name, c := range map[string]struct {
		in   *gatewayv1.ListEntriesRequest
		want string
	}{
		"source": {&gatewayv1.ListEntriesRequest{Section: []string{"history"}, Source: hospital}, "[" + diabetes + "]"},
		"code":   {&gatewayv1.ListEntriesRequest{Code: "44054006"}, "[" + diabetes + "]"},
		"system and code": {
			&gatewayv1.ListEntriesRequest{Code: snomed + "|44054006"}, "[" + diabetes + "]",
		},
		"another system": {&gatewayv1.ListEntriesRequest{Code: "http://loinc.org|44054006"}, "[]"},
		"since and code": {
			&gatewayv1.ListEntriesRequest{Since: timestamppb.New(time.Date(2021, 1, 1, 0, 0, 0, 0, time.UTC)), Code: "1959670011"}, "[" + newest + "]",
		},
		"since, too late": {
			&gatewayv1.ListEntriesRequest{Since: timestamppb.New(time.Date(2022, 1, 1, 0, 0, 0, 0, time.UTC)), Code: "1959670011"}, "[]",
		},
		"section": {&gatewayv1.ListEntriesRequest{Section: []string{"allergies"}}, "[Allergy to peanut]"},
	} {
		c.in.NhsNumber = p.number
		page := s.page(t, who, c.in)
		if got := displays(page.GetPage().GetEntries()); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// pages: newest first, each entry once, every page an event of its own, and allergies whole on the first
// whatever since and page_size say.
func (s *suite) pages(t *testing.T, who member, p person) {
	in := &gatewayv1.ListEntriesRequest{NhsNumber: p.number, PageSize: 5, Since: timestamppb.New(time.Date(2014, 1, 1, 0, 0, 0, 0, time.UTC))}
	seen, events, before := map[string]bool{}, map[string]bool{}, "9999"
	for n := 0; ; n++ {
		page := s.page(t, who, in)
		if n == 0 {
			checkAlways(t, page)
		} else if len(page.GetPage().GetAlways()) != 0 {
			t.Errorf("page %d repeats what comes whole", n)
		}
		for _, e := range page.GetPage().GetEntries() {
			at := e.GetStart()
			if at == "" {
				at = e.GetRecorded()
			}
			if seen[e.GetId()] || at > before && len(at) == len(before) {
				t.Errorf("page %d: %s again, or out of order", n, e.GetDisplay())
			}
			seen[e.GetId()], before = true, at
		}
		if events[page.GetAccess().GetEventId()] {
			t.Error("two pages are one event")
		}
		events[page.GetAccess().GetEventId()] = true
		if in.PageToken = page.GetNextPageToken(); in.PageToken == "" {
			break
		}
	}
	// Eight of the conditions and the diabetes are that young, and the attendance, the allergy, the patients.
	if len(seen) < 11 || len(events) < 3 {
		t.Errorf("%d entries on %d pages", len(seen), len(events))
	}
}

func checkAlways(t *testing.T, page *gatewayv1.EntryPageView) {
	t.Helper()
	got := map[string]int{}
	for _, section := range page.GetPage().GetAlways() {
		got[section.GetSection()] = len(section.GetEntries())
		if section.GetState() == "" {
			t.Errorf("%s says nothing of itself", section.GetSection())
		}
	}
	if len(got) != 4 || got["allergies"] != 1 {
		t.Errorf("whole on the first page: %v", got)
	}
}

// pageTokens are good for the same caller, role, person and filters only.
func (s *suite) pageTokens(t *testing.T, who member, p person) {
	first := s.page(t, who, &gatewayv1.ListEntriesRequest{NhsNumber: p.number, PageSize: 3})
	token := first.GetNextPageToken()
	other := s.attended(t)
	forged := []byte(token)
	forged[len(forged)/2] ^= 1
	colleague, nurse := s.hire(t, "R0260", ambulance, ""), s.hire(t, "R8001", ambulance, "")
	for name, c := range map[string]struct {
		who member
		in  *gatewayv1.ListEntriesRequest
	}{
		"another caller": {colleague, &gatewayv1.ListEntriesRequest{NhsNumber: p.number, PageSize: 3}},
		"another role":   {nurse, &gatewayv1.ListEntriesRequest{NhsNumber: p.number, PageSize: 3}},
		"another person": {who, &gatewayv1.ListEntriesRequest{NhsNumber: other.number, PageSize: 3}},
		"another filter": {who, &gatewayv1.ListEntriesRequest{NhsNumber: p.number, PageSize: 3, Section: []string{"history"}}},
		"forged":         {who, &gatewayv1.ListEntriesRequest{NhsNumber: p.number, PageSize: 3, PageToken: string(forged)}},
		"no token":       {who, &gatewayv1.ListEntriesRequest{NhsNumber: p.number, PageSize: 3, PageToken: "1"}},
	} {
		if c.in.GetPageToken() == "" {
			c.in.PageToken = token
		}
		for _, on := range s.surfaces(methodFor(t, c.in)) {
			if d := on.call(t, c.who.token, c.in).differs(http.StatusBadRequest, "INVALID_PAGE_TOKEN", "page_token"); d != "" {
				t.Errorf("%s over %s: %s", name, on.name, d)
			}
		}
	}
	// The other gateway has the same key: a page may come from any replica.
	s.askAt(t, 1, who, &gatewayv1.ListEntriesRequest{NhsNumber: p.number, PageSize: 3, PageToken: token}).want(t, http.StatusOK, "")
}

// versions: a newer version makes a new one and keeps the old, byte for byte; a deletion hides the entry.
func (s *suite) versions(t *testing.T, who member) {
	p := s.attended(t)
	older := p.condition("v-"+p.number, "195967001", "Asthma", "2019-04-01")
	older["meta"] = object{"lastUpdated": "2024-01-01T00:00:00Z"}
	newer := p.condition("v-"+p.number, "195967001", "Asthma, severe", "2019-04-01")
	newer["meta"] = object{"lastUpdated": "2024-02-01T00:00:00Z"}
	s.sends(t, ambulance, puts(p.patient(practice, nil), newer))
	s.sends(t, ambulance, puts(p.patient(practice, nil), older)) // late
	id := s.find(t, who, p.number, "Asthma, severe")
	r := s.ask(t, who, &gatewayv1.GetEntryRequest{NhsNumber: p.number, Id: id})
	detail := &gatewayv1.EntryDetailView{}
	r.bodyInto(t, detail)
	versions := detail.GetDetail().GetVersions()
	if len(versions) != 2 || versions[0].GetOrderedAt() < versions[1].GetOrderedAt() || detail.GetDetail().GetEntry().GetDisplay() != "Asthma, severe" {
		t.Fatalf("%d versions, the entry is %s", len(versions), detail.GetDetail().GetEntry().GetDisplay())
	}
	for _, sent := range []object{older, newer} {
		if !bytes.Contains(r.raw, text(t, sent)) {
			t.Error("a version is not byte for byte what was sent")
		}
	}
	deletion := object{"request": object{"method": "DELETE", "url": "Condition/v-" + p.number}}
	s.sends(t, ambulance, bundleOf(list{put(p.patient(practice, nil)), deletion}))
	s.ask(t, who, &gatewayv1.GetEntryRequest{NhsNumber: p.number, Id: id}).want(t, http.StatusNotFound, "ENTRY_NOT_FOUND")
	s.sends(t, ambulance, puts(p.patient(practice, nil), newer)) // a late PUT does not undo it
	s.ask(t, who, &gatewayv1.GetEntryRequest{NhsNumber: p.number, Id: id}).want(t, http.StatusNotFound, "ENTRY_NOT_FOUND")
}

// find is the id of the entry that is called so.
func (s *suite) find(t *testing.T, who member, number, display string) string {
	t.Helper()
	for _, section := range s.record(t, who, number).GetRecord().GetSections() {
		for _, e := range section.GetEntries() {
			if e.GetDisplay() == display {
				return e.GetId()
			}
		}
	}
	t.Fatalf("no entry is called %s", display)
	return ""
}

// onlyInFull: whoever sees a section in summary finds no entry of it, in the words of what is not there.
func (s *suite) onlyInFull(t *testing.T, gp member, p person) {
	id := s.find(t, gp, p.number, "Diabetes mellitus type 2")
	paramedic := s.hire(t, "R1070", ambulance, "")
	summary := s.ask(t, paramedic, &gatewayv1.GetEntryRequest{NhsNumber: p.number, Id: id})
	summary.want(t, http.StatusNotFound, "ENTRY_NOT_FOUND")
	nothing := s.ask(t, paramedic, &gatewayv1.GetEntryRequest{NhsNumber: p.number, Id: uuid.NewString()})
	other := s.ask(t, paramedic, &gatewayv1.GetEntryRequest{NhsNumber: s.attended(t).number, Id: id})
	for _, r := range []result{nothing, other} {
		if r.status != summary.status || r.reason != summary.reason || r.text != summary.text {
			t.Errorf("%d %s %q differs from %d %s %q", r.status, r.reason, r.text, summary.status, summary.reason, summary.text)
		}
	}
}

// sectionsAsked: fewer sections on request; an unknown one is refused by its field.
func (s *suite) sectionsAsked(t *testing.T, who member, p person) {
	view := &gatewayv1.RecordView{}
	s.ask(t, who, &gatewayv1.GetRecordRequest{NhsNumber: p.number, Sections: []string{"allergies", "results"}}).bodyInto(t, view)
	var names []string
	for _, section := range view.GetRecord().GetSections() {
		names = append(names, section.GetSection()+" "+section.GetState())
	}
	if fmt.Sprint(names) != "[allergies entries results nothing_received]" {
		t.Errorf("sections %v", names)
	}
	for _, unknown := range []string{"everything", "ALLERGIES", "unspecified", ""} {
		r := s.ask(t, who, &gatewayv1.GetRecordRequest{NhsNumber: p.number, Sections: []string{unknown}})
		if d := r.differs(http.StatusBadRequest, "INVALID_SECTION", "sections"); d != "" {
			t.Errorf("section %q: %s", unknown, d)
		}
	}
}
