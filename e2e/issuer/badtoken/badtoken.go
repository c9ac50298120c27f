// Package badtoken makes the tokens that a gateway must refuse, each from a good one with a single thing wrong. Some need
// the issuer's own signing key, which is read from its key folder: no endpoint anywhere mints them.
package badtoken

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/dorsetcarerecord/dcr/e2e/issuer/keyring"
)

// Maker makes bad tokens in the name of one issuer.
type Maker struct {
	ring     *keyring.Ring
	stranger *rsa.PrivateKey
	now      func() time.Time
}

// Bad is a token and what is wrong with it.
type Bad struct {
	// Name of the fault, fit for a subtest.
	Name string
	// Token to present.
	Token string
}

// Open reads the signing keys of the issuer whose Config.KeyDir is given.
func Open(keyDir string, now func() time.Time) (*Maker, error) {
	ring, err := keyring.Open(keyDir)
	if err != nil {
		return nil, fmt.Errorf("open issuer's keys: %w", err)
	}
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, fmt.Errorf("make a stranger's key: %w", err)
	}
	return &Maker{ring: ring, stranger: stranger, now: now}, nil
}

// All makes every kind of bad token from a good one.
func (m *Maker) All(good string) ([]Bad, error) {
	kinds := []struct {
		name string
		make func(string) (string, error)
	}{
		{"expired", m.Expired},
		{"not yet valid", m.NotYetValid},
		{"without expiry", m.WithoutExpiry},
		{"wrong audience", m.WrongAudience},
		{"wrong issuer", m.WrongIssuer},
		{"alg none", m.AlgNone},
		{"unsigned", m.Unsigned},
		{"wrong key", m.WrongKey},
		{"unknown key id", m.UnknownKeyID},
		{"public key as HMAC secret", m.PublicKeyAsSecret},
		{"tampered payload", m.Tampered},
		{"not a token", func(string) (string, error) { return "not-a-token", nil }},
	}
	var all []Bad
	for _, kind := range kinds {
		token, err := kind.make(good)
		if err != nil {
			return nil, fmt.Errorf("make token %q: %w", kind.name, err)
		}
		all = append(all, Bad{kind.name, token})
	}
	return all, nil
}

// Resigned is the good token with other claims, signed by the issuer's own key: what the issuer could have said. A nil
// value removes the claim.
func (m *Maker) Resigned(good string, claims map[string]any) (string, error) {
	changed, err := change(good, claims)
	if err != nil {
		return "", err
	}
	key := m.ring.Current()
	return sign(jose.SigningKey{Algorithm: keyring.Algorithm, Key: key.Key}, key.KeyID, changed)
}

// Expired a minute more than an hour ago, beyond any clock leeway.
func (m *Maker) Expired(good string) (string, error) {
	return m.Resigned(good, map[string]any{"exp": m.now().Add(-time.Hour - time.Minute).Unix()})
}

// NotYetValid for another hour.
func (m *Maker) NotYetValid(good string) (string, error) {
	return m.Resigned(good, map[string]any{"nbf": m.now().Add(time.Hour).Unix()})
}

// WithoutExpiry would be valid for ever.
func (m *Maker) WithoutExpiry(good string) (string, error) {
	return m.Resigned(good, map[string]any{"exp": nil})
}

// WrongAudience is meant for somebody else.
func (m *Maker) WrongAudience(good string) (string, error) {
	return m.Resigned(good, map[string]any{"aud": []string{"another-service"}})
}

// WrongIssuer names an issuer that nobody configured.
func (m *Maker) WrongIssuer(good string) (string, error) {
	return m.Resigned(good, map[string]any{"iss": "https://issuer.invalid/demonstration"})
}

// AlgNone says that it needs no signature, and has none (RFC 7519 section 6).
func (m *Maker) AlgNone(good string) (string, error) {
	payload, err := part(good, 1)
	if err != nil {
		return "", err
	}
	header := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`))
	return header + "." + base64.RawURLEncoding.EncodeToString(payload) + ".", nil
}

// Unsigned is the good token with its signature cut off.
func (m *Maker) Unsigned(good string) (string, error) {
	cut := strings.LastIndexByte(good, '.')
	if cut < 0 {
		return "", errors.New("not a JWT")
	}
	return good[:cut+1], nil
}

// WrongKey is signed by a stranger under the issuer's key id.
func (m *Maker) WrongKey(good string) (string, error) {
	return m.byStranger(good, m.ring.Current().KeyID)
}

// UnknownKeyID is signed by a stranger under a key id that the issuer never published.
func (m *Maker) UnknownKeyID(good string) (string, error) { return m.byStranger(good, "stranger") }

// PublicKeyAsSecret uses the issuer's public key as an HMAC secret: a verifier that takes the algorithm from the token
// would accept it.
func (m *Maker) PublicKeyAsSecret(good string) (string, error) {
	payload, err := part(good, 1)
	if err != nil {
		return "", err
	}
	key := m.ring.Current()
	der, err := x509.MarshalPKIXPublicKey(key.Public().Key)
	if err != nil {
		return "", fmt.Errorf("encode public key: %w", err)
	}
	secret := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	return sign(jose.SigningKey{Algorithm: jose.HS256, Key: secret}, key.KeyID, payload)
}

// Tampered carries another subject under the good token's signature.
func (m *Maker) Tampered(good string) (string, error) {
	changed, err := change(good, map[string]any{"sub": "somebody-else"})
	if err != nil {
		return "", err
	}
	parts := strings.Split(good, ".")
	return parts[0] + "." + base64.RawURLEncoding.EncodeToString(changed) + "." + parts[2], nil
}

func (m *Maker) byStranger(good, keyID string) (string, error) {
	payload, err := part(good, 1)
	if err != nil {
		return "", err
	}
	return sign(jose.SigningKey{Algorithm: keyring.Algorithm, Key: m.stranger}, keyID, payload)
}

// part decodes one of a JWT's three parts.
func part(token string, n int) ([]byte, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, errors.New("not a JWT")
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[n])
	if err != nil {
		return nil, fmt.Errorf("decode JWT: %w", err)
	}
	return text, nil
}

// change rewrites claims of a token's payload.
func change(token string, claims map[string]any) ([]byte, error) {
	payload, err := part(token, 1)
	if err != nil {
		return nil, err
	}
	all := map[string]json.RawMessage{}
	if err := json.Unmarshal(payload, &all); err != nil {
		return nil, fmt.Errorf("decode claims: %w", err)
	}
	for name, value := range claims {
		if value == nil {
			delete(all, name)
			continue
		}
		if all[name], err = json.Marshal(value); err != nil {
			return nil, fmt.Errorf("encode claim %s: %w", name, err)
		}
	}
	return json.Marshal(all)
}

func sign(key jose.SigningKey, keyID string, payload []byte) (string, error) {
	signer, err := jose.NewSigner(key, (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", keyID))
	if err != nil {
		return "", fmt.Errorf("make signer: %w", err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	return signed.CompactSerialize()
}
