package issuer_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dorsetcarerecord/dcr/e2e/issuer"
	"github.com/dorsetcarerecord/dcr/e2e/issuer/badtoken"
)

func TestSystemTokenProvesTheClientOnly(t *testing.T) {
	b := start(t)
	tokens, err := b.flow.SystemToken(t.Context(), "feed-r0d", "feed secret/+")
	if err != nil {
		t.Fatal(err)
	}
	claims, err := b.verify(t, tokens.AccessToken)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"exp", "iat", "nbf", "jti"} {
		delete(claims, name)
	}
	want := map[string]any{
		"iss": b.issuer.URL(), "sub": "feed-r0d", "aud": []any{issuer.DefaultAudience},
		"client_id": "feed-r0d", "azp": "feed-r0d", "ods_code": "RBD",
	}
	if diff := cmp.Diff(want, claims); diff != "" {
		t.Error(diff)
	}
}

func TestSystemTokenRefusals(t *testing.T) {
	b := start(t)
	for name, credentials := range map[string][2]string{
		"wrong secret":   {"feed-r0d", "wrong"},
		"no secret":      {"feed-r0d", ""},
		"unknown client": {"nobody", "feed secret/+"},
		"public client":  {"app", ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := b.flow.SystemToken(t.Context(), credentials[0], credentials[1])
			refusal(t, err, "invalid_client")
		})
	}
	t.Run("application", func(t *testing.T) {
		_, err := b.flow.SystemToken(t.Context(), "portal", "portal-secret")
		refusal(t, err, "unauthorized_client")
	})
}

func TestDiscoverySaysDemonstrationAndOnlyWhatIsServed(t *testing.T) {
	b := start(t)
	_, body := b.get(t, "/.well-known/openid-configuration")
	document := map[string]any{}
	if err := json.Unmarshal([]byte(body), &document); err != nil {
		t.Fatal(err)
	}
	if document[issuer.DemonstrationMember] != true || !strings.HasSuffix(document["issuer"].(string), issuer.PathSuffix) {
		t.Errorf("not marked as a demonstration: %v", document)
	}
	if diff := cmp.Diff([]any{"authorization_code", "client_credentials"}, document["grant_types_supported"]); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]any{"RS256"}, document["id_token_signing_alg_values_supported"]); diff != "" {
		t.Error(diff)
	}
	for _, path := range []string{"/oauth/introspect", "/revoke", "/end_session", "/device_authorization"} {
		if status, _ := b.get(t, path); status != http.StatusNotFound {
			t.Errorf("%s answers %d", path, status)
		}
	}
}

func TestRotationKeepsEarlierTokensUntilRetired(t *testing.T) {
	b := start(t)
	before := b.staffToken(t.Context(), t, paramedic).AccessToken
	if status := b.rotate(t, "wrong", nil); status != http.StatusUnauthorized {
		t.Fatalf("wrong control secret: status %d", status)
	}
	if status := b.rotate(t, control, nil); status != http.StatusNoContent {
		t.Fatalf("rotate: status %d", status)
	}
	after := b.staffToken(t.Context(), t, paramedic).AccessToken
	if strings.Split(before, ".")[0] == strings.Split(after, ".")[0] {
		t.Error("the key did not change")
	}
	for name, token := range map[string]string{"before": before, "after": after} {
		if _, err := b.verify(t, token); err != nil {
			t.Errorf("token from %s the rotation: %v", name, err)
		}
	}
	if status := b.rotate(t, control, url.Values{"retire": {"true"}}); status != http.StatusNoContent {
		t.Fatalf("retire: status %d", status)
	}
	if _, err := b.verify(t, after); err == nil {
		t.Error("a retired key still verifies")
	}
}

func TestKeysSurviveARestart(t *testing.T) {
	b := start(t)
	token := b.staffToken(t.Context(), t, paramedic).AccessToken
	again, err := issuer.New(sample(b.issuer.URL(), b.keyDir))
	if err != nil {
		t.Fatal(err)
	}
	b.issuer = again
	if _, err := b.verify(t, token); err != nil {
		t.Error(err)
	}
}

func TestConfigurationRefusals(t *testing.T) {
	for name, spoil := range map[string]func(*issuer.Config){
		"plain http":         func(c *issuer.Config) { c.URL = "http://127.0.0.1/demonstration" },
		"not marked":         func(c *issuer.Config) { c.URL = "https://127.0.0.1/" },
		"no key folder":      func(c *issuer.Config) { c.KeyDir = "" },
		"person twice":       func(c *issuer.Config) { c.People = append(c.People, c.People[0]) },
		"person without one": func(c *issuer.Config) { c.People[0].Roles = nil },
		"client twice":       func(c *issuer.Config) { c.Clients = append(c.Clients, c.Clients[0]) },
		"system, no secret":  func(c *issuer.Config) { c.Clients[2].Secret = "" },
	} {
		t.Run(name, func(t *testing.T) {
			config := sample("https://127.0.0.1/demonstration", t.TempDir())
			spoil(&config)
			if _, err := issuer.New(config); err == nil {
				t.Error("accepted")
			}
		})
	}
}

func TestBadTokensDoNotVerify(t *testing.T) {
	b := start(t)
	good := b.staffToken(t.Context(), t, paramedic).AccessToken
	maker, err := badtoken.Open(b.keyDir, b.now)
	if err != nil {
		t.Fatal(err)
	}
	bad, err := maker.All(good)
	if err != nil {
		t.Fatal(err)
	}
	audience := issuer.DefaultAudience
	if err := check(t, b, good, audience); err != nil {
		t.Fatalf("the good token: %v", err)
	}
	for _, b2 := range bad {
		t.Run(b2.Name, func(t *testing.T) {
			if err := check(t, b, b2.Token, audience); err == nil {
				t.Error("accepted")
			}
		})
	}
}
