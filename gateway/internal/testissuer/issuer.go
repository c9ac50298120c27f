// Package testissuer is an OIDC issuer for the gateway's tests: behind TLS, with
// keys and metadata that a test can change. Nothing but tests imports it.
package testissuer

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

// Audience of its tokens.
const Audience = "dorset-care-record"

// Issuer is an issuer whose keys and metadata a test can change, under With.
type Issuer struct {
	// URL of the issuer.
	URL string
	// Now is its clock, and that of verifiers made by Verifier.
	Now func() time.Time
	// Keys are private; the first one signs.
	Keys []jose.JSONWebKey
	// Metadata is its discovery document.
	Metadata map[string]any
	// Down makes it answer 503.
	Down bool
	// Reads counts how often its keys were read.
	Reads int

	t      testing.TB
	server *httptest.Server
	mu     sync.Mutex
}

// New starts an issuer that stops with the test.
func New(t testing.TB) *Issuer {
	t.Helper()
	i := &Issuer{t: t, Now: time.Now}
	i.server = httptest.NewTLSServer(http.HandlerFunc(i.serve))
	t.Cleanup(i.server.Close)
	i.URL = i.server.URL
	i.Metadata = map[string]any{"issuer": i.server.URL, "jwks_uri": i.server.URL + "/keys"}
	i.Rotate("k1")
	return i
}

func (i *Issuer) serve(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	var answer any = i.Metadata
	switch {
	case i.Down:
		http.Error(w, "down", http.StatusServiceUnavailable)
		return
	case r.URL.Path == "/keys":
		i.Reads++
		set := jose.JSONWebKeySet{}
		for _, k := range i.Keys {
			set.Keys = append(set.Keys, k.Public())
		}
		answer = set
	}
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		i.t.Error(err)
	}
}

// Rotate puts a new signing key in front of the others.
func (i *Issuer) Rotate(id string) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		i.t.Fatal(err)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.Keys = append([]jose.JSONWebKey{{Key: key, KeyID: id, Algorithm: "RS256", Use: "sig"}}, i.Keys...)
}

// With changes the issuer under its lock.
func (i *Issuer) With(change func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	change()
}

// CAFile holds the issuer's authority.
func (i *Issuer) CAFile() string {
	file := filepath.Join(i.t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: i.server.Certificate().Raw})
	if err := os.WriteFile(file, text, 0o600); err != nil {
		i.t.Fatal(err)
	}
	return file
}

// Config trusts it for staff and systems of a few organisations.
func (i *Issuer) Config() authn.Issuer {
	return authn.Issuer{
		URL: i.server.URL, Audience: Audience, Kinds: []string{authn.KindStaff, authn.KindSystem},
		CAFile: i.CAFile(), Organisations: []string{"RYF", "J81*"}, RoleCodes: []string{"R*"},
	}
}

// Verifier of this issuer alone; change has the last word on its configuration.
func (i *Issuer) Verifier(change ...func(*authn.Issuer)) *authn.Verifier {
	i.t.Helper()
	c := i.Config()
	for _, f := range change {
		f(&c)
	}
	v, err := authn.New(authn.Config{Issuers: []authn.Issuer{c}}, slog.New(slog.DiscardHandler), i.Now)
	if err != nil {
		i.t.Fatal(err)
	}
	return v
}

// Set is claims to change; a nil value removes the claim.
type Set map[string]any

// StaffClaims are those of a paramedic of RYF, in CIS2's shape.
func (i *Issuer) StaffClaims(change Set) map[string]any {
	now := i.Now()
	c := map[string]any{
		"iss": i.server.URL, "sub": "998800000201", "aud": []string{Audience}, "azp": "app", "sid": "session-1",
		"jti": "token-1", "iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(time.Minute).Unix(), "acr": "AAL3_ANY",
		"selected_roleid": "role-1",
		"nhsid_nrbac_roles": []map[string]any{
			{"person_roleid": "role-1", "org_code": "RYF", "role_code": "S8000:G8000:R1070"},
			{"person_roleid": "role-2", "org_code": "J81900", "role_code": "S0010:G0020:R0260"},
		},
	}
	return apply(c, change)
}

// SystemClaims are those of a partner's client.
func (i *Issuer) SystemClaims(change Set) map[string]any {
	now := i.Now()
	return apply(map[string]any{
		"iss": i.server.URL, "sub": "feed-r0d", "aud": Audience, "azp": "feed-r0d", "client_id": "feed-r0d",
		"jti": "token-2", "exp": now.Add(time.Minute).Unix(), "ods_code": "RBD",
	}, change)
}

func apply(c map[string]any, change Set) map[string]any {
	for name, value := range change {
		c[name] = value
		if value == nil {
			delete(c, name)
		}
	}
	return c
}

// Signed is a token signed by the issuer's current key.
func (i *Issuer) Signed(claims map[string]any) string {
	i.mu.Lock()
	key := i.Keys[0]
	i.mu.Unlock()
	return i.SignedWith(jose.RS256, key.Key.(crypto.Signer), key.KeyID, "at+jwt", claims)
}

// SignedWith is a token signed with any key and header.
func (i *Issuer) SignedWith(alg jose.SignatureAlgorithm, key any, id, typ string, claims map[string]any) string {
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
