package app

import (
	"slices"
	"testing"

	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	cleared = optoutv1.NewPersonVerdict_NEW_PERSON_VERDICT_CLEAR
	held    = optoutv1.NewPersonVerdict_NEW_PERSON_VERDICT_HELD
)

func (s *suite) newPersonReview() optoutv1.NewPersonReviewServiceClient {
	return optoutv1.NewNewPersonReviewServiceClient(s.dial(gateway))
}

// newPerson is somebody as record-svc describes them.
func newPerson(p somebody) *optoutv1.NewPerson {
	return &optoutv1.NewPerson{NhsNumber: p.number, FamilyName: p.family, BirthDate: p.born, Postcode: p.postcode}
}

// checks asks about people as record-svc does.
func (s *suite) checks(people ...*optoutv1.NewPerson) []optoutv1.NewPersonVerdict {
	s.t.Helper()
	resp, err := optoutv1.NewNewPersonServiceClient(s.dial(recordSvc)).CheckNewPersons(limit(s.t), &optoutv1.CheckNewPersonsRequest{People: people})
	if err != nil {
		s.t.Fatalf("check: %v", err)
	}
	return resp.GetVerdicts()
}

func (s *suite) wantVerdicts(got []optoutv1.NewPersonVerdict, want ...optoutv1.NewPersonVerdict) {
	s.t.Helper()
	if !slices.Equal(got, want) {
		s.t.Errorf("verdicts %v, want %v", got, want)
	}
}

// wantHeld fails unless these people are in the privacy officer's queue, page by page.
func (s *suite) wantHeld(want ...string) {
	s.t.Helper()
	var got []string
	for after := ""; ; {
		resp, err := s.newPersonReview().ListHeldPeople(limit(s.t), &optoutv1.ListHeldPeopleRequest{PageSize: 1, After: after})
		if err != nil {
			s.t.Fatal(err)
		}
		for _, p := range resp.GetHeldPeople() {
			if p.GetReference() == "" || p.GetOptOutId() == "" || p.GetNoticedAt() == nil || p.GetRequestState() == 0 {
				s.t.Errorf("held: %v", p)
			}
			got = append(got, p.GetNhsNumber())
		}
		if after = resp.GetNextAfter(); after == "" {
			break
		}
	}
	if !slices.Equal(got, want) {
		s.t.Errorf("held %v, want %v", got, want)
	}
}

// dismisses decides that a request does not mean a person.
func (s *suite) dismisses(id, nhsNumber string) error {
	s.t.Helper()
	_, err := s.newPersonReview().DismissHeldPerson(limit(s.t), &optoutv1.DismissHeldPersonRequest{
		RequestId: uuid.NewString(), NhsNumber: nhsNumber, OptOutId: id, Note: "another given name", Event: event("opt_out.dismiss_held"),
	})
	return err
}

// TestNewPeopleAreCompared: a person who is new is clear while nothing waits, and held while a request could mean
// them, which shows in the queue and is an event, once.
func TestNewPeopleAreCompared(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	s.wantVerdicts(s.checks(newPerson(mary())), cleared)
	req := form(mary())
	req.Claimed.FamilyName = "Aning" // a slip: no match would be sure
	s.submits(req)
	stranger := somebody{number: otherPerson, family: "Hardy", born: "1960-06-02", postcode: "DT2 8QJ"}
	for range 2 {
		s.wantVerdicts(s.checks(newPerson(stranger), newPerson(mary())), cleared, held)
	}
	young := newPerson(mary())
	young.BirthDate = "1999" // all that a feed knows
	s.wantVerdicts(s.checks(young), held)
	s.wantHeld(person)
	s.await("event", func() bool { return s.events("opt_out.hold_new_person") == 1 })
}

// events counts those of an action.
func (s *suite) events(action string) int {
	n := 0
	for _, e := range s.audit.taken() {
		if e.GetAction() == action {
			n++
		}
	}
	return n
}

// TestOfficerDismisses: the person opens when a privacy officer has decided about each request that could mean
// them; the request goes on waiting.
func TestOfficerDismisses(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	req := form(mary())
	req.Claimed.FamilyName = "Aning"
	first, second := s.submits(req), s.submits(form(mary()))
	s.wantVerdicts(s.checks(newPerson(mary())), held)
	s.wantHeld(person, person)
	if err := s.dismisses(first.GetId(), person); err != nil {
		t.Fatal(err)
	}
	s.wantVerdicts(s.checks(newPerson(mary())), held)
	if err := s.dismisses(second.GetId(), person); err != nil {
		t.Fatal(err)
	}
	s.wantVerdicts(s.checks(newPerson(mary())), cleared)
	s.wantHeld()
	wantReason(t, s.dismisses(second.GetId(), person), "HELD_PERSON_NOT_FOUND")
	wantReason(t, s.dismisses(uuid.NewString(), person), "HELD_PERSON_NOT_FOUND")
	s.wantState(s.get(first.GetId()), needsMatching, waitsMatch, waitsCode)
}

// TestNewPersonIsMatched: once the person is known a request that surely means them is matched without anybody's
// doing, and holds them until it is decided; then they are clear, and sealed if it took effect.
func TestNewPersonIsMatched(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	asked := s.submits(form(mary()))
	s.wantState(asked, needsMatching, waitsMatch, waitsCode)
	s.people.enter(mary()) // feeds made her known, before record-svc asks
	s.wantVerdicts(s.checks(newPerson(mary())), held)
	s.await("matched", func() bool { return s.get(asked.GetId()).GetNhsNumber() == person })
	s.wantVerdicts(s.checks(newPerson(mary())), held)
	s.wantHeld(person)
	if _, err := s.confirms(asked.GetReference(), s.code(asked.GetId())); err != nil {
		t.Fatal(err)
	}
	s.await("sealed", func() bool { return s.record.has(person) == kept{1, true} })
	s.wantVerdicts(s.checks(newPerson(mary())), cleared)
	s.wantHeld()
}

// TestMatchedToSomebodyElse: a request that an officer matched to one person holds no other.
func TestMatchedToSomebodyElse(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	asked := s.submits(form(mary()))
	s.wantVerdicts(s.checks(newPerson(mary())), held)
	if _, err := s.matches(asked.GetId(), otherPerson, "seen in the register"); err != nil {
		t.Fatal(err)
	}
	s.wantVerdicts(s.checks(newPerson(mary())), cleared)
	other := mary()
	other.number = otherPerson
	s.wantVerdicts(s.checks(newPerson(other)), held)
	s.wantHeld(otherPerson)
}

// TestRequestsToBeBackInHoldNobody: whoever wants to be in has nothing hidden from them.
func TestRequestsToBeBackInHoldNobody(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	req := form(mary())
	req.Choice = optoutv1.Choice_CHOICE_IN
	s.submits(req)
	s.wantVerdicts(s.checks(newPerson(mary())), cleared)
}

// TestCheckIsForRecordAlone: and for real numbers.
func TestCheckIsForRecordAlone(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	for _, caller := range []string{gateway, identitySvc, "dcrctl"} {
		_, err := optoutv1.NewNewPersonServiceClient(s.dial(caller)).CheckNewPersons(limit(t), &optoutv1.CheckNewPersonsRequest{
			People: []*optoutv1.NewPerson{newPerson(mary())},
		})
		if status.Code(err) != codes.PermissionDenied {
			t.Errorf("%s: %v", caller, err)
		}
	}
	_, err := optoutv1.NewNewPersonServiceClient(s.dial(recordSvc)).CheckNewPersons(limit(t), &optoutv1.CheckNewPersonsRequest{
		People: []*optoutv1.NewPerson{{NhsNumber: "9990000019"}},
	})
	wantReason(t, err, "INVALID_NHS_NUMBER")
}

// TestChecksUseIndexes looks at the plan over many requests and claims: an import asks for everybody.
func TestChecksUseIndexes(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	for _, text := range []string{
		`INSERT INTO opt_out (id, reference, sealed, state, channel, evidence, requester, received_at, registered_at, event_id)
		 SELECT gen_random_uuid(), 'r' || i, true, 'needs_matching', 1, 'e', 1, now(), now(), gen_random_uuid() FROM generate_series(1, 20000) i`,
		`INSERT INTO claim (opt_out_id, nhs_number, family_name, family_key, given_names, birth_date, postcode, requester_family_name,
		                    requester_given_names, requester_birth_date, relation, authority)
		 SELECT id, '', 'A', 'a', '', to_char(date '1950-01-01' + substr(reference, 2)::int, 'YYYY-MM-DD'), '', '', '', '', '', '' FROM opt_out`,
		`ANALYZE`,
	} {
		if _, err := s.db.Owner.ExecContext(limit(t), text); err != nil {
			t.Fatal(err)
		}
	}
	s.wantVerdicts(s.checks(newPerson(mary())), cleared)
	var scanned int
	const rows = `SELECT coalesce(sum(seq_tup_read), 0) FROM pg_stat_user_tables WHERE relname IN ('claim', 'opt_out')`
	if err := s.db.Owner.GetContext(limit(t), &scanned, rows); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		s.wantVerdicts(s.checks(newPerson(mary())), cleared)
	}
	var after int
	s.await("counted", func() bool { return s.db.Owner.Get(&after, rows) == nil && after >= scanned })
	if read := after - scanned; read > 20000 {
		t.Errorf("20 checks read %d rows by reading whole tables", read)
	}
}
