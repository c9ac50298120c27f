package issuer

import (
	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// signingKey is a key of the ring as the protocol library wants to see it, for signing and for publishing.
type signingKey struct{ jwk jose.JSONWebKey }

var (
	_ op.SigningKey = signingKey{}
	_ op.Key        = signingKey{}
)

func (k signingKey) ID() string  { return k.jwk.KeyID }
func (k signingKey) Key() any    { return k.jwk.Key }
func (k signingKey) Use() string { return k.jwk.Use }
func (k signingKey) Algorithm() jose.SignatureAlgorithm {
	return jose.SignatureAlgorithm(k.jwk.Algorithm)
}
func (k signingKey) SignatureAlgorithm() jose.SignatureAlgorithm { return k.Algorithm() }
