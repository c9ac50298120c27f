package command

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

const nhsNumber = "9990002673"

// suite is a gateway and an issuer behind one TLS listener.
type suite struct {
	*httptest.Server
	calls  atomic.Int32
	answer http.HandlerFunc
}

func newSuite(t *testing.T) *suite {
	t.Helper()
	s := &suite{answer: func(http.ResponseWriter, *http.Request) {}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /fhir/R4", func(w http.ResponseWriter, r *http.Request) {
		s.calls.Add(1)
		if r.Header.Get("Authorization") != "Bearer secret-of-RDY" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		s.answer(w, r)
	})
	mux.HandleFunc("GET /issuer/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"issuer":"%s/issuer","token_endpoint":"%s/issuer/token"}`, s.URL, s.URL)
	})
	mux.HandleFunc("POST /issuer/token", func(w http.ResponseWriter, r *http.Request) {
		id, secret, _ := r.BasicAuth()
		w.Header().Set("Content-Type", "application/json")
		if id != "feed-rdy" || secret != "hush" || r.FormValue("grant_type") != "client_credentials" {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprintf(w, `{"error":"invalid_client","error_description":"you sent %s"}`, secret)
			return
		}
		fmt.Fprint(w, `{"access_token":"secret-of-RDY","token_type":"Bearer","expires_in":300}`)
	})
	s.Server = httptest.NewTLSServer(mux)
	t.Cleanup(s.Close)
	return s
}

// caFile is the suite's authority.
func (s *suite) caFile(t *testing.T) string {
	t.Helper()
	return file(t, "ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})))
}

// stackFile is a stack.json of the suite.
func (s *suite) stackFile(t *testing.T) string {
	t.Helper()
	text, err := json.Marshal(map[string]any{"gateway_url": s.URL, "ca_file": s.caFile(t),
		"systems": []map[string]string{{"ods_code": "RDY", "token": "secret-of-RDY"}}})
	if err != nil {
		t.Fatal(err)
	}
	return file(t, "stack.json", string(text))
}

func file(t *testing.T, name, text string) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

func feeds(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), nhsNumber)
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"RDY.json", nhsNumber + ".RDY.json"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(`{"entry":[{}]}`), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// dcrctl runs a command line, and checks that nothing printed names the person or gives a token away.
func dcrctl(t *testing.T, ctx context.Context, args ...string) (code int, out string) { //nolint:revive // t first, as in every test
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = run(ctx, args, streams{&stdout, &stderr})
	out = stdout.String() + stderr.String()
	for _, never := range []string{nhsNumber, "secret-of-RDY", "hush"} {
		if strings.Contains(out, never) {
			t.Errorf("%q was printed:\n%s", never, out)
		}
	}
	return code, out
}

func TestImportWithStack(t *testing.T) {
	s := newSuite(t)
	dir, stack := feeds(t), s.stackFile(t)
	if code, out := dcrctl(t, t.Context(), "import", "--stack", stack, dir); code != exitOK || !strings.Contains(out, "2 bundles taken (2 resources), 0 refused") {
		t.Errorf("%d\n%s", code, out)
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(stack), "import")); err != nil {
		t.Errorf("the journal does not lie beside stack.json: %v", err)
	}
	if code, out := dcrctl(t, t.Context(), "import", "--stack", stack, dir); code != exitOK || !strings.Contains(out, "2 taken before") || s.calls.Load() != 2 {
		t.Errorf("%d, %d calls\n%s", code, s.calls.Load(), out)
	}
	if code, _ := dcrctl(t, t.Context(), "import", "--again", "--stack", stack, dir); code != exitOK || s.calls.Load() != 4 {
		t.Errorf("--again: %d, %d calls", code, s.calls.Load())
	}
}

func TestRefusedBundlesHaveACodeOfTheirOwn(t *testing.T) {
	s := newSuite(t)
	s.answer = func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnprocessableEntity)
		fmt.Fprintf(w, `{"issue":[{"details":{"coding":[{"code":"NO_PATIENT"}],"text":"about %s"}}]}`, nhsNumber)
	}
	code, out := dcrctl(t, t.Context(), "import", "--stack", s.stackFile(t), feeds(t))
	if code != exitRefused || !strings.Contains(out, "refused, NO_PATIENT: 2") || !strings.Contains(out, "999….RDY.json") {
		t.Errorf("%d\n%s", code, out)
	}
}

func TestInterruptedImport(t *testing.T) {
	s := newSuite(t)
	ctx, interrupt := context.WithCancel(t.Context())
	s.answer = func(http.ResponseWriter, *http.Request) { interrupt() }
	code, out := dcrctl(t, ctx, "import", "--parallel", "1", "--stack", s.stackFile(t), feeds(t))
	if code != exitFailure || !strings.Contains(out, "goes on from here") || !strings.Contains(out, "1 bundles taken") || s.calls.Load() != 1 {
		t.Errorf("%d\n%s", code, out)
	}
}

func TestImportWithClientCredentials(t *testing.T) {
	s := newSuite(t)
	args := func(secret string) []string {
		return []string{"import", "--gateway", s.URL, "--ca-file", s.caFile(t), "--issuer", s.URL + "/issuer", "--sender", "RDY",
			"--client-id", "feed-rdy", "--client-secret-file", file(t, "secret", secret), "--state-dir", t.TempDir(), feeds(t)}
	}
	if code, out := dcrctl(t, t.Context(), args("hush\n")...); code != exitOK || !strings.Contains(out, "2 bundles taken") {
		t.Errorf("%d\n%s", code, out)
	}
	if code, out := dcrctl(t, t.Context(), args("wrong")...); code != exitFailure || !strings.Contains(out, "the issuer says invalid_client") {
		t.Errorf("%d\n%s", code, out)
	}
}

func TestCommandLine(t *testing.T) {
	for want, args := range map[string][]string{
		"stands alone":            {"import", "--stack", "x", "--gateway", "https://y", "."},
		"needed: --stack":         {"import", "--gateway", "https://y", "."},
		"--parallel is 1 to 64":   {"import", "--stack", "x", "--parallel", "0", "."},
		"holds no .json files":    {"import", "--stack", "x", t.TempDir()},
		"open the folder":         {"import", "--stack", "x", filepath.Join(t.TempDir(), nhsNumber)},
		"does `make run` run?":    {"import", "--stack", filepath.Join(t.TempDir(), "stack.json"), feeds(t)},
		"the gateway is no https": {"import", "--stack", file(t, "s", `{"gateway_url":"http://x","systems":[{}]}`), feeds(t)},
		"names no gateway":        {"import", "--stack", file(t, "s", `{}`), feeds(t)},
		"unknown flag":            {"import", "--nonsense"},
		"unexpected argument":     {"export"},
	} {
		if code, out := dcrctl(t, t.Context(), args...); code != exitFailure || !strings.Contains(out, want) {
			t.Errorf("%v: %d, want %q in\n%s", args, code, want, out)
		}
	}
	if code, out := dcrctl(t, t.Context(), "import", "--help"); code != exitOK || !strings.Contains(out, "Exit code: 0 all taken") {
		t.Errorf("help: %d\n%s", code, out)
	}
	if code, out := dcrctl(t, t.Context(), "version"); code != exitOK || !strings.HasPrefix(out, "dcrctl ") {
		t.Errorf("version: %d\n%s", code, out)
	}
}
