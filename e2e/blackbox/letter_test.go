package blackbox_test

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"

	"github.com/dorsetcarerecord/dcr/internal/pdf/pdftest"

	"github.com/dorsetcarerecord/dcr/e2e/stack"
)

// letterLimit bounds the wait for the post, on a busy machine.
const letterLimit = 30 * time.Second

// letters: the effect is told in a letter to the address that feeds brought, once, and privacy officers alone read it.
func (s *suite) letters(t *testing.T) {
	p := s.attended(t)
	out := s.optsOut(t, p)
	sent := s.awaitLetter(t, out.GetId(), optoutv1.LetterKind_LETTER_KIND_EFFECT_CONFIRMED)
	folder := filepath.Join(filepath.Dir(s.stack.ManifestFile()), "post")
	file, err := os.ReadFile(filepath.Join(folder, sent.GetId()+".letter.pdf"))
	if err != nil {
		t.Fatal(err)
	}
	posted := pdftest.Text(t, file)
	for _, want := range []string{"7 Tryout Hill", "BH15 9ZX", p.family, out.GetReference()} {
		if !strings.Contains(posted, want) {
			t.Errorf("the letter says nothing of %q", want)
		}
	}
	if strings.Contains(posted, p.number) {
		t.Error("the letter carries the NHS number")
	}
	path := "/v1/opt-outs/" + out.GetId() + "/letters/" + sent.GetId()
	text := s.getLetter(t, path+"?rendering=LETTER_RENDERING_TEXT", s.officer, http.StatusOK)
	if kind := text.Header.Get("Content-Type"); !strings.HasPrefix(kind, "text/plain") || !strings.Contains(string(text.Body), out.GetReference()) {
		t.Errorf("as text it is %s", kind)
	}
	printed := s.getLetter(t, path, s.officer, http.StatusOK)
	if shown := pdftest.Text(t, printed.Body); strings.Contains(shown, "7 Tryout Hill") || !strings.Contains(shown, out.GetReference()) {
		t.Error("the shown letter is not the one that was written, without its address")
	}
	s.getLetter(t, path, s.hire(t, paramedic, ambulance, ""), http.StatusForbidden)
	s.ask(t, s.officer, &gatewayv1.RetryOptOutLetterRequest{
		RequestId: uuid.NewString(), Id: out.GetId(), LetterId: sent.GetId(),
	}).want(t, http.StatusBadRequest, "LETTER_NOT_FAILED")
}

func (s *suite) getLetter(t *testing.T, path string, who member, want int) *stack.Answer {
	t.Helper()
	got, err := s.rest[0].Get(t.Context(), path, who.token)
	if err != nil {
		t.Fatal(err)
	}
	if got.Status != want {
		t.Errorf("answered %d, want %d: %s", got.Status, want, got.Reason())
	}
	return got
}

// awaitLetter waits until a request's letter of that kind was sent.
func (s *suite) awaitLetter(t *testing.T, id string, kind optoutv1.LetterKind) *optoutv1.Letter {
	t.Helper()
	var all []*optoutv1.Letter
	for deadline := time.Now().Add(letterLimit); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		found := &gatewayv1.GetOptOutResponse{}
		s.ask(t, s.officer, &gatewayv1.GetOptOutRequest{Id: id}).into(t, found)
		all = found.GetOptOut().GetLetters()
		i := slices.IndexFunc(all, func(l *optoutv1.Letter) bool {
			return l.GetKind() == kind && l.GetState() == optoutv1.LetterState_LETTER_STATE_SENT
		})
		if i >= 0 {
			return all[i]
		}
	}
	t.Fatalf("no such letter was sent: %v", all)
	return nil
}
