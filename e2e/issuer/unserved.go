package issuer

import (
	"context"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// The library's storage interface also covers features that the issuer does not serve: refresh tokens, sessions to end,
// revocation, introspection and JWT assertions. Each refuses.

// CreateAccessAndRefreshTokens refuses: there are no refresh tokens, access tokens outlive the run.
func (s *store) CreateAccessAndRefreshTokens(context.Context, op.TokenRequest, string) (string, string, time.Time, error) {
	return "", "", time.Time{}, errNotServed
}

// TokenRequestByRefreshToken refuses.
func (s *store) TokenRequestByRefreshToken(context.Context, string) (op.RefreshTokenRequest, error) {
	return nil, errNotServed
}

// TerminateSession refuses.
func (s *store) TerminateSession(context.Context, string, string) error { return errNotServed }

// RevokeToken refuses.
func (s *store) RevokeToken(context.Context, string, string, string) *oidc.Error {
	return oidc.ErrServerError().WithParent(errNotServed)
}

// GetRefreshTokenInfo refuses.
func (s *store) GetRefreshTokenInfo(context.Context, string, string) (string, string, error) {
	return "", "", op.ErrInvalidRefreshToken
}

// SetUserinfoFromScopes does nothing: the library asks SetUserinfoFromRequest instead and keeps this one for old storages.
func (s *store) SetUserinfoFromScopes(context.Context, *oidc.UserInfo, string, string, []string) error {
	return nil
}

// SetIntrospectionFromToken refuses.
func (s *store) SetIntrospectionFromToken(context.Context, *oidc.IntrospectionResponse, string, string, string) error {
	return errNotServed
}

// GetPrivateClaimsFromScopes refuses: claims come from GetPrivateClaimsFromRequest.
func (s *store) GetPrivateClaimsFromScopes(context.Context, string, string, []string) (map[string]any, error) {
	return nil, errNotServed
}

// GetKeyByIDAndClientID refuses: no client signs assertions.
func (s *store) GetKeyByIDAndClientID(context.Context, string, string) (*jose.JSONWebKey, error) {
	return nil, errNotServed
}

// ValidateJWTProfileScopes refuses.
func (s *store) ValidateJWTProfileScopes(context.Context, string, []string) ([]string, error) {
	return nil, errNotServed
}
