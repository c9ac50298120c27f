package app

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
	"github.com/google/uuid"

	"github.com/dorsetcarerecord/dcr/internal/pdf/pdftest"
)

func (s *suite) letters() optoutv1.LetterServiceClient {
	return optoutv1.NewLetterServiceClient(s.dial(gateway))
}

// anning is somebody whom identity-svc knows, at home.
func anning() somebody {
	return somebody{number: person, family: "Anning", born: "1999-05-21", postcode: "DT1 1XJ", address: []string{"1 Broad Street", "Lyme Regis"}}
}

// awaitLetter waits for a request's letter of that kind to come to that state.
func (s *suite) awaitLetter(id string, kind optoutv1.LetterKind, state optoutv1.LetterState) *optoutv1.Letter {
	s.t.Helper()
	var found *optoutv1.Letter
	s.await("letter "+kind.String()+" "+state.String(), func() bool {
		all := s.get(id).GetLetters()
		i := slices.IndexFunc(all, func(l *optoutv1.Letter) bool { return l.GetKind() == kind && l.GetState() == state })
		if i >= 0 {
			found = all[i]
		}
		return i >= 0
	})
	return found
}

// TestTheEffectIsToldByLetter: once record-svc has the seal there is a letter in the post, with the receipt, and
// privacy officers read it without the address.
func TestTheEffectIsToldByLetter(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	s.people.enter(anning())
	done := s.mustRegister(optOut(person))
	sent := s.awaitLetter(done.GetId(), optoutv1.LetterKind_LETTER_KIND_EFFECT_CONFIRMED, optoutv1.LetterState_LETTER_STATE_SENT)
	if sent.GetBy() != "letter" || sent.GetFormat() != optoutv1.LetterFormat_LETTER_FORMAT_STANDARD || sent.GetSentAt() == nil || sent.GetFailure() != "" {
		t.Errorf("%v", sent)
	}
	file, err := os.ReadFile(filepath.Join(s.cfg.Letters.Post.Folder, sent.GetId()+".letter.pdf"))
	if err != nil {
		t.Fatal(err)
	}
	posted := pdftest.Text(t, file)
	for _, want := range []string{"1 Broad Street Lyme Regis DT1 1XJ", "Your record is closed", "Hello Mary Anning", done.GetReference(), "The place where the records are kept"} {
		if !strings.Contains(posted, want) {
			t.Errorf("no %q in %s", want, posted)
		}
	}
	for rendering, media := range map[optoutv1.LetterRendering]string{
		optoutv1.LetterRendering_LETTER_RENDERING_UNSPECIFIED: "application/pdf", optoutv1.LetterRendering_LETTER_RENDERING_TEXT: "text/plain; charset=utf-8",
	} {
		shown, err := s.letters().GetLetter(limit(t), &optoutv1.GetLetterRequest{Id: done.GetId(), LetterId: sent.GetId(), Rendering: rendering})
		if err != nil || shown.GetMediaType() != media || shown.GetNhsNumber() != person || shown.GetLetter().GetId() != sent.GetId() {
			t.Fatalf("%v, %v", shown, err)
		}
		text := string(shown.GetContent())
		if media == "application/pdf" {
			text = pdftest.Text(t, shown.GetContent())
		}
		if !strings.Contains(text, "Hello Mary Anning") || strings.Contains(text, "Broad Street") {
			t.Errorf("%s: %s", media, text)
		}
	}
}

func TestLettersThatAreNotThere(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	s.people.enter(anning())
	done := s.mustRegister(optOut(person))
	sent := s.awaitLetter(done.GetId(), optoutv1.LetterKind_LETTER_KIND_EFFECT_CONFIRMED, optoutv1.LetterState_LETTER_STATE_SENT)
	for name, c := range map[string]struct{ id, letter, want string }{
		"no request":        {uuid.NewString(), sent.GetId(), "OPT_OUT_NOT_FOUND"},
		"no id":             {"x", sent.GetId(), "OPT_OUT_NOT_FOUND"},
		"no letter":         {done.GetId(), uuid.NewString(), "LETTER_NOT_FOUND"},
		"no letter's id":    {done.GetId(), "x", "LETTER_NOT_FOUND"},
		"another's request": {s.mustRegister(optOut(otherPerson)).GetId(), sent.GetId(), "LETTER_NOT_FOUND"},
	} {
		_, err := s.letters().GetLetter(limit(t), &optoutv1.GetLetterRequest{Id: c.id, LetterId: c.letter})
		if err == nil {
			t.Errorf("%s: shown", name)
		}
		wantReason(t, err, c.want)
		_, err = s.letters().RetryLetter(limit(t), retryOf(c.id, c.letter))
		wantReason(t, err, c.want)
	}
	_, err := s.letters().RetryLetter(limit(t), retryOf(done.GetId(), sent.GetId()))
	wantReason(t, err, "LETTER_NOT_FAILED")
}

func retryOf(id, letterID string) *optoutv1.RetryLetterRequest {
	return &optoutv1.RetryLetterRequest{RequestId: uuid.NewString(), Id: id, LetterId: letterID, Event: event("opt_out.retry_letter")}
}

// TestALetterWithoutAnAddress: it fails, loudly, and is sent when a privacy officer has it tried again. That is
// accounted for, once, however often the same request comes.
func TestALetterWithoutAnAddress(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	homeless := anning()
	homeless.address = nil
	s.people.enter(homeless)
	done := s.mustRegister(optOut(person))
	failed := s.awaitLetter(done.GetId(), optoutv1.LetterKind_LETTER_KIND_EFFECT_CONFIRMED, optoutv1.LetterState_LETTER_STATE_FAILED)
	if failed.GetFailure() != "NO_CONTACT" {
		t.Errorf("%v", failed)
	}
	s.people.mu.Lock()
	s.people.known[0] = anning()
	s.people.mu.Unlock()
	again := retryOf(done.GetId(), failed.GetId())
	for range 2 {
		if _, err := s.letters().RetryLetter(limit(t), again); err != nil {
			t.Fatal(err)
		}
	}
	sent := s.awaitLetter(done.GetId(), optoutv1.LetterKind_LETTER_KIND_EFFECT_CONFIRMED, optoutv1.LetterState_LETTER_STATE_SENT)
	if sent.GetId() != failed.GetId() {
		t.Error("it became another letter")
	}
	events := 0
	for _, e := range s.audit.taken() {
		if e.GetAction() == "opt_out.retry_letter" {
			events++
			if e.GetNhsNumber() != person || e.GetChange().GetId() != failed.GetId() {
				t.Errorf("%v", e)
			}
		}
	}
	if events != 1 {
		t.Errorf("%d events", events)
	}
}
