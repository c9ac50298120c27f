package issuer

import (
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// signIn is one run of the code flow, from the authorization request to the exchange of the code.
type signIn struct {
	id       string
	session  string
	ask      oidc.AuthRequest
	audience string
	expires  time.Time

	// Set by the login page.
	person Person
	roleID string
	at     time.Time
}

var _ op.AuthRequest = (*signIn)(nil)

func (s *signIn) GetID() string          { return s.id }
func (s *signIn) GetACR() string         { return s.person.acr() }
func (s *signIn) GetAMR() []string       { return []string{method} }
func (s *signIn) GetAudience() []string  { return []string{s.audience} }
func (s *signIn) GetAuthTime() time.Time { return s.at }
func (s *signIn) GetClientID() string    { return s.ask.ClientID }
func (s *signIn) GetCodeChallenge() *oidc.CodeChallenge {
	return &oidc.CodeChallenge{Challenge: s.ask.CodeChallenge, Method: s.ask.CodeChallengeMethod}
}
func (s *signIn) GetNonce() string                   { return s.ask.Nonce }
func (s *signIn) GetRedirectURI() string             { return s.ask.RedirectURI }
func (s *signIn) GetResponseType() oidc.ResponseType { return s.ask.ResponseType }
func (s *signIn) GetResponseMode() oidc.ResponseMode { return s.ask.ResponseMode }
func (s *signIn) GetScopes() []string                { return s.ask.Scopes }
func (s *signIn) GetState() string                   { return s.ask.State }
func (s *signIn) GetSubject() string                 { return s.person.Subject }
func (s *signIn) Done() bool                         { return s.person.Subject != "" }

// claims of the access token beyond the registered ones.
func (s *signIn) claims() map[string]any {
	claims := s.person.claims(s.roleID)
	claims["azp"] = s.ask.ClientID
	claims["sid"] = s.session
	claims["acr"] = s.GetACR()
	claims["amr"] = s.GetAMR()
	claims["auth_time"] = s.at.Unix()
	return claims
}

// systemGrant is a client credentials request that has been authenticated.
type systemGrant struct {
	client   Client
	audience string
	scopes   []string
}

var _ op.TokenRequest = systemGrant{}

func (g systemGrant) GetSubject() string    { return g.client.ID }
func (g systemGrant) GetAudience() []string { return []string{g.audience} }
func (g systemGrant) GetScopes() []string   { return g.scopes }

// claims of a system's token: who asked, and whatever unproven extras the configuration adds.
func (g systemGrant) claims() map[string]any {
	claims := map[string]any{"azp": g.client.ID}
	for name, value := range g.client.Claims {
		if name != "azp" {
			claims[name] = value
		}
	}
	return claims
}
