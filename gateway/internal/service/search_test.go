package service

import (
	"strings"
	"testing"
	"time"
	"unicode"

	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"

	"github.com/dorsetcarerecord/dcr/internal/fault"
	"github.com/dorsetcarerecord/dcr/internal/nhsnumber"
)

// FuzzSearch: whatever is asked, what goes on keeps the rules of PDS, and what does not names its field.
func FuzzSearch(f *testing.F) {
	f.Add("9990002673", "", "", "", "")
	f.Add("", "O'Brien*", "Ann", "1980-02-29", "female")
	f.Add("", "*", "", "1980-02-29", "")
	f.Add("1234567890", "x", "**", "yesterday", "f")
	f.Fuzz(func(t *testing.T, number, family, given, born, gender string) {
		got, err := search(&gatewayv1.SearchPatientsRequest{
			NhsNumber: number, FamilyName: family, GivenName: given, BirthDate: born, Gender: gender,
		})
		if err != nil {
			refused := fault.FromStatus(err)
			if refused.Kind != fault.KindInvalid || len(refused.Fields) == 0 || refused.Fields[0].Name == "" {
				t.Errorf("refused without a field: %v", err)
			}
			return
		}
		if got.GetNhsNumber() == "" && (got.GetFamilyName() == "" || got.GetBirthDate() == "") {
			t.Errorf("too little was enough: %v", got)
		}
		if n := got.GetNhsNumber(); n != "" {
			if parsed, err := nhsnumber.Parse(n); err != nil || string(parsed) != n {
				t.Errorf("a number that is none went on: %q", n)
			}
		}
		for _, name := range []string{got.GetFamilyName(), got.GetGivenName()} {
			if stem, wild := strings.CutSuffix(name, "*"); wild && len([]rune(stem)) < minPrefix || strings.Contains(stem, "*") ||
				strings.ContainsFunc(name, unicode.IsControl) {
				t.Errorf("a name that is too wide went on: %q", name)
			}
		}
		if _, err := time.Parse(time.DateOnly, got.GetBirthDate()); got.GetBirthDate() != "" && err != nil {
			t.Errorf("a date that is none went on: %q", got.GetBirthDate())
		}
	})
}

func TestAge(t *testing.T) {
	at := func(day string) time.Time {
		d, err := time.Parse(time.DateOnly, day)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	for _, row := range []struct {
		born, died, today string
		dead              bool
		want              int32
	}{
		{"1980-02-29", "", "2026-02-28", false, 45},
		{"1980-02-29", "", "2026-03-01", false, 46},
		{"1980-06-15", "", "2026-06-14", false, 45},
		{"1980-06-15", "", "2026-06-15", false, 46},
		{"1980-06-15", "2000-01-01", "2026-06-15", true, 19},
		{"1980-06-15", "", "2026-06-15", true, 0},
		{"", "", "2026-06-15", false, 0},
		{"2026-11-22", "", "2026-11-22", false, 0},
	} {
		person := &identityv1.Patient{BirthDate: row.born, Deceased: row.dead, DeceasedOn: row.died}
		if got := age(person, at(row.today)); got != row.want {
			t.Errorf("%+v: %d", row, got)
		}
	}
}

func TestRequestIDs(t *testing.T) {
	const id = "7f0d6a52-2f0e-4f39-9d0a-0f6c2b1f3f11"
	if got, err := requestID(strings.ToUpper(id)); err != nil || got != id {
		t.Errorf("%q, %v", got, err)
	}
	for _, bad := range []string{"", "1", "{" + id + "}", "urn:uuid:" + id, strings.ReplaceAll(id, "-", ""), "00000000-0000-0000-0000-000000000000"} {
		if _, err := requestID(bad); fault.ReasonOf(err) != ReasonRequestID {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// TestHandlersOutsideThePipelineAnswerNothing: reached some other way, they fail before they ask anybody.
func TestHandlersOutsideThePipelineAnswerNothing(t *testing.T) {
	d := &desk{now: time.Now}
	for name, err := range map[string]error{
		"record":  second((&record{desk: d}).GetRecord(t.Context(), &gatewayv1.GetRecordRequest{})),
		"entries": second((&record{desk: d}).ListEntries(t.Context(), &gatewayv1.ListEntriesRequest{})),
		"entry":   second((&record{desk: d}).GetEntry(t.Context(), &gatewayv1.GetEntryRequest{})),
		"banner":  second((&patient{desk: d}).GetPatient(t.Context(), &gatewayv1.GetPatientRequest{})),
		"search":  second((&patient{desk: d}).SearchPatients(t.Context(), &gatewayv1.SearchPatientsRequest{})),
		"explain": second((&patient{desk: d}).ExplainAccess(t.Context(), &gatewayv1.ExplainAccessRequest{})),
		"bundle":  second((&fhir{desk: d}).SubmitBundle(t.Context(), &gatewayv1.SubmitBundleRequest{})),
		"audit":   second((&audit{desk: d}).ListEvents(t.Context(), &gatewayv1.ListEventsRequest{})),
		"staff":   second((&staff{desk: d}).GetStaff(t.Context(), &gatewayv1.GetStaffRequest{})),
		"opt-out": second((&optOut{desk: d}).GetOptOut(t.Context(), &gatewayv1.GetOptOutRequest{})),
	} {
		if fault.ReasonOf(err) != fault.ReasonInternal {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }
