package load_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/dorsetcarerecord/dcr/dcrctl/internal/credential"
	"github.com/dorsetcarerecord/dcr/dcrctl/internal/feed"
	"github.com/dorsetcarerecord/dcr/dcrctl/internal/folder"
	"github.com/dorsetcarerecord/dcr/dcrctl/internal/journal"
	"github.com/dorsetcarerecord/dcr/dcrctl/internal/load"
)

// gateway stands in for the real one: it answers as it is told, and remembers what it was sent.
type gateway struct {
	server *httptest.Server
	// answer says what becomes of the n-th call (from 1) by a sender's token with a body.
	answer func(w http.ResponseWriter, r *http.Request, n int, token, body string)

	mu   sync.Mutex
	sent []string // bodies, in order
}

func newGateway(t *testing.T) *gateway {
	t.Helper()
	g := &gateway{answer: func(w http.ResponseWriter, _ *http.Request, _ int, _, _ string) { w.WriteHeader(http.StatusOK) }}
	g.server = httptest.NewTLSServer(http.HandlerFunc(g.serve))
	t.Cleanup(g.server.Close)
	return g
}

func (g *gateway) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil || r.Method != http.MethodPost || r.URL.Path != "/fhir/R4" || r.Header.Get("Content-Type") != "application/fhir+json" {
		http.Error(w, "not a feed", http.StatusTeapot)
		return
	}
	g.mu.Lock()
	g.sent = append(g.sent, string(body))
	n := len(g.sent)
	g.mu.Unlock()
	g.answer(w, r, n, r.Header.Get("Authorization"), string(body))
}

func (g *gateway) bodies() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]string(nil), g.sent...)
}

func refuse(w http.ResponseWriter, status int, reason string) {
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"resourceType":"OperationOutcome","issue":[{"severity":"error","details":{"coding":[{"code":%q}]},"diagnostics":"request 0190-abc"}]}`, reason)
}

// tokens are "token of <ODS code>", for everybody but X99.
type tokens struct{ renewed *int }

func (s tokens) Token(_ context.Context, odsCode string, fresh bool) (string, error) {
	if odsCode == "X99" {
		return "", credential.ErrNoToken
	}
	if fresh && s.renewed != nil {
		*s.renewed++
		return "fresh token of " + odsCode, nil
	}
	return "token of " + odsCode, nil
}

// feeds writes a folder of bundles; each has its path as its content.
func feeds(t *testing.T, paths ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, p := range paths {
		whole := filepath.Join(dir, filepath.FromSlash(p))
		if err := os.MkdirAll(filepath.Dir(whole), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(whole, []byte(`{"id":"`+p+`","entry":[{},{}]}`), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// config is an import of dir to g whose journal lies in state and whose waits are over at once, noted in waits.
func config(t *testing.T, g *gateway, dir, state string, waits *[]time.Duration) load.Config {
	t.Helper()
	files, err := folder.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { files.Close() })
	client := mustClient(t, g.server.URL, g.server.Client())
	j, err := journal.Open(state, dir, g.server.URL, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return load.Config{
		Folder: files, Journal: j, Client: client, Tokens: tokens{}, Parallel: 3, Attempts: 4,
		Meter: load.NewMeter(len(files.Bundles), files.Bytes, time.Now),
		Wait: func(ctx context.Context, d time.Duration) error {
			if waits != nil {
				*waits = append(*waits, d)
			}
			return ctx.Err()
		},
	}
}

func mustClient(t *testing.T, url string, client *http.Client) *feed.Client {
	t.Helper()
	c, err := feed.New(url, client, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
