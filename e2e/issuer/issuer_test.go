package issuer_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/dorsetcarerecord/dcr/e2e/issuer"
	"github.com/dorsetcarerecord/dcr/e2e/issuer/flow"
)

const (
	paramedic = "998800000001"
	weak      = "998800000002"
	roleID    = "998800000101"
	control   = "control-secret-of-the-test"
)

// bench is an issuer behind TLS, and a client for it.
type bench struct {
	issuer *issuer.Issuer
	server *httptest.Server
	flow   *flow.Client
	keyDir string
	ahead  atomic.Int64 // nanoseconds that the issuer's clock is ahead
}

func (b *bench) now() time.Time { return time.Now().Add(time.Duration(b.ahead.Load())) }

func start(t *testing.T) *bench {
	t.Helper()
	b := &bench{keyDir: t.TempDir()}
	var handler http.Handler
	b.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler.ServeHTTP(w, r)
	}))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b.server.Listener.Close()
	b.server.Listener = listener
	config := sample("https://"+listener.Addr().String()+"/demonstration", b.keyDir)
	config.Now = b.now
	if b.issuer, err = issuer.New(config); err != nil {
		t.Fatal(err)
	}
	handler = b.issuer.Handler()
	b.server.StartTLS()
	t.Cleanup(b.server.Close)
	if b.flow, err = flow.New(t.Context(), b.issuer.URL(), b.server.Client().Transport); err != nil {
		t.Fatal(err)
	}
	return b
}

func sample(address, keyDir string) issuer.Config {
	role := issuer.Role{
		PersonOrgID: "998800000201", PersonRoleID: roleID, OrgCode: "RYF", OrgName: "Ambulance",
		RoleName: "Paramedic", RoleCode: "S8000:G8000:R1070",
	}
	return issuer.Config{
		URL: address, KeyDir: keyDir, ControlSecret: control,
		People: []issuer.Person{
			{Subject: paramedic, Name: "Pat <b>Purbeck</b>", Roles: []issuer.Role{role}},
			{Subject: weak, Name: "Wil Wareham", Roles: []issuer.Role{role}, AssuranceLevel: 1},
		},
		Clients: []issuer.Client{
			{ID: "app", RedirectURIs: []string{"http://127.0.0.1/callback"}},
			{ID: "portal", Secret: "portal-secret", RedirectURIs: []string{"https://portal.invalid/callback"}},
			{ID: "feed-r0d", Secret: "feed secret/+", Claims: map[string]any{"ods_code": "RBD", "iss": "x", "azp": "x"}},
		},
	}
}

func app() flow.Application {
	return flow.Application{ID: "app", RedirectURI: "http://127.0.0.1:7/callback"}
}

// verify checks a token's signature against the published keys and returns its claims.
func (b *bench) verify(t *testing.T, token string) (map[string]any, error) {
	t.Helper()
	response, err := b.server.Client().Get(b.issuer.URL() + "/keys")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var set jose.JSONWebKeySet
	if err := json.NewDecoder(response.Body).Decode(&set); err != nil {
		t.Fatal(err)
	}
	for _, key := range set.Keys {
		if !key.IsPublic() {
			t.Fatalf("key %s is published with its private part", key.KeyID)
		}
	}
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		t.Fatal(err)
	}
	claims := map[string]any{}
	return claims, parsed.Claims(set, &claims)
}

// refusal asserts that err is an OAuth refusal with the code.
func refusal(t *testing.T, err error, code string) {
	t.Helper()
	var refused *flow.RefusedError
	if !errors.As(err, &refused) || refused.Code != code {
		t.Fatalf("got %v, want refusal %s", err, code)
	}
}

func (b *bench) get(t *testing.T, path string) (int, string) {
	t.Helper()
	response, err := b.server.Client().Get(b.issuer.URL() + path)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

func (b *bench) rotate(t *testing.T, secret string, form url.Values) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.issuer.URL()+"/control/rotate-keys",
		strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+secret)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := b.server.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode
}

func (b *bench) staffToken(ctx context.Context, t *testing.T, subject string) flow.Tokens {
	t.Helper()
	tokens, err := b.flow.StaffToken(ctx, app(), subject, roleID)
	if err != nil {
		t.Fatal(err)
	}
	return tokens
}
