package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"testing"
)

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "issuer.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestServesUntilToldToStop(t *testing.T) {
	path := write(t, fmt.Sprintf(`{"listen": "127.0.0.1:0", "issuer": {
		"url": "http://127.0.0.1/demonstration", "allow_http": true, "key_dir": %q,
		"people": [{"subject": "1", "name": "One", "roles": [{"person_roleid": "2", "org_code": "R0D", "role_code": "x"}]}],
		"clients": [{"id": "app", "redirect_uris": ["http://127.0.0.1/callback"]}]}}`, t.TempDir()))
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	address, done := make(chan string, 1), make(chan error, 1)
	go func() { done <- run(ctx, path, slog.New(slog.DiscardHandler), func(a string) { address <- a }) }()
	select {
	case err := <-done:
		t.Fatal(err)
	case a := <-address:
		response, err := http.Get("http://" + a + "/demonstration/.well-known/openid-configuration")
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusOK {
			t.Errorf("status %d", response.StatusCode)
		}
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestConfigurationThatIsHalfRightStopsTheProcess(t *testing.T) {
	for name, text := range map[string]string{
		"not JSON":                         `{`,
		"misspelt member":                  `{"listen": "127.0.0.1:0", "cert_fil": "x"}`,
		"certificate without key":          `{"listen": "127.0.0.1:0", "cert_file": "x"}`,
		"plain HTTP for the whole network": `{"listen": "0.0.0.0:0"}`,
		"no issuer":                        `{"listen": "127.0.0.1:0"}`,
	} {
		t.Run(name, func(t *testing.T) {
			err := run(t.Context(), write(t, text), slog.New(slog.DiscardHandler), func(string) { t.Error("served") })
			if err == nil {
				t.Error("accepted")
			}
		})
	}
}
