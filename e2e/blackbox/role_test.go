package blackbox_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dorsetcarerecord/dcr/e2e/county"
	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
	recordv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/record/v1"
)

// sectionOrder is that of the columns of DOMAIN section 4.
func sectionOrder() []string {
	return []string{"demographics", "allergies", "medication", "history", "care_plans", "results", "social_care", "safeguarding"}
}

// domainMatrix is DOMAIN section 4 as it stands there: role codes, then F full, S summary, - none.
func domainMatrix() map[string][]string {
	return map[string][]string{
		"F F F F F F S F": {"R0260", "R0270", "R6300", "R0050", "R1975", "R1981", "R1310", "R1340"},
		"F F F F F F S S": {"R8001"},
		"F F F S F S S S": {"R1070", "R0950", "R9550", "R1110"},
		"F F S S - F - -": {"R0014"},
		"F F S S F - F F": {"R1330", "R9520", "R9570", "R9590"},
		"F S S S F - F F": {"R9535"},
	}
}

// withoutRecord are the roles that see no clinical section, and so no record.
func withoutRecord() []string { return []string{"R0001", "R5105", "R5100", county.AdministratorCode} }

// roleBySection opens the same record in every role.
func (s *suite) roleBySection(t *testing.T) {
	rich, plain := s.tagged(t, county.TagRich), s.attended(t)
	for row, codes := range domainMatrix() {
		for _, code := range codes {
			t.Run(code, func(t *testing.T) {
				who := s.hire(t, code, ambulance, "")
				view := s.record(t, who, rich.NHSNumber)
				checkLevels(t, view, strings.Fields(row))
				checkSummaries(t, view)
				if diff := cmp.Diff(wordsOf(view), wordsOf(s.record(t, who, plain.number))); diff != "" {
					t.Errorf("what is not included is said in other words on another record: %s", diff)
				}
			})
		}
	}
	for _, code := range withoutRecord() {
		t.Run(code, func(t *testing.T) {
			who := s.hire(t, code, ambulance, "")
			s.ask(t, who, &gatewayv1.GetRecordRequest{NhsNumber: rich.NHSNumber}).want(t, 403, "ACCESS_DENIED")
		})
	}
}

// record is a person's record as a caller sees it.
func (s *suite) record(t *testing.T, who member, number string) *gatewayv1.RecordView {
	t.Helper()
	view := &gatewayv1.RecordView{}
	s.ask(t, who, &gatewayv1.GetRecordRequest{NhsNumber: number}).bodyInto(t, view)
	return view
}

// checkLevels compares levels and states of a person with entries everywhere.
func checkLevels(t *testing.T, view *gatewayv1.RecordView, row []string) {
	t.Helper()
	levels := map[string]string{"F": "full", "S": "summary", "-": "none"}
	for i, section := range view.GetRecord().GetSections() {
		if section.GetSection() != sectionOrder()[i] {
			t.Fatalf("section %d is %s", i, section.GetSection())
		}
		want, state := levels[row[i]], "entries"
		if want == "none" {
			state = "not_included"
		}
		if section.GetLevel() != want || section.GetState() != state || (len(section.GetEntries()) > 0) != (state == "entries") {
			t.Errorf("%s is %s, %s with %d entries; want %s, %s", section.GetSection(), section.GetLevel(), section.GetState(),
				len(section.GetEntries()), want, state)
		}
		if state == "not_included" && section.GetText() == "" {
			t.Errorf("%s is not included, and nothing says why", section.GetSection())
		}
	}
}

// checkSummaries: what a summary means (DOMAIN section 4).
func checkSummaries(t *testing.T, view *gatewayv1.RecordView) {
	t.Helper()
	for _, section := range view.GetRecord().GetSections() {
		if section.GetLevel() != "summary" {
			continue
		}
		encounters := 0
		for _, e := range section.GetEntries() {
			if problem := shortened(section.GetSection(), e); problem != "" {
				t.Errorf("summary of %s: %s", section.GetSection(), problem)
			}
			if e.GetType() == "Encounter" {
				encounters++
			}
		}
		if encounters > 3 {
			t.Errorf("summary of %s has %d encounters", section.GetSection(), encounters)
		}
		if int(section.GetSummarisedFrom()) < len(section.GetEntries()) {
			t.Errorf("%d entries summarised from %d", len(section.GetEntries()), section.GetSummarisedFrom())
		}
	}
}

// shortened says in what an entry is more than a summary shows.
func shortened(section string, e *recordv1.Entry) string {
	if e.GetValue() != "" || e.GetAuthor() != "" || len(e.GetReactions()) > 0 {
		return "an entry with a value, author or reaction"
	}
	switch section {
	case "medication":
		if e.GetStatus() == "completed" || e.GetStatus() == "stopped" {
			return "medication that is " + e.GetStatus()
		}
	case "history":
		if e.GetType() != "Condition" && e.GetType() != "Encounter" {
			return "a " + e.GetType()
		}
	case "safeguarding":
		if e.GetCode() != nil || e.GetContact() == "" {
			return "a flag that says more than that it exists and whom to call"
		}
	}
	return ""
}

// wordsOf are all words of a view about what it does not hold, which must not depend on the person.
func wordsOf(view *gatewayv1.RecordView) []string {
	words := map[string]bool{}
	for _, n := range view.GetRecord().GetNotIncluded() {
		words[fmt.Sprintf("%s|%s|%s", n.GetReason(), n.GetWhat(), n.GetText())] = true
	}
	for _, section := range view.GetRecord().GetSections() {
		if section.GetState() == "not_included" {
			words[section.GetSection()+"|"+section.GetText()] = true
		}
	}
	return slices.Sorted(maps.Keys(words))
}
