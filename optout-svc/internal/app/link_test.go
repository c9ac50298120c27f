package app

import (
	"slices"
	"sync"
	"testing"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dorsetcarerecord/dcr/internal/fault"
)

// thirdPerson is another number of the test range.
const thirdPerson = "9990000034"

func (s *suite) linker() optoutv1.LinkServiceClient {
	return optoutv1.NewLinkServiceClient(s.dial(identitySvc))
}
func (s *suite) unlinkReview() optoutv1.UnlinkReviewServiceClient {
	return optoutv1.NewUnlinkReviewServiceClient(s.dial(gateway))
}

// link links two numbers under an id, and gives what is answered.
func (s *suite) link(id, a, b string) *optoutv1.LinkNumbersResponse {
	s.t.Helper()
	resp, err := s.linker().LinkNumbers(limit(s.t), &optoutv1.LinkNumbersRequest{LinkId: id, NhsNumber: a, OtherNhsNumber: b, Actor: admin()})
	if err != nil {
		s.t.Fatalf("link: %v", err)
	}
	return resp
}

func (s *suite) unlink(id, a, b string) *optoutv1.UnlinkNumbersResponse {
	s.t.Helper()
	resp, err := s.linker().UnlinkNumbers(limit(s.t), &optoutv1.UnlinkNumbersRequest{LinkId: id, NhsNumber: a, OtherNhsNumber: b, Actor: admin()})
	if err != nil {
		s.t.Fatalf("unlink: %v", err)
	}
	return resp
}

// admin is who asks for merges.
func admin() *auditv1.Actor {
	return &auditv1.Actor{Kind: auditv1.ActorKind_ACTOR_KIND_STAFF, StaffId: "administrator-1", RoleCode: "DCR-ADMIN", OdsCode: "QVV"}
}

// decideUnlinked decides as a privacy officer.
func (s *suite) decideUnlinked(number string, sealed bool) (*optoutv1.DecideUnlinkedPersonResponse, error) {
	s.t.Helper()
	return s.unlinkReview().DecideUnlinkedPerson(limit(s.t), &optoutv1.DecideUnlinkedPersonRequest{
		RequestId: uuid.NewString(), NhsNumber: number, Sealed: sealed, Note: "asked by telephone", Event: event("opt_out.decide_unlinked"),
	})
}

// wantKept fails unless record-svc keeps that choice.
func (s *suite) wantKept(nhsNumber string, want kept) {
	s.t.Helper()
	if got := s.record.has(nhsNumber); got != want {
		s.t.Errorf("record-svc keeps %+v of %s, want %+v", got, nhsNumber, want)
	}
}

// TestLinkSealsTheStricter: whichever of two numbers is out, both are when they are linked, in record-svc too before
// the answer says so, and each as an event of its own; where neither is out nothing changes.
func TestLinkSealsTheStricter(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	s.mustRegister(optOut(person))
	for _, names := range [][2]string{{otherPerson, person}, {person, thirdPerson}} {
		if got := s.link(uuid.NewString(), names[0], names[1]); !got.GetSealed() || !got.GetInEffect() {
			t.Errorf("linked: %v", got)
		}
	}
	for _, number := range []string{person, otherPerson, thirdPerson} {
		s.wantChoice(number, 1, true)
		s.wantKept(number, kept{1, true})
	}
	s.await("events", func() bool { return len(s.audit.taken()) == 3 })
	about := map[string]int{}
	for _, e := range s.audit.taken() {
		about[e.GetAction()+" "+e.GetNhsNumber()+" "+e.GetActor().GetStaffId()]++
	}
	if about["opt_out.link "+otherPerson+" administrator-1"] != 1 || about["opt_out.link "+thirdPerson+" administrator-1"] != 1 {
		t.Errorf("events %v", about)
	}
	open := newSuite(t)
	if got := open.link(uuid.NewString(), person, otherPerson); got.GetSealed() || !got.GetInEffect() {
		t.Errorf("linked, and nobody is out: %v", got)
	}
	open.wantChoice(person, 0, false)
	open.wantChoice(otherPerson, 0, false)
}

// TestChoicesBindBoth: out, in and reversed under either of two numbers is so under both; the second one out is a
// duplicate.
func TestChoicesBindBoth(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	s.link(uuid.NewString(), person, otherPerson)
	first := s.mustRegister(optOut(otherPerson))
	s.wantChoice(person, 1, true)
	s.wantChoice(otherPerson, 1, true)
	_, err := s.writer().RegisterOptOut(limit(t), optOut(person))
	wantReason(t, err, "ALREADY_OPTED_OUT")
	if got := fault.FromStatus(err).Metadata["reference"]; got != first.GetReference() {
		t.Errorf("the duplicate names %q, want the first, %q", got, first.GetReference())
	}
	s.mustWithdraw(first.GetId())
	s.wantChoice(person, 2, false)
	s.wantChoice(otherPerson, 2, false)
	again := s.mustRegister(optOut(person))
	s.wantChoice(otherPerson, 3, true)
	if _, err := s.writer().ReverseOptOut(limit(t), &optoutv1.ReverseOptOutRequest{
		RequestId: uuid.NewString(), Id: again.GetId(), Note: "another person was meant", Event: event("opt_out.reverse"),
	}); err != nil {
		t.Fatalf("reverse: %v", err)
	}
	s.wantChoice(person, 4, false)
	s.wantChoice(otherPerson, 4, false)
	s.await("record-svc has both", func() bool {
		return s.record.has(person) == kept{4, false} && s.record.has(otherPerson) == kept{4, false}
	})
}

// TestUnlinkSealsBoth: an unlink seals both, whatever was chosen; each stays so until a privacy officer decides,
// and then on its own.
func TestUnlinkSealsBoth(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	id := uuid.NewString()
	s.link(id, person, otherPerson)
	if got := s.unlink(id, otherPerson, person); !got.GetInEffect() {
		t.Errorf("unlinked: %v", got)
	}
	for _, number := range []string{person, otherPerson} {
		s.wantChoice(number, 1, true)
		s.wantKept(number, kept{1, true})
	}
	s.wantUnlinked(person, otherPerson)
	opened, err := s.decideUnlinked(person, false)
	if err != nil || opened.GetSealed() || opened.GetChoiceNumber() != 2 {
		t.Errorf("opened: %v, %v", opened, err)
	}
	s.wantChoice(person, 2, false)
	s.wantChoice(otherPerson, 1, true)
	s.wantUnlinked(otherPerson)
	// The same messages again, late and in any order, change nothing that was decided.
	s.unlink(id, person, otherPerson)
	s.link(id, person, otherPerson)
	s.wantChoice(person, 2, false)
	s.wantChoice(otherPerson, 1, true)
	if stays, err := s.decideUnlinked(otherPerson, true); err != nil || !stays.GetSealed() || stays.GetChoiceNumber() != 1 {
		t.Errorf("stays sealed: %v, %v", stays, err)
	}
	s.wantUnlinked()
	_, err = s.decideUnlinked(otherPerson, false)
	wantReason(t, err, "NOTHING_TO_DECIDE")
	s.wantChoice(otherPerson, 1, true)
}

// wantUnlinked fails unless these are the people about whom nothing is decided, page by page.
func (s *suite) wantUnlinked(want ...string) {
	s.t.Helper()
	var got []string
	for after := ""; ; {
		resp, err := s.unlinkReview().ListUnlinkedPeople(limit(s.t), &optoutv1.ListUnlinkedPeopleRequest{PageSize: 1, After: after})
		if err != nil {
			s.t.Fatal(err)
		}
		for _, p := range resp.GetPeople() {
			got = append(got, p.GetNhsNumber())
		}
		if after = resp.GetNextAfter(); after == "" {
			break
		}
	}
	if !slices.Equal(got, want) {
		s.t.Errorf("undecided: %v, want %v", got, want)
	}
}

// TestNobodyOpensWhatIsUndecided: a person's own request to be back in, confirmed with the code, waits for a privacy
// officer while it is undecided who chose what; the officer who makes it effective has decided.
func TestNobodyOpensWhatIsUndecided(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	s.people.enter(mary())
	id := uuid.NewString()
	s.link(id, person, otherPerson)
	s.unlink(id, person, otherPerson)
	req := form(mary())
	req.Choice = optoutv1.Choice_CHOICE_IN
	asked := s.submits(req)
	if _, err := s.confirms(asked.GetReference(), s.code(asked.GetId())); err != nil {
		t.Fatal(err)
	}
	s.await("gone on with", func() bool {
		var waiting int
		err := s.db.Owner.Get(&waiting, "SELECT count(*) FROM outbox WHERE topic = 'opt_out.proceed'")
		return err == nil && waiting == 0
	})
	s.wantChoice(person, 1, true)
	if _, err := s.makes(asked.GetId()); err != nil {
		t.Fatalf("make effective: %v", err)
	}
	s.wantChoice(person, 2, false)
	s.wantUnlinked(otherPerson)
}

// TestUnlinkThatOvertakes: an unlink that comes before its link counts, and the link that comes after it does not.
func TestUnlinkThatOvertakes(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	id := uuid.NewString()
	s.unlink(id, person, otherPerson)
	s.wantChoice(person, 1, true)
	s.wantChoice(otherPerson, 1, true)
	s.link(id, person, otherPerson)
	if _, err := s.decideUnlinked(person, false); err != nil {
		t.Fatal(err)
	}
	s.wantChoice(person, 2, false)
	s.wantChoice(otherPerson, 1, true)
}

// TestLinkWithoutRecord: while record-svc is down a link is answered, and not as in effect; the access decision
// follows it at once.
func TestLinkWithoutRecord(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	s.mustRegister(optOut(person))
	s.record.set(down)
	id := uuid.NewString()
	if got := s.link(id, person, otherPerson); !got.GetSealed() || got.GetInEffect() {
		t.Errorf("linked: %v", got)
	}
	s.wantChoice(otherPerson, 1, true)
	s.record.set(well)
	s.await("in effect", func() bool { return s.link(id, person, otherPerson).GetInEffect() })
	s.wantKept(otherPerson, kept{1, true})
}

// TestLinksRefused: what cannot be linked, and who may not.
func TestLinksRefused(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	id := uuid.NewString()
	s.link(id, person, otherPerson)
	for reason, two := range map[string][2]string{
		"SAME_NUMBER": {person, person}, "INVALID_NHS_NUMBER": {person, "9990000019"}, "LINK_REUSED": {person, thirdPerson},
	} {
		_, err := s.linker().LinkNumbers(limit(t), &optoutv1.LinkNumbersRequest{LinkId: id, NhsNumber: two[0], OtherNhsNumber: two[1], Actor: admin()})
		wantReason(t, err, reason)
		_, err = s.linker().UnlinkNumbers(limit(t), &optoutv1.UnlinkNumbersRequest{LinkId: id, NhsNumber: two[0], OtherNhsNumber: two[1], Actor: admin()})
		wantReason(t, err, reason)
	}
	for _, caller := range []string{gateway, recordSvc, "dcrctl"} {
		_, err := optoutv1.NewLinkServiceClient(s.dial(caller)).LinkNumbers(limit(t), &optoutv1.LinkNumbersRequest{
			LinkId: uuid.NewString(), NhsNumber: person, OtherNhsNumber: thirdPerson, Actor: admin(),
		})
		if status.Code(err) != codes.PermissionDenied {
			t.Errorf("%s: %v", caller, err)
		}
	}
}

// TestLinkedFromManySides: two numbers choose out and in at the same time while they are linked and, by another link,
// linked again. Whatever wins, in the end both are sealed alike, here and in record-svc, and nobody waited for ever.
func TestLinkedFromManySides(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	writer, linker := s.writer(), s.linker()
	var all sync.WaitGroup
	for _, number := range []string{person, otherPerson} {
		for range 3 {
			all.Go(func() {
				for range 4 {
					resp, err := writer.RegisterOptOut(limit(t), optOut(number))
					if err != nil {
						wantReason(t, err, "ALREADY_OPTED_OUT")
						continue
					}
					// Somebody may have opted the other number back in, and this one with it.
					_, _ = writer.WithdrawOptOut(limit(t), optIn(resp.GetOptOut().GetId()))
				}
			})
		}
	}
	all.Go(func() {
		for _, names := range [][2]string{{person, otherPerson}, {otherPerson, thirdPerson}, {thirdPerson, person}} {
			if _, err := linker.LinkNumbers(limit(t), &optoutv1.LinkNumbersRequest{
				LinkId: uuid.NewString(), NhsNumber: names[0], OtherNhsNumber: names[1], Actor: admin(),
			}); err != nil {
				t.Errorf("link: %v", err)
			}
		}
	})
	all.Wait()
	sealed := map[string]bool{}
	for _, number := range []string{person, otherPerson, thirdPerson} {
		got, err := s.choices().GetChoice(limit(t), &optoutv1.GetChoiceRequest{NhsNumber: number})
		if err != nil {
			t.Fatal(err)
		}
		sealed[number] = got.GetSealed()
		s.await("record-svc has it", func() bool { return s.record.has(number) == kept{got.GetChoiceNumber(), got.GetSealed()} })
	}
	if sealed[person] != sealed[otherPerson] || sealed[person] != sealed[thirdPerson] {
		t.Errorf("linked, and sealed unlike: %v", sealed)
	}
}
