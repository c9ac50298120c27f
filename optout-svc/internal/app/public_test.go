package app

import (
	"strings"
	"testing"
	"time"

	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/dorsetcarerecord/dcr/internal/fault"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/reference"
)

const (
	inProgress = optoutv1.PublicStatus_PUBLIC_STATUS_IN_PROGRESS
	inEffect   = optoutv1.PublicStatus_PUBLIC_STATUS_IN_EFFECT
	closed     = optoutv1.PublicStatus_PUBLIC_STATUS_CLOSED
)

// status asks how far a request is.
func (s *suite) status(ref, born string) (*optoutv1.GetOptOutStatusResponse, error) {
	s.t.Helper()
	return s.public().GetOptOutStatus(limit(s.t), &optoutv1.GetOptOutStatusRequest{Reference: ref, BirthDate: born})
}

// wantStatus fails unless the public is told this.
func (s *suite) wantStatus(ref string, want optoutv1.PublicStatus) {
	s.t.Helper()
	got, err := s.status(ref, mary().born)
	if err != nil || got.GetStatus() != want {
		s.t.Errorf("status %v, %v; want %v", got.GetStatus(), err, want)
	}
}

// TestOnlineRequestTakesEffectByItsCode: from the form to the effect, with nobody's help but the person's, and
// each part of it accounted for.
func TestOnlineRequestTakesEffectByItsCode(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	s.people.enter(mary())
	got := s.submits(form(mary()))
	s.wantState(got, needsEvidence, waitsCode)
	s.wantStatus(got.GetReference(), inProgress)
	s.wantChoice(person, 0, false)
	code := s.code(got.GetId())
	if _, err := s.confirms(got.GetReference(), code); err != nil {
		t.Fatal(err)
	}
	s.await("confirmed", func() bool { return s.confirmed(got.GetId()) })
	s.wantChoice(person, 1, true)
	s.wantStatus(got.GetReference(), inEffect)
	done := s.get(got.GetId())
	wantHistory(t, done, "submit", "match", "confirm", "make_effective", "sealed")
	if done.GetChannelEvidence().GetOnline().GetConfirmedAt() == nil {
		t.Errorf("channel evidence %v", done.GetChannelEvidence())
	}
	actions := map[string]string{}
	for _, e := range s.audit.taken() {
		actions[e.GetAction()] = e.GetActor().GetKind().String() + " " + e.GetNhsNumber()
	}
	want := map[string]string{
		"opt_out.public.submit": "ACTOR_KIND_PUBLIC ", "opt_out.match": "ACTOR_KIND_SERVICE " + person,
		"opt_out.public.confirm": "ACTOR_KIND_PUBLIC " + person, "opt_out.make_effective": "ACTOR_KIND_SERVICE " + person,
	}
	if diff := cmp.Diff(want, actions); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if again, err := s.confirms(got.GetReference(), code); err != nil || again.GetStatus() != inEffect {
		t.Errorf("the same code again: %v, %v", again, err)
	}
	s.wantChoice(person, 1, true)
	s.mustWithdraw(got.GetId())
	s.wantStatus(got.GetReference(), closed)
}

// TestOnlineBackIn: opting back in by the form needs the code too.
func TestOnlineBackIn(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	s.people.enter(mary())
	s.mustRegister(optOut(person))
	req := form(mary())
	req.Choice = optoutv1.Choice_CHOICE_IN
	got := s.submits(req)
	s.wantChoice(person, 1, true)
	if _, err := s.confirms(got.GetReference(), s.code(got.GetId())); err != nil {
		t.Fatal(err)
	}
	s.await("confirmed", func() bool { return s.confirmed(got.GetId()) })
	s.wantChoice(person, 2, false)
}

// TestOnlineDuplicate: until it is confirmed, a second request reads like any other; then it is refused, and
// names the first to privacy officers alone.
func TestOnlineDuplicate(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	s.people.enter(mary())
	first := s.mustRegister(optOut(person))
	second := s.submits(form(mary()))
	s.wantStatus(second.GetReference(), inProgress)
	if _, err := s.confirms(second.GetReference(), s.code(second.GetId())); err != nil {
		t.Fatal(err)
	}
	s.await("refused", func() bool { return s.get(second.GetId()).GetRequestState() == refused })
	if got := s.get(second.GetId()); got.GetDuplicateOf() != first.GetReference() || got.GetSteps()[len(got.GetSteps())-1].GetReason() != "already_opted_out" {
		t.Errorf("duplicate %v", got)
	}
	s.wantStatus(second.GetReference(), closed)
	s.wantChoice(person, 1, true)
}

// TestCodeIsGuardedAgainstGuessing: few wrong codes void a code; an unknown reference, a wrong code, a void one and
// one that nobody sent are refused in the same words.
func TestCodeIsGuardedAgainstGuessing(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	s.people.enter(mary())
	got := s.submits(form(mary()))
	stranger := s.submits(form(somebody{family: "Nobody", born: "1990-01-01", postcode: "DT1 1XJ"}))
	code := s.code(got.GetId())
	wrong := reference.NewCode()
	var texts []string
	refusal := func(ref, code string) {
		t.Helper()
		_, err := s.confirms(ref, code)
		wantReason(t, err, "CODE_NOT_ACCEPTED")
		texts = append(texts, fault.FromStatus(err).Text)
	}
	refusal(reference.New(), wrong)
	refusal(stranger.GetReference(), wrong)
	refusal(got.GetReference(), "x")
	for range 4 {
		refusal(got.GetReference(), wrong)
	}
	refusal(got.GetReference(), code) // right, and void by now
	for _, text := range texts {
		if text != texts[0] {
			t.Errorf("told %q and %q", texts[0], text)
		}
	}
	s.wantState(s.get(got.GetId()), needsEvidence, waitsCode)
	_, err := s.confirms("K7M2-9QXT-4WPD", wrong)
	wantField(t, "no reference", err, "reference")
}

// TestStatusIsGuardedAgainstGuessing: reference and birth date must both be right, and be tried not too often; what
// is wrong is not told.
func TestStatusIsGuardedAgainstGuessing(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	got := s.submits(form(mary()))
	s.wantStatus(got.GetReference(), inProgress)
	s.wantStatus(strings.ToLower(strings.ReplaceAll(got.GetReference(), "-", " ")), inProgress)
	var texts []string
	for ref, born := range map[string]string{got.GetReference(): "1999-05-22", reference.New(): mary().born} {
		_, err := s.status(ref, born)
		wantReason(t, err, "STATUS_NOT_FOUND")
		texts = append(texts, fault.FromStatus(err).Text)
	}
	for range 10 {
		_, err := s.status(got.GetReference(), "1999-05-22")
		wantReason(t, err, "STATUS_NOT_FOUND")
	}
	_, err := s.status(got.GetReference(), mary().born)
	wantReason(t, err, "STATUS_NOT_FOUND")
	if texts = append(texts, fault.FromStatus(err).Text); texts[0] != texts[1] || texts[1] != texts[2] {
		t.Errorf("told %q", texts)
	}
	if _, err := s.db.Owner.Exec("UPDATE attempt SET since = since - interval '61 minutes'"); err != nil {
		t.Fatal(err)
	}
	s.wantStatus(got.GetReference(), inProgress)
}

// TestPublicFormAgain: the same form twice is one request, and another one under its id is refused.
func TestPublicFormAgain(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	req := form(mary())
	first, err := s.public().SubmitOptOut(limit(t), req)
	if err != nil {
		t.Fatal(err)
	}
	req.Event = byPublic("opt_out.public.submit")
	again, err := s.public().SubmitOptOut(limit(t), req)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, again, protocmp.Transform()); diff != "" {
		t.Errorf("answers differ (-first +again):\n%s", diff)
	}
	req.Claimed.FamilyName = "Another"
	_, err = s.public().SubmitOptOut(limit(t), req)
	wantReason(t, err, "REQUEST_ID_REUSED")
	s.wantRows("opt_out", 1)
	for field, change := range map[string]func(*optoutv1.SubmitOptOutRequest){
		"person.postcode":    func(r *optoutv1.SubmitOptOutRequest) { r.Claimed.Postcode = "" },
		"person.birth_date":  func(r *optoutv1.SubmitOptOutRequest) { r.Claimed.BirthDate = "2999-01-01" },
		"person.family_name": func(r *optoutv1.SubmitOptOutRequest) { r.Claimed.FamilyName = "\u200bA" },
		"choice":             func(r *optoutv1.SubmitOptOutRequest) { r.Choice = 0 },
		"event.actor":        func(r *optoutv1.SubmitOptOutRequest) { r.Event = event("opt_out.public.submit") },
	} {
		bad := form(mary())
		change(bad)
		_, err := s.public().SubmitOptOut(limit(t), bad)
		wantField(t, field, err, field)
	}
}

// TestUnconfirmedRequestIsForgotten: a form that was never confirmed is closed in time, and what it said is gone;
// one that found nobody goes on waiting.
func TestUnconfirmedRequestIsForgotten(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	s.people.enter(mary())
	got := s.submits(form(mary()))
	waiting := s.submits(form(somebody{family: "Nobody", born: "1990-01-01", postcode: "DT1 1XJ"}))
	if _, err := s.db.Owner.Exec("UPDATE opt_out SET received_at = received_at - interval '29 days', registered_at = registered_at - interval '29 days'"); err != nil {
		t.Fatal(err)
	}
	s.start() // the worker begins when the process does
	s.await("closed", func() bool { return s.get(got.GetId()).GetRequestState() == refused })
	done := s.get(got.GetId())
	wantHistory(t, done, "submit", "match", "expire")
	if done.GetClaimed() != nil || done.GetSteps()[2].GetReason() != "not_confirmed" {
		t.Errorf("request %v", done)
	}
	s.wantState(s.get(waiting.GetId()), needsMatching, waitsMatch, waitsCode)
	if at := waiting.GetDueAt().AsTime(); at.Before(time.Now().AddDate(0, 0, 13)) || at.After(time.Now().AddDate(0, 0, 16)) {
		t.Errorf("due at %v", at)
	}
	_, err := s.confirms(got.GetReference(), "K7M2-9QXT")
	wantReason(t, err, "CODE_NOT_ACCEPTED")
}
