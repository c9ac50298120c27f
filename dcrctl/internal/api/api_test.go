package api_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"

	"github.com/dorsetcarerecord/dcr/dcrctl/internal/api"
)

// tokens counts how often another one is asked for.
type tokens struct{ fresh int }

func (s *tokens) Token(_ context.Context, fresh bool) (string, error) {
	if fresh {
		s.fresh++
		return "second", nil
	}
	return "first", nil
}

// client calls a server that answers with these statuses, one after the other, then 200. Waits are noted.
func client(t *testing.T, attempts int, statuses ...int) (c *api.Client, calls *int, waits *[]time.Duration, given *tokens) {
	t.Helper()
	calls, waits, given = new(int), &[]time.Duration{}, &tokens{}
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*calls++
		if *calls <= len(statuses) {
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(statuses[*calls-1])
			return
		}
		if _, err := w.Write([]byte(`{"candidates":3,"unknown_to_us":true}`)); err != nil {
			panic(err)
		}
	}))
	t.Cleanup(server.Close)
	c, err := api.New(api.Config{
		Gateway: server.URL + "/", HTTP: server.Client(), Tokens: given, Attempts: attempts, Now: time.Now,
		Wait: func(ctx context.Context, d time.Duration) error { *waits = append(*waits, d); return ctx.Err() },
	})
	if err != nil {
		t.Fatal(err)
	}
	return c, calls, waits, given
}

func TestCall(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		statuses     []int
		calls, fresh int
		status       int
	}{
		"at once":             {nil, 1, 0, 0},
		"busy, away, cut off": {[]int{503, 429, 502}, 4, 0, 0},
		"busy for good":       {[]int{503, 503, 503, 503, 503}, 4, 0, 503},
		"token renewed":       {[]int{401}, 2, 1, 0},
		"token not accepted":  {[]int{401, 401, 401}, 2, 1, 401},
		"refused":             {[]int{403}, 1, 0, 403},
		"not our mistake":     {[]int{500}, 1, 0, 500},
	} {
		c, calls, waits, given := client(t, 4, tt.statuses...)
		out := &optoutv1.GetImportResponse{}
		err := c.Call(t.Context(), http.MethodPost, "/v1/x", &optoutv1.GetImportRequest{Register: "old"}, out)
		var refusal *api.Refusal
		switch {
		case tt.status == 0 && (err != nil || out.GetCandidates() != 3):
			t.Errorf("%s: %v, %v", name, err, out)
		case tt.status != 0 && (!errors.As(err, &refusal) || refusal.Status != tt.status || !strings.HasPrefix(refusal.Reason, "HTTP_")):
			t.Errorf("%s: %v", name, err)
		}
		if *calls != tt.calls || given.fresh != tt.fresh {
			t.Errorf("%s: %d calls, %d tokens asked for", name, *calls, given.fresh)
		}
		for _, d := range *waits {
			if d < 7*time.Second {
				t.Errorf("%s: waited %v, the gateway asked for 7 s", name, d)
			}
		}
	}
}

func TestUntrustedGatewayIsNotAskedTwice(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	c, err := api.New(api.Config{Gateway: server.URL, HTTP: &http.Client{}, Tokens: &tokens{}, Attempts: 9, Now: time.Now,
		Wait: func(context.Context, time.Duration) error {
			t.Error("waits for a certificate")
			return errors.New("waited")
		}})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Call(t.Context(), http.MethodGet, "/v1/secret", nil, nil); err == nil || !strings.Contains(err.Error(), "certificate") || strings.Contains(err.Error(), "secret") {
		t.Error(err)
	}
}

func TestNewRefusesWhatIsNoGateway(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"", "http://gateway.example", "https://", "https://user@gateway.example", "https://gateway.example?x", "gateway.example"} {
		if _, err := api.New(api.Config{Gateway: url, Attempts: 1}); err == nil {
			t.Errorf("%q is taken for a gateway", url)
		}
	}
	if _, err := api.New(api.Config{Gateway: "https://gateway.example"}); err == nil {
		t.Error("no attempts at all")
	}
}
