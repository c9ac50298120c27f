package service_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/testing/protocmp"

	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
)

const (
	sister = "9990008744"
	gone   = "9990000018"
)

// meant are people who can be told apart or not: somebody, a restricted sister who shares the birth date and lives
// elsewhere, and a number that was merged into somebody's.
func meant(t *testing.T) *house {
	t.Helper()
	h := open(t)
	h.county()
	first := h.message(hospital, 1)
	first.Patient.Deceased = true
	first.Contact = &identityv1.FeedContact{Mobiles: []string{"07700 900123"}, Emails: []string{"zoe@example.org"}}
	h.send(first)
	second := h.message(hospital, 1)
	second.NhsNumber, second.Patient = sister, somebody(sister)
	second.Patient.FamilyName, second.Patient.GivenNames = "Smith-Jones", []string{"Mary"}
	second.Patient.Restricted, second.Patient.Postcode = true, "DT1 1XJ"
	h.send(second)
	h.exec("INSERT INTO patient (nhs_number, family_name, birth_date, updated_at, superseded_by) VALUES ($1, 'Maiden', '1957-03-09', now(), $2)", gone, person)
	h.exec("INSERT INTO patient (nhs_number, family_name, birth_date, updated_at, invalidated) VALUES ($1, 'O''Brien', '1957-03-09', now(), true)", other)
	return h
}

// TestMatchPerson: through the wire, on the database; the rules have a table of their own.
func TestMatchPerson(t *testing.T) {
	t.Parallel()
	h := meant(t)
	const born, home = "1957-03-09", "bh151aa"
	sure := func(change func(*identityv1.MatchPersonResponse)) *identityv1.MatchPersonResponse {
		r := &identityv1.MatchPersonResponse{Outcome: identityv1.MatchOutcome_MATCH_OUTCOME_SURE, NhsNumber: person, Deceased: true}
		change(r)
		return r
	}
	as := func(*identityv1.MatchPersonResponse) {}
	only := func(o identityv1.MatchOutcome) *identityv1.MatchPersonResponse {
		return &identityv1.MatchPersonResponse{Outcome: o}
	}
	for name, c := range map[string]struct {
		req  *identityv1.MatchPersonRequest
		want *identityv1.MatchPersonResponse
	}{
		"number, name, birth date":   {&identityv1.MatchPersonRequest{NhsNumber: person, FamilyName: "OBRIEN", BirthDate: born}, sure(as)},
		"name, birth date, postcode": {&identityv1.MatchPersonRequest{FamilyName: "o'brien", BirthDate: born, Postcode: home}, sure(as)},
		"a superseded number": {&identityv1.MatchPersonRequest{NhsNumber: gone, FamilyName: "O'Brien", BirthDate: born},
			sure(func(r *identityv1.MatchPersonResponse) { r.Superseded = true })},
		"a superseded number, the name that went with it": {&identityv1.MatchPersonRequest{NhsNumber: gone, FamilyName: "Maiden", BirthDate: born},
			only(identityv1.MatchOutcome_MATCH_OUTCOME_CONTRADICTORY)},
		"a restricted person by number": {&identityv1.MatchPersonRequest{NhsNumber: sister, FamilyName: "Smith Jones", BirthDate: born, Postcode: "SN1 1AA"},
			sure(func(r *identityv1.MatchPersonResponse) { r.NhsNumber, r.Deceased, r.Restricted = sister, false, true })},
		"a restricted person by place": {&identityv1.MatchPersonRequest{FamilyName: "Smith-Jones", BirthDate: born, Postcode: "DT1 1XJ"},
			only(identityv1.MatchOutcome_MATCH_OUTCOME_POSSIBLE)},
		"an invalidated number": {&identityv1.MatchPersonRequest{NhsNumber: other, FamilyName: "O'Brien", BirthDate: born},
			only(identityv1.MatchOutcome_MATCH_OUTCOME_NONE)},
		"an invalidated number, and her home": {&identityv1.MatchPersonRequest{NhsNumber: other, FamilyName: "O'Brien", BirthDate: born, Postcode: home},
			only(identityv1.MatchOutcome_MATCH_OUTCOME_CONTRADICTORY)},
		"number of someone else": {&identityv1.MatchPersonRequest{NhsNumber: sister, FamilyName: "O'Brien", BirthDate: born, Postcode: home},
			only(identityv1.MatchOutcome_MATCH_OUTCOME_CONTRADICTORY)},
		"name and birth date": {&identityv1.MatchPersonRequest{FamilyName: "O'Brien", BirthDate: born},
			only(identityv1.MatchOutcome_MATCH_OUTCOME_POSSIBLE)},
		"another birth date": {&identityv1.MatchPersonRequest{FamilyName: "O'Brien", BirthDate: "1957-03-08", Postcode: home},
			only(identityv1.MatchOutcome_MATCH_OUTCOME_NONE)},
	} {
		got, err := h.asOptOut().MatchPerson(t.Context(), c.req)
		if diff := cmp.Diff(c.want, got, protocmp.Transform()); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got)\n%s", name, err, diff)
		}
	}
	for _, c := range []struct {
		req    *identityv1.MatchPersonRequest
		reason string
	}{
		{&identityv1.MatchPersonRequest{NhsNumber: "9990000019", FamilyName: "A", BirthDate: born}, "INVALID_NHS_NUMBER"},
		{&identityv1.MatchPersonRequest{FamilyName: "-'", BirthDate: born}, "INVALID_ARGUMENT"},
		{&identityv1.MatchPersonRequest{FamilyName: "A", BirthDate: "1957-02-29"}, "INVALID_ARGUMENT"},
		{&identityv1.MatchPersonRequest{NhsNumber: person}, "INVALID_ARGUMENT"},
	} {
		_, err := h.asOptOut().MatchPerson(t.Context(), c.req)
		wants(t, err, codes.InvalidArgument, c.reason)
	}
}

// TestContactDetails: as the newest feed brought them, of the number in force, for optout-svc alone.
func TestContactDetails(t *testing.T) {
	t.Parallel()
	h := meant(t)
	want := &identityv1.GetContactDetailsResponse{
		NhsNumber: person, Name: "Zoë Anne O\u2019Brièn", AddressLines: []string{"1 High Street"}, Postcode: "BH15 1AA",
		Mobiles: []string{"07700 900123"}, Emails: []string{"zoe@example.org"}, Deceased: true,
	}
	for _, number := range []string{person, gone} {
		got, err := h.asOptOut().GetContactDetails(t.Context(), &identityv1.GetContactDetailsRequest{NhsNumber: number})
		if diff := cmp.Diff(want, got, protocmp.Transform()); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got)\n%s", number, err, diff)
		}
	}
	older := h.message(hospital, 1)
	older.Contact = &identityv1.FeedContact{Mobiles: []string{"07700 900999"}}
	h.send(older)
	newer := h.message(hospital, 2)
	h.send(newer)
	got, err := h.asOptOut().GetContactDetails(t.Context(), &identityv1.GetContactDetailsRequest{NhsNumber: person})
	if err != nil || len(got.GetMobiles()) != 0 || len(got.GetEmails()) != 0 {
		t.Errorf("after a feed that names none: %v, %v", got, err)
	}
	_, err = h.asOptOut().GetContactDetails(t.Context(), &identityv1.GetContactDetailsRequest{NhsNumber: other})
	wants(t, err, codes.NotFound, "PATIENT_NOT_FOUND")
	// The gateway is not told where to send codes, nor whom a request means.
	_, err = h.matchingAs("gateway").GetContactDetails(t.Context(), &identityv1.GetContactDetailsRequest{NhsNumber: person})
	wants(t, err, codes.PermissionDenied, "CALLER_NOT_ALLOWED")
}

// matchingAs is the service as a process with that certificate reaches it.
func (h *house) matchingAs(caller string) identityv1.MatchServiceClient {
	return identityv1.NewMatchServiceClient(h.dial(caller))
}

func (h *house) asOptOut() identityv1.MatchServiceClient { return h.matchingAs("optout-svc") }
