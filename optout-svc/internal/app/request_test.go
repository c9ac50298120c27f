package app

import (
	"slices"
	"testing"

	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
	"github.com/google/uuid"
)

const (
	received      = optoutv1.RequestState_REQUEST_STATE_RECEIVED
	needsMatching = optoutv1.RequestState_REQUEST_STATE_NEEDS_MATCHING
	needsEvidence = optoutv1.RequestState_REQUEST_STATE_NEEDS_EVIDENCE
	ready         = optoutv1.RequestState_REQUEST_STATE_READY
	effective     = optoutv1.RequestState_REQUEST_STATE_EFFECTIVE
	refused       = optoutv1.RequestState_REQUEST_STATE_REFUSED
	withdrawn     = optoutv1.RequestState_REQUEST_STATE_WITHDRAWN
	reversed      = optoutv1.RequestState_REQUEST_STATE_REVERSED

	waitsMatch        = optoutv1.Waiting_WAITING_MATCH
	waitsCode         = optoutv1.Waiting_WAITING_CONFIRMATION
	waitsEvidence     = optoutv1.Waiting_WAITING_EVIDENCE
	waitsSafeguarding = optoutv1.Waiting_WAITING_SAFEGUARDING
	waitsSignOff      = optoutv1.Waiting_WAITING_SIGN_OFF
)

// TestLifeOfARegisteredRequest: every step of an officer's registration is in its history, with who took it and
// under which policy; held back, it is received and nothing more.
func TestLifeOfARegisteredRequest(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	s.people.enter(mary())
	done := s.get(s.mustRegister(optOut(person)).GetId())
	s.wantState(done, effective)
	wantHistory(t, done, "submit", "match", "make_effective", "sealed")
	if by := done.GetSteps()[0].GetBy(); by.GetStaffId() != "privacy-officer-1" || by.GetRoleCode() != "R0001" {
		t.Errorf("submitted by %v", by)
	}
	if e := done.GetEvidenceItems(); len(e) != 1 || e[0].GetKind() != "statement" || e[0].GetNote() != "call 4711" {
		t.Errorf("evidence %v", e)
	}
	if c := done.GetPersonChoices(); len(c) != 1 || c[0].GetOptOutId() != done.GetId() || c[0].GetCause() != "request" || c[0].GetConfirmedAt() == nil {
		t.Errorf("choices %v", c)
	}

	held := optOut(otherPerson)
	held.Hold = true
	got := s.mustRegister(held)
	s.wantState(got, needsEvidence, waitsEvidence)
	if !slices.Equal(got.GetMissingEvidence(), []string{"call_reference", "identity_questions", "taken_by"}) {
		t.Errorf("missing %v", got.GetMissingEvidence())
	}
	_, err := s.makes(got.GetId())
	wantReason(t, err, "EVIDENCE_NEEDED")
	s.wantChoice(otherPerson, 0, false)
	s.wantState(s.records(got.GetId(), proofs()[:2]...), needsEvidence, waitsEvidence)
	s.wantState(s.records(got.GetId(), proofs()[2]), ready)
	made, err := s.makes(got.GetId())
	if err != nil {
		t.Fatal(err)
	}
	s.wantState(made, effective)
	s.wantChoice(otherPerson, 1, true)
}

// TestContradictedRegistration: a number whose person is somebody else is refused, and nothing is kept.
func TestContradictedRegistration(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	s.people.enter(somebody{number: person, family: "Hardy", born: "1960-06-02", postcode: "DT2 8QJ"})
	_, err := s.writer().RegisterOptOut(limit(t), optOut(person))
	wantReason(t, err, "IDENTITY_MISMATCH")
	s.people.set(down)
	_, err = s.writer().RegisterOptOut(limit(t), optOut(otherPerson))
	wantReason(t, err, "FACTS_UNAVAILABLE")
	s.wantChoice(person, 0, false)
	s.wantChoice(otherPerson, 0, false)
	s.wantRows("opt_out", 0)
	s.wantRows("step", 0)
}

// wantRows fails unless a table has so many rows.
func (s *suite) wantRows(table string, want int) {
	s.t.Helper()
	var n int
	if err := s.db.Owner.Get(&n, "SELECT count(*) FROM "+table); err != nil || n != want {
		s.t.Errorf("%s has %d rows (%v), want %d", table, n, err, want)
	}
}

// TestNothingTakesEffectOnAGuess: whatever identity-svc answers but a sure match leaves a request in the privacy
// officer's queue, whole, with the outcome as the reason.
func TestNothingTakesEffectOnAGuess(t *testing.T) {
	t.Parallel()
	twin := mary()
	twin.number = otherPerson
	number := func(n string) func(*optoutv1.SubmitOptOutRequest) {
		return func(r *optoutv1.SubmitOptOutRequest) { r.Claimed.NhsNumber = n }
	}
	for name, c := range map[string]struct {
		known  []somebody
		change func(*optoutv1.SubmitOptOutRequest)
		reason string
	}{
		"nobody":        {nil, func(*optoutv1.SubmitOptOutRequest) {}, "none"},
		"several":       {[]somebody{mary(), twin}, func(*optoutv1.SubmitOptOutRequest) {}, "several"},
		"contradictory": {[]somebody{{number: person, family: "Hardy", born: "1960-06-02", postcode: "DT2 8QJ"}}, number(person), "contradictory"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSuite(t)
			for _, p := range c.known {
				s.people.enter(p)
			}
			req := form(mary())
			c.change(req)
			got := s.submits(req)
			s.wantState(got, needsMatching, waitsMatch, waitsCode)
			wantHistory(t, got, "submit", "no_match")
			if got.GetSteps()[1].GetReason() != c.reason || got.GetSteps()[1].GetActor() != "system" || got.GetClaimed().GetFamilyName() != "Anning" {
				t.Errorf("request %v", got)
			}
			_, err := s.makes(got.GetId())
			wantReason(t, err, "NOT_MATCHED")
			s.wantChoice(person, 0, false)
			s.wantRows("choice", 0)
			s.wantRows("letter", 0)
		})
	}
}

// TestUnansweredMatchWaits: while identity-svc does not answer a request stays received, and goes on by itself.
func TestUnansweredMatchWaits(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	s.people.enter(mary())
	s.people.set(down)
	got, err := s.public().SubmitOptOut(limit(t), form(mary()))
	if err != nil {
		t.Fatal(err)
	}
	s.await("asked", func() bool { return s.people.questions() > 1 })
	s.wantState(s.byReference(got.GetReference()), received, waitsMatch, waitsCode)
	s.people.set(well)
	s.await("matched", func() bool { return s.byReference(got.GetReference()).GetNhsNumber() == person })
}

// TestOfficerMatches: an officer says who is meant; a contradiction needs a reason; matching anew voids what was
// shown for the first match.
func TestOfficerMatches(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	known := somebody{number: person, family: "Hardy", born: "1960-06-02", postcode: "DT2 8QJ", address: []string{"x"}}
	s.people.enter(known)
	got := s.submits(form(mary()))
	_, err := s.matches(got.GetId(), person, "")
	wantReason(t, err, "IDENTITY_MISMATCH")
	_, err = s.matches(got.GetId(), "9990000019", "")
	wantReason(t, err, "INVALID_NHS_NUMBER")
	matched, err := s.matches(got.GetId(), person, "married name, seen in the register of marriages")
	if err != nil {
		t.Fatal(err)
	}
	s.wantState(matched, needsEvidence, waitsCode)
	if last := matched.GetSteps()[len(matched.GetSteps())-1]; last.GetNote() == "" || last.GetActor() != "privacy_officer" {
		t.Errorf("step %v", last)
	}
	s.code(got.GetId())
	s.wantState(s.records(got.GetId(), &optoutv1.EvidenceItem{Kind: "proof_of_name_and_address", Note: "passport, bill"}), ready)
	again, err := s.matches(got.GetId(), otherPerson, "")
	if err != nil {
		t.Fatal(err)
	}
	s.wantState(again, needsEvidence, waitsCode)
	if _, err := s.confirms(got.GetReference(), s.code(got.GetId())); err == nil {
		t.Error("a code that was sent to another person was accepted")
	}
	s.wantChoice(person, 0, false)
	s.wantChoice(otherPerson, 0, false)
}

// TestOnBehalfOfAnother: nobody's request for somebody else takes effect before a privacy officer has checked the
// evidence, by whatever channel and whatever the officer states.
func TestOnBehalfOfAnother(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	s.people.enter(child())
	got := s.mustRegister(parents(child()))
	s.wantState(got, needsEvidence, waitsEvidence)
	want := []string{"call_reference", "identity_questions", "taken_by", "birth_certificate", "proof_of_requester"}
	if !slices.Equal(got.GetMissingEvidence(), want) {
		t.Errorf("missing %v, want %v", got.GetMissingEvidence(), want)
	}
	_, err := s.makes(got.GetId())
	wantReason(t, err, "EVIDENCE_NEEDED")
	s.wantChoice(otherPerson, 0, false)
	half := s.records(got.GetId(), proofs()[:4]...)
	s.wantState(half, needsEvidence, waitsEvidence)
	_, err = s.makes(got.GetId())
	wantReason(t, err, "EVIDENCE_NEEDED")
	s.wantState(s.records(got.GetId(), proofs()[4]), ready)
	s.wantChoice(otherPerson, 0, false)
	if _, err := s.makes(got.GetId()); err != nil {
		t.Fatal(err)
	}
	s.wantChoice(otherPerson, 1, true)

	in := optIn(got.GetId())
	in.Requester, in.AskedBy = optoutv1.Requester_REQUESTER_PARENT, &optoutv1.RequesterDetails{FamilyName: "Cutler", BirthDate: bornYearsAgo(40)}
	back, err := s.writer().WithdrawOptOut(limit(t), in)
	if err != nil {
		t.Fatal(err)
	}
	s.wantState(back.GetOptOut(), needsEvidence, waitsEvidence)
	s.wantChoice(otherPerson, 1, true)
}

// TestOnlineOnBehalfOfAnother: the code is the person's; somebody else's form never takes effect by it.
func TestOnlineOnBehalfOfAnother(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	s.people.enter(child())
	req := form(child())
	req.Requester = optoutv1.Requester_REQUESTER_PARENT
	req.AskedBy = &optoutv1.RequesterDetails{FamilyName: "Cutler", GivenNames: "Ruth", BirthDate: bornYearsAgo(40)}
	got := s.submits(req)
	s.wantState(got, needsEvidence, waitsEvidence)
	_, err := s.makes(got.GetId())
	wantReason(t, err, "EVIDENCE_NEEDED")
	s.wantRows("code", 0)
	s.wantChoice(otherPerson, 0, false)
}

// TestWhoMayNotAsk: a claim that the policy or nature forbids is refused with its field, and nothing is kept.
func TestWhoMayNotAsk(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	for name, c := range map[string]struct {
		field  string
		change func(*optoutv1.RegisterOptOutRequest)
	}{
		"parent of an adult":       {"requester", func(r *optoutv1.RegisterOptOutRequest) { r.Claimed.BirthDate = "1980-01-01" }},
		"a requester not yet born": {"asked_by.birth_date", func(r *optoutv1.RegisterOptOutRequest) { r.AskedBy.BirthDate = bornYearsAgo(2) }},
		"attorney of a child":      {"requester", func(r *optoutv1.RegisterOptOutRequest) { r.Requester = optoutv1.Requester_REQUESTER_ATTORNEY }},
		"a child by itself": {"requester", func(r *optoutv1.RegisterOptOutRequest) {
			r.Requester, r.AskedBy = optoutv1.Requester_REQUESTER_SELF, nil
		}},
		"born tomorrow": {"birth_date", func(r *optoutv1.RegisterOptOutRequest) { r.Claimed.BirthDate = "2999-01-01" }},
		"no such day":   {"birth_date", func(r *optoutv1.RegisterOptOutRequest) { r.Claimed.BirthDate = "2001-02-29" }},
		"turned around": {"family_name", func(r *optoutv1.RegisterOptOutRequest) { r.Claimed.FamilyName = "Cut\u202eler" }},
		"no letter":     {"family_name", func(r *optoutv1.RegisterOptOutRequest) { r.Claimed.FamilyName = "--" }},
		"unknown evidence": {"evidence_items[0].kind", func(r *optoutv1.RegisterOptOutRequest) {
			r.EvidenceItems = []*optoutv1.EvidenceItem{{Kind: "word_of_honour"}}
		}},
		"seen tomorrow": {"evidence_items[0].seen_on", func(r *optoutv1.RegisterOptOutRequest) {
			r.EvidenceItems = []*optoutv1.EvidenceItem{{Kind: "birth_certificate", Note: "x", SeenOn: "2999-01-01"}}
		}},
		"another channel's evidence": {"channel_evidence", func(r *optoutv1.RegisterOptOutRequest) {
			r.ChannelEvidence = &optoutv1.ChannelEvidence{Post: &optoutv1.PostEvidence{}}
		}},
	} {
		req := parents(child())
		c.change(req)
		_, err := s.writer().RegisterOptOut(limit(t), req)
		wantField(t, name, err, c.field)
	}
	s.wantRows("opt_out", 0)
}

// TestSafeguarding: a parent's request for a child with safeguarding entries waits for a safeguarding lead,
// whatever else is there; the lead sees it in a queue, and no says no for good.
func TestSafeguarding(t *testing.T) {
	t.Parallel()
	const agreed, declined = optoutv1.SafeguardingDecision_SAFEGUARDING_DECISION_AGREED, optoutv1.SafeguardingDecision_SAFEGUARDING_DECISION_REFUSED
	s := newSuite(t)
	s.people.enter(child())
	s.record.safeguards(otherPerson)
	first := s.mustRegister(parents(child(), proofs()...))
	s.wantState(first, needsEvidence, waitsSafeguarding)
	_, err := s.makes(first.GetId())
	wantReason(t, err, "SAFEGUARDING_DECISION_NEEDED")
	s.wantChoice(otherPerson, 0, false)
	queue, err := s.reader().ListSafeguarding(limit(t), &optoutv1.ListSafeguardingRequest{})
	if err != nil || len(queue.GetCases()) != 1 || queue.GetCases()[0].GetNhsNumber() != otherPerson || queue.GetCases()[0].GetRelation() != "mother" {
		t.Errorf("queue %v, %v", queue, err)
	}
	if no, err := s.decides(first.GetId(), declined); err != nil || no.GetRequestState() != refused {
		t.Errorf("declined: %v, %v", no, err)
	}
	_, err = s.makes(first.GetId())
	wantReason(t, err, "REQUEST_CLOSED")
	second := s.mustRegister(parents(child(), proofs()...))
	if yes, err := s.decides(second.GetId(), agreed); err != nil || yes.GetRequestState() != ready {
		t.Errorf("agreed: %v, %v", yes, err)
	}
	made, err := s.makes(second.GetId())
	if err != nil {
		t.Fatal(err)
	}
	wantHistory(t, s.get(made.GetId()), "submit", "match", "allow_safeguarding", "make_effective", "sealed")
	s.wantChoice(otherPerson, 1, true)
}

// TestSafeguardingEntryThatComesLate: entries that come while a request is ready send it to the lead; a
// record-svc that cannot tell is no reason to go on.
func TestSafeguardingEntryThatComesLate(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	s.people.enter(child())
	req := parents(child(), proofs()...)
	req.Hold = true
	got := s.mustRegister(req)
	s.wantState(got, ready)
	s.record.set(down)
	_, err := s.makes(got.GetId())
	wantReason(t, err, "FACTS_UNAVAILABLE")
	s.record.set(well)
	s.record.safeguards(otherPerson)
	back, err := s.makes(got.GetId())
	if err != nil {
		t.Fatal(err)
	}
	s.wantState(back, needsEvidence, waitsSafeguarding)
	s.wantChoice(otherPerson, 0, false)
}

// TestStaffStartsARequest: whoever starts one for a person is named in it, is told nothing of the person, and
// starting is all that happens.
func TestStaffStartsARequest(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	s.people.enter(mary())
	start := func(ec string) *optoutv1.StartOptOutRequest {
		return &optoutv1.StartOptOutRequest{
			RequestId: uuid.NewString(), Channel: optoutv1.Channel_CHANNEL_LEAFLET, Evidence: "leaflet, surgery", Requester: optoutv1.Requester_REQUESTER_SELF,
			Claimed: &optoutv1.ClaimedPerson{FamilyName: "Anning", BirthDate: "1999-05-21", Postcode: "DT1 1XJ"}, Event: by("opt_out.start", "R0260", ec),
		}
	}
	got, err := s.writer().StartOptOut(limit(t), start("gp"))
	if err != nil {
		t.Fatal(err)
	}
	s.await("matched", func() bool { return s.byReference(got.GetReference()).GetNhsNumber() == person })
	o := s.byReference(got.GetReference())
	s.wantState(o, needsEvidence, waitsEvidence)
	if o.GetStartedBy().GetStaffId() != "staff-R0260" || o.GetStartedBy().GetRoleCode() != "R0260" || o.GetSteps()[0].GetActor() != "staff" {
		t.Errorf("started by %v, %v", o.GetStartedBy(), o.GetSteps()[0])
	}
	s.wantChoice(person, 0, false)
	s.mustRegister(optOut(person)) // the duplicate is found when it would take effect
	s.records(o.GetId(), &optoutv1.EvidenceItem{Kind: "form_reference", Note: "DCR 2/18"}, &optoutv1.EvidenceItem{Kind: "handed_in_at", Note: "surgery"})
	dup, err := s.makes(o.GetId())
	if err != nil || dup.GetRequestState() != refused || dup.GetDuplicateOf() != s.only().GetReference() && dup.GetDuplicateOf() == "" {
		t.Errorf("duplicate: %v, %v", dup, err)
	}
	online := start("gp")
	online.Channel = optoutv1.Channel_CHANNEL_ONLINE
	_, err = s.writer().StartOptOut(limit(t), online)
	wantReason(t, err, "CHANNEL_NOT_ALLOWED")
}

// TestOneOfTwoReadyRequestsWins: two requests for one person that become effective at the same instant are one
// choice; the other one is refused and names the first.
func TestOneOfTwoReadyRequestsWins(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	s.people.enter(mary())
	var ids []string
	for range 6 {
		req := optOut(person)
		req.Hold, req.EvidenceItems = true, proofs()[:3]
		ids = append(ids, s.mustRegister(req).GetId())
	}
	results := make(chan *optoutv1.OptOut, len(ids))
	for _, id := range ids {
		go func() {
			made, err := s.makes(id)
			if err != nil {
				t.Errorf("make effective: %v", err)
			}
			results <- made
		}()
	}
	byState := map[optoutv1.RequestState][]*optoutv1.OptOut{}
	for range ids {
		o := <-results
		byState[o.GetRequestState()] = append(byState[o.GetRequestState()], o)
	}
	if len(byState[effective]) != 1 || len(byState[refused]) != len(ids)-1 {
		t.Fatalf("%d effective, %d refused", len(byState[effective]), len(byState[refused]))
	}
	first := byState[effective][0]
	for _, o := range byState[refused] {
		if o.GetDuplicateOf() != first.GetReference() {
			t.Errorf("refused for %s, want %s", o.GetDuplicateOf(), first.GetReference())
		}
	}
	s.wantChoice(person, 1, true)
	s.wantRows("choice", 1)
}
