package load_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dorsetcarerecord/dcr/dcrctl/internal/load"
)

func mustRun(t *testing.T, cfg load.Config) *load.Result {
	t.Helper()
	r, err := load.Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestSecondImportSendsOnlyWhatIsNew(t *testing.T) {
	g := newGateway(t)
	state := t.TempDir()
	dir := feeds(t, "a/RDY.json", "a/RBD.json", "b/RDY.json")
	if r := mustRun(t, config(t, g, dir, state, nil)); r.Taken != 3 || r.Resources != 6 || r.Before != 0 {
		t.Errorf("first: %+v", r)
	}
	if r := mustRun(t, config(t, g, dir, state, nil)); r.Taken != 0 || r.Before != 3 || len(g.bodies()) != 3 {
		t.Errorf("second: %+v, %d calls", r, len(g.bodies()))
	}
}

// TestOnePersonInSequence: no two bundles of a person are under way at once, and they keep their order.
func TestOnePersonInSequence(t *testing.T) {
	g := newGateway(t)
	var mu sync.Mutex
	busy := map[string]bool{}
	g.answer = func(_ http.ResponseWriter, _ *http.Request, _ int, _, body string) {
		person := strings.TrimPrefix(body, `{"id":"`)[:1]
		mu.Lock()
		if busy[person] {
			t.Errorf("two bundles of %s at once", person)
		}
		busy[person] = true
		mu.Unlock()
		mu.Lock()
		busy[person] = false
		mu.Unlock()
	}
	dir := feeds(t, "a/R0D.json", "a/RBD.json", "a/RDY.json", "b/R0D.json", "b/RBD.json", "b/RDY.json", "c/RDY.json")
	mustRun(t, config(t, g, dir, t.TempDir(), nil))
	for _, person := range []string{"a", "b"} {
		got := slices.DeleteFunc(g.bodies(), func(b string) bool { return !strings.Contains(b, `"`+person+"/") })
		if !slices.IsSorted(got) || len(got) != 3 {
			t.Errorf("%s: %v", person, got)
		}
	}
}

func TestBusyGatewayIsAskedAgain(t *testing.T) {
	g := newGateway(t)
	g.answer = func(w http.ResponseWriter, _ *http.Request, n int, _, _ string) {
		switch n {
		case 1:
			w.Header().Set("Retry-After", "60")
			refuse(w, http.StatusServiceUnavailable, "UNAVAILABLE")
		case 2:
			refuse(w, http.StatusTooManyRequests, "OVERLOADED")
		case 3:
			panic(http.ErrAbortHandler) // the connection breaks
		}
	}
	var waits []time.Duration
	r := mustRun(t, config(t, g, feeds(t, "a/RDY.json"), t.TempDir(), &waits))
	if r.Taken != 1 || len(waits) != 3 {
		t.Fatalf("%+v after waits %v", r, waits)
	}
	if waits[0] != time.Minute || waits[1] < 500*time.Millisecond || waits[1] > time.Second || waits[2] < time.Second {
		t.Errorf("waited %v", waits)
	}
}

func TestGatewayThatStaysAwayStopsTheImport(t *testing.T) {
	g := newGateway(t)
	g.answer = func(w http.ResponseWriter, _ *http.Request, _ int, _, _ string) {
		refuse(w, http.StatusServiceUnavailable, "UNAVAILABLE")
	}
	cfg := config(t, g, feeds(t, "a/RDY.json", "b/RDY.json", "c/RDY.json"), t.TempDir(), nil)
	cfg.Parallel = 1
	r, err := load.Run(t.Context(), cfg)
	if err == nil || !strings.Contains(err.Error(), "503 (UNAVAILABLE) after 4 attempts") || r.Taken != 0 || len(g.bodies()) != 4 {
		t.Errorf("%v, %+v, %d calls", err, r, len(g.bodies()))
	}
}

func TestRefusalsAreReportedByReason(t *testing.T) {
	g := newGateway(t)
	g.answer = func(w http.ResponseWriter, _ *http.Request, _ int, token, body string) {
		switch {
		case token == "Bearer token of J82900":
			refuse(w, http.StatusForbidden, "NO_ORGANISATION_CONSENT")
		case strings.Contains(body, "9990019576/"):
			refuse(w, http.StatusUnprocessableEntity, "DEMOGRAPHICS_DIFFER")
		case strings.Contains(body, "9990072590/"):
			refuse(w, http.StatusInternalServerError, "INTERNAL")
		}
	}
	state := t.TempDir()
	dir := feeds(t, "9990002673/J82900.json", "9990002673/RDY.json", "9990019576/RDY.json", "9990072590/RDY.json", "9990088268/X99.json", "notes.json")
	r := mustRun(t, config(t, g, dir, state, nil))
	var report strings.Builder
	r.Print(&report, false)
	want := `1 bundles taken (2 resources), 4 refused, 1 failed

refused, DEMOGRAPHICS_DIFFER: 1
  999…/RDY.json  status 422  request 0190-abc

refused, NO_CREDENTIALS: 1
  999…/X99.json

refused, NO_ORGANISATION_CONSENT: 1
  999…/J82900.json  status 403  request 0190-abc

refused, NO_SENDER_IN_NAME: 1
  not….json

failed, INTERNAL: 1
  999…/RDY.json  status 500  request 0190-abc
`
	if report.String() != want {
		t.Errorf("got\n%s\nwant\n%s", report.String(), want)
	}
	report.Reset()
	r.Print(&report, true)
	if !strings.Contains(report.String(), "9990019576/RDY.json") {
		t.Error("--show-paths does not show paths")
	}
	if again := mustRun(t, config(t, g, dir, state, nil)); again.Before != 1 || len(again.Refused) != 4 {
		t.Errorf("what was refused is not sent again: %+v", again)
	}
}

func TestRefusedCredentialsStopTheImport(t *testing.T) {
	for status, reason := range map[int]string{401: "UNAUTHENTICATED", 403: "ACCESS_DENIED"} {
		g := newGateway(t)
		g.answer = func(w http.ResponseWriter, _ *http.Request, _ int, _, _ string) { refuse(w, status, reason) }
		cfg := config(t, g, feeds(t, "a/RDY.json", "b/RDY.json", "c/RDY.json"), t.TempDir(), nil)
		cfg.Parallel = 1
		_, err := load.Run(t.Context(), cfg)
		if err == nil || !strings.Contains(err.Error(), "credentials of RDY") {
			t.Errorf("%d: %v", status, err)
		}
		if n := len(g.bodies()); n > 2 {
			t.Errorf("%d: %d calls", status, n)
		}
	}
}

func TestTokenThatEndedIsRenewedOnce(t *testing.T) {
	g := newGateway(t)
	g.answer = func(w http.ResponseWriter, _ *http.Request, _ int, token, _ string) {
		if token != "Bearer fresh token of RDY" {
			refuse(w, http.StatusUnauthorized, "UNAUTHENTICATED")
		}
	}
	cfg := config(t, g, feeds(t, "a/RDY.json"), t.TempDir(), nil)
	renewed := 0
	cfg.Tokens = tokens{&renewed}
	if r := mustRun(t, cfg); r.Taken != 1 || renewed != 1 {
		t.Errorf("%+v, renewed %d times", r, renewed)
	}
}

// TestInterruption: a bundle under way still gets its answer, no other is begun, and the next import goes on.
func TestInterruption(t *testing.T) {
	g := newGateway(t)
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	g.answer = func(_ http.ResponseWriter, _ *http.Request, n int, _, _ string) {
		if n == 2 {
			interrupt()
		}
	}
	state := t.TempDir()
	dir := feeds(t, "a/RBD.json", "a/RDY.json", "b/RDY.json", "c/RDY.json", "d/RDY.json")
	cfg := config(t, g, dir, state, nil)
	cfg.Parallel = 1
	r, err := load.Run(ctx, cfg)
	if !errors.Is(err, load.ErrInterrupted) || r.Taken != 2 || len(g.bodies()) != 2 {
		t.Fatalf("%v, %+v, %d calls", err, r, len(g.bodies()))
	}
	if r := mustRun(t, config(t, g, dir, state, nil)); r.Before != 2 || r.Taken != 3 {
		t.Errorf("then: %+v", r)
	}
}

func TestOnlySender(t *testing.T) {
	g := newGateway(t)
	cfg := config(t, g, feeds(t, "a/RBD.json", "a/RDY.json", "b/RBD.json"), t.TempDir(), nil)
	cfg.OnlySender = "RDY"
	if r := mustRun(t, cfg); r.Taken != 1 || r.LeftOut != 2 || len(g.bodies()) != 1 {
		t.Errorf("%+v", r)
	}
}

func TestUntrustedGatewayIsNotAskedTwice(t *testing.T) {
	g := newGateway(t)
	cfg := config(t, g, feeds(t, "a/RDY.json"), t.TempDir(), nil)
	client := *g.server.Client()
	client.Transport = http.DefaultTransport.(*http.Transport).Clone()
	cfg.Client = mustClient(t, g.server.URL, &client)
	cfg.Wait = func(context.Context, time.Duration) error {
		t.Error("waits for a certificate")
		return errors.New("waited")
	}
	if _, err := load.Run(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Error(err)
	}
}
