package issuer

import (
	"net/url"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// idTokenLifetime of ID tokens, which a client reads once, at sign-in.
const idTokenLifetime = time.Hour

// application is a Client as the protocol library wants to see it.
type application struct {
	client Client
	login  string
}

var _ op.Client = application{}

func (a application) GetID() string                    { return a.client.ID }
func (a application) RedirectURIs() []string           { return a.client.RedirectURIs }
func (a application) PostLogoutRedirectURIs() []string { return nil }

// ApplicationType is native without a secret: for those the library matches loopback redirects whatever their port.
func (a application) ApplicationType() op.ApplicationType {
	if a.client.Secret == "" {
		return op.ApplicationTypeNative
	}
	return op.ApplicationTypeWeb
}

// AuthMethod none makes the library insist on PKCE; CreateAuthRequest insists on it for everybody.
func (a application) AuthMethod() oidc.AuthMethod {
	if a.client.Secret == "" {
		return oidc.AuthMethodNone
	}
	return oidc.AuthMethodBasic
}

func (a application) ResponseTypes() []oidc.ResponseType {
	if a.client.system() {
		return nil
	}
	return []oidc.ResponseType{oidc.ResponseTypeCode}
}

func (a application) GrantTypes() []oidc.GrantType {
	if a.client.system() {
		return []oidc.GrantType{oidc.GrantTypeClientCredentials}
	}
	return []oidc.GrantType{oidc.GrantTypeCode}
}

func (a application) LoginURL(id string) string { return a.login + "?id=" + url.QueryEscape(id) }

func (a application) AccessTokenType() op.AccessTokenType  { return op.AccessTokenTypeJWT }
func (a application) IDTokenLifetime() time.Duration       { return idTokenLifetime }
func (a application) DevMode() bool                        { return false }
func (a application) IsScopeAllowed(string) bool           { return false }
func (a application) IDTokenUserinfoClaimsAssertion() bool { return true }
func (a application) ClockSkew() time.Duration             { return 0 }

func (a application) RestrictAdditionalIdTokenScopes() func([]string) []string     { return sameScopes }
func (a application) RestrictAdditionalAccessTokenScopes() func([]string) []string { return sameScopes }

func sameScopes(scopes []string) []string { return scopes }
