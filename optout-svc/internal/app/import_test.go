package app

import (
	"fmt"
	"testing"

	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"google.golang.org/protobuf/testing/protocmp"
)

const (
	taken    = optoutv1.RowOutcome_ROW_OUTCOME_TAKEN
	repeated = optoutv1.RowOutcome_ROW_OUTCOME_REPEATED
	faulty   = optoutv1.RowOutcome_ROW_OUTCOME_FAULTY
	differs  = optoutv1.RowOutcome_ROW_OUTCOME_DIFFERS
)

// row is a row of an older register.
func row(id string, p somebody) *optoutv1.RegisterRow {
	return &optoutv1.RegisterRow{
		RowId: id, Channel: optoutv1.Channel_CHANNEL_POST, Requester: optoutv1.Requester_REQUESTER_SELF, ReceivedOn: "2024-02-29", Evidence: "box 7",
		Person: &optoutv1.ClaimedPerson{NhsNumber: p.number, FamilyName: p.family, BirthDate: p.born, Postcode: p.postcode},
	}
}

// imports brings rows.
func (s *suite) imports(dryRun bool, rows ...*optoutv1.RegisterRow) []*optoutv1.RowResult {
	s.t.Helper()
	resp, err := s.importer().ImportCandidates(limit(s.t), &optoutv1.ImportCandidatesRequest{
		Register: "scr-2019", Rows: rows, DryRun: dryRun, Event: event("opt_out.import"),
	})
	if err != nil {
		s.t.Fatalf("import: %v", err)
	}
	return resp.GetResults()
}

// wantRowOutcomes fails unless the rows ended so.
func wantRowOutcomes(t *testing.T, got []*optoutv1.RowResult, want ...optoutv1.RowOutcome) {
	t.Helper()
	var outcomes []optoutv1.RowOutcome
	for _, r := range got {
		outcomes = append(outcomes, r.GetOutcome())
		kept := r.GetOutcome() == repeated || r.GetOutcome() == differs
		if kept && (r.GetReference() == "" || r.GetOptOutId() == "") {
			t.Errorf("result %v", r)
		}
	}
	if diff := cmp.Diff(want, outcomes); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
}

// progress of the register.
func (s *suite) progress() *optoutv1.GetImportResponse {
	s.t.Helper()
	resp, err := s.importer().GetImport(limit(s.t), &optoutv1.GetImportRequest{Register: "scr-2019"})
	if err != nil {
		s.t.Fatal(err)
	}
	return resp
}

// signs signs a batch off.
func (s *suite) signs(ready, batch int32) (*optoutv1.SignOffImportResponse, error) {
	s.t.Helper()
	return s.importer().SignOffImport(limit(s.t), &optoutv1.SignOffImportRequest{
		RequestId: uuid.NewString(), Register: "scr-2019", Ready: ready, Limit: batch, Note: "checked against the paper register",
		Event: event("opt_out.import.sign_off"),
	})
}

// folk are people whom identity-svc knows.
func folk(n int) []somebody {
	var all []somebody
	for i, number := range []string{"9990000018", "9990000026", "9990000034", "9990000042", "9990000050", "9990000069", "9990000077", "9990000085"}[:n] {
		all = append(all, somebody{number: number, family: fmt.Sprintf("Farmer%c", 'A'+i), born: "1970-01-02", postcode: "DT1 1XJ", address: []string{"x"}})
	}
	return all
}

// TestImport: rows become candidates, each whole and once however often they are sent; none takes effect by itself
// (leaflet L10); a dry run writes nothing but that it was made.
func TestImport(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	people := folk(3)
	for _, p := range people {
		s.people.enter(p)
	}
	bad := row("4", people[0])
	bad.Person.BirthDate = "2999-01-01"
	wrong := row("5", people[0])
	wrong.Person.NhsNumber = "9990000019"
	rows := []*optoutv1.RegisterRow{row("1", people[0]), row("2", people[1]), row("3", somebody{family: "Nobody", born: "1990-01-01"}), bad, wrong}
	dry := s.imports(true, rows...)
	wantRowOutcomes(t, dry, taken, taken, taken, faulty, faulty)
	if dry[3].GetReason() != "DATE_IN_THE_FUTURE" || dry[3].GetField() != "person.birth_date" || dry[4].GetReason() != "INVALID_NHS_NUMBER" {
		t.Errorf("faults %v, %v", dry[3], dry[4])
	}
	s.wantRows("opt_out", 0)
	_, err := s.importer().GetImport(limit(t), &optoutv1.GetImportRequest{Register: "scr-2019"})
	wantReason(t, err, "IMPORT_NOT_FOUND")

	wantRowOutcomes(t, s.imports(false, rows[:2]...), taken, taken)
	changed := row("2", people[2])
	wantRowOutcomes(t, s.imports(false, rows[0], changed, rows[2], bad), repeated, differs, taken, faulty)
	s.await("compared", func() bool { return s.progress().GetReady() == 2 })
	if p := s.progress(); p.GetCandidates() != 3 || p.GetWaiting() != 1 || p.GetEffective() != 0 {
		t.Errorf("progress %v", p)
	}
	s.wantRows("choice", 0)
	for _, p := range people {
		s.wantChoice(p.number, 0, false)
	}
	candidate := s.byReference(s.imports(false, rows[0])[0].GetReference())
	s.wantState(candidate, needsEvidence, waitsSignOff)
	if candidate.GetImported().GetRegister() != "scr-2019" || candidate.GetImported().GetRowId() != "1" || candidate.GetReceivedAt().AsTime().Year() != 2024 {
		t.Errorf("candidate %v", candidate)
	}
	accounted := map[string]int{}
	for _, e := range s.audit.taken() {
		accounted[e.GetAction()]++
	}
	if accounted["opt_out.import"] != 4 || accounted["opt_out.import.candidate"] != 3 {
		t.Errorf("events %v", accounted)
	}
}

// TestSignOff: a privacy officer confirms candidates one by one or as a batch of which they have seen the number;
// what cannot take effect does not hinder the others, and the same call again is the same batch.
func TestSignOff(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	people := folk(5)
	var rows []*optoutv1.RegisterRow
	for i, p := range people {
		s.people.enter(p)
		rows = append(rows, row(fmt.Sprint(i), p))
	}
	s.mustRegister(&optoutv1.RegisterOptOutRequest{ // one of them has opted out meanwhile
		RequestId: uuid.NewString(), NhsNumber: people[1].number, Channel: optoutv1.Channel_CHANNEL_TELEPHONE, Evidence: "call",
		Requester: optoutv1.Requester_REQUESTER_SELF, Event: event("opt_out.register"),
		Claimed: &optoutv1.ClaimedPerson{FamilyName: people[1].family, BirthDate: people[1].born},
	})
	first := s.imports(false, rows...)[0]
	s.await("compared", func() bool { return s.progress().GetReady() == 5 })
	if one, err := s.makes(first.GetOptOutId()); err != nil || one.GetRequestState() != effective {
		t.Fatalf("one: %v, %v", one, err)
	}
	_, err := s.signs(5, 0)
	wantReason(t, err, "IMPORT_CHANGED")
	got, err := s.signs(4, 2)
	if err != nil || got.GetEffective() != 1 || got.GetDuplicates() != 1 || got.GetLeft() != 2 {
		t.Errorf("first batch %v, %v", got, err)
	}
	req := &optoutv1.SignOffImportRequest{
		RequestId: uuid.NewString(), Register: "scr-2019", Ready: 2, Note: "the rest", Event: event("opt_out.import.sign_off"),
	}
	var answers []*optoutv1.SignOffImportResponse
	for range 2 {
		got, err := s.importer().SignOffImport(limit(t), req)
		if err != nil {
			t.Fatal(err)
		}
		answers = append(answers, got)
		req.Event = event("opt_out.import.sign_off")
	}
	if diff := cmp.Diff(answers[0], answers[1], protocmp.Transform()); diff != "" || answers[0].GetEffective() != 2 || answers[0].GetLeft() != 0 {
		t.Errorf("answers %v (-first +again):\n%s", answers[0], diff)
	}
	for _, p := range people {
		s.wantChoice(p.number, 1, true)
	}
	if p := s.progress(); p.GetEffective() != 4 || p.GetEnded() != 1 || p.GetReady() != 0 {
		t.Errorf("progress %v", p)
	}
	var numbers []string
	after := ""
	for {
		page, err := s.importer().ExportOptOuts(limit(t), &optoutv1.ExportOptOutsRequest{PageSize: 2, AfterNhsNumber: after})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.GetRows() {
			numbers = append(numbers, r.GetPerson().GetNhsNumber())
			if r.GetPerson().GetFamilyName() == "" || r.GetReceivedOn() == "" || r.GetRowId() == "" || r.GetChannel() == 0 {
				t.Errorf("exported %v", r)
			}
		}
		if after = page.GetNextAfterNhsNumber(); after == "" {
			break
		}
	}
	if len(numbers) != 5 {
		t.Errorf("exported %v", numbers)
	}
}
