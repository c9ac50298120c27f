package authn_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"encoding/pem"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/dorsetcarerecord/dcr/gateway/internal/authn"
)

const audience = "dorset-care-record"

// testIssuer is an OIDC issuer behind TLS whose keys and metadata a test can change.
type testIssuer struct {
	t      *testing.T
	server *httptest.Server
	now    func() time.Time

	mu       sync.Mutex
	keys     []jose.JSONWebKey // private, the first one signs
	metadata map[string]any
	down     bool
	reads    int
}

func newIssuer(t *testing.T) *testIssuer {
	t.Helper()
	i := &testIssuer{t: t, now: time.Now}
	i.server = httptest.NewTLSServer(http.HandlerFunc(i.serve))
	t.Cleanup(i.server.Close)
	i.metadata = map[string]any{"issuer": i.server.URL, "jwks_uri": i.server.URL + "/keys"}
	i.rotate("k1")
	return i
}

func (i *testIssuer) serve(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	var answer any = i.metadata
	switch {
	case i.down:
		http.Error(w, "down", http.StatusServiceUnavailable)
		return
	case r.URL.Path == "/keys":
		i.reads++
		set := jose.JSONWebKeySet{}
		for _, k := range i.keys {
			set.Keys = append(set.Keys, k.Public())
		}
		answer = set
	}
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		i.t.Error(err)
	}
}

// rotate puts a new signing key in front of the others.
func (i *testIssuer) rotate(id string) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		i.t.Fatal(err)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = append([]jose.JSONWebKey{{Key: key, KeyID: id, Algorithm: "RS256", Use: "sig"}}, i.keys...)
}

// with changes the issuer under its lock.
func (i *testIssuer) with(change func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	change()
}

// caFile holds the issuer's authority.
func (i *testIssuer) caFile() string {
	file := filepath.Join(i.t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: i.server.Certificate().Raw})
	if err := os.WriteFile(file, text, 0o600); err != nil {
		i.t.Fatal(err)
	}
	return file
}

func (i *testIssuer) config() authn.Issuer {
	return authn.Issuer{
		URL: i.server.URL, Audience: audience, Kinds: []string{authn.KindStaff, authn.KindSystem},
		CAFile: i.caFile(), Organisations: []string{"RYF", "J81*"}, RoleCodes: []string{"R*"},
	}
}

func (i *testIssuer) verifier(change ...func(*authn.Issuer)) *authn.Verifier {
	i.t.Helper()
	c := i.config()
	for _, f := range change {
		f(&c)
	}
	v, err := authn.New(authn.Config{Issuers: []authn.Issuer{c}}, slog.New(slog.DiscardHandler), i.now)
	if err != nil {
		i.t.Fatal(err)
	}
	return v
}

// set is claims to change; a nil value removes the claim.
type set map[string]any

func (i *testIssuer) staffClaims(change set) map[string]any {
	now := i.now()
	c := map[string]any{
		"iss": i.server.URL, "sub": "998800000201", "aud": []string{audience}, "azp": "app", "sid": "session-1",
		"jti": "token-1", "iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(time.Minute).Unix(), "acr": "AAL3_ANY",
		"selected_roleid": "role-1",
		"nhsid_nrbac_roles": []map[string]any{
			{"person_roleid": "role-1", "org_code": "RYF", "role_code": "S8000:G8000:R1070"},
			{"person_roleid": "role-2", "org_code": "J81900", "role_code": "S0010:G0020:R0260"},
		},
	}
	return apply(c, change)
}

func (i *testIssuer) systemClaims(change set) map[string]any {
	now := i.now()
	return apply(map[string]any{
		"iss": i.server.URL, "sub": "feed-r0d", "aud": audience, "azp": "feed-r0d", "client_id": "feed-r0d",
		"jti": "token-2", "exp": now.Add(time.Minute).Unix(), "ods_code": "RBD",
	}, change)
}

func apply(c map[string]any, change set) map[string]any {
	for name, value := range change {
		c[name] = value
		if value == nil {
			delete(c, name)
		}
	}
	return c
}

// signed by the issuer's current key.
func (i *testIssuer) signed(claims map[string]any) string {
	i.mu.Lock()
	key := i.keys[0]
	i.mu.Unlock()
	return i.signedWith(jose.RS256, key.Key.(crypto.Signer), key.KeyID, "at+jwt", claims)
}

func (i *testIssuer) signedWith(alg jose.SignatureAlgorithm, key any, id, typ string, claims map[string]any) string {
	i.t.Helper()
	options := &jose.SignerOptions{}
	if typ != "" {
		options = options.WithType(jose.ContentType(typ))
	}
	if id != "" {
		options = options.WithHeader("kid", id)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, options)
	if err != nil {
		i.t.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		i.t.Fatal(err)
	}
	object, err := signer.Sign(payload)
	if err != nil {
		i.t.Fatal(err)
	}
	token, err := object.CompactSerialize()
	if err != nil {
		i.t.Fatal(err)
	}
	return token
}
