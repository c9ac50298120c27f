package issuer

import (
	"context"
	"crypto/subtle"
	"errors"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/dorsetcarerecord/dcr/e2e/issuer/keyring"
)

// signInLifetime is how long somebody may take from the authorization request to the exchange of the code.
const signInLifetime = 10 * time.Minute

// errNotServed answers for the library's features that this issuer does not switch on.
var errNotServed = errors.New("not served by the demonstration issuer")

// store is the library's storage: configuration, keys, and the sign-ins and tokens of this process, in memory.
type store struct {
	config  Config
	keys    *keyring.Ring
	people  map[string]Person
	clients map[string]Client

	mu      sync.Mutex
	signIns map[string]*signIn
	codes   map[string]string // code to sign-in id
	tokens  map[string]token
}

// token is what the user info endpoint needs to know of an access token.
type token struct {
	person  Person
	roleID  string
	expires time.Time
}

var (
	_ op.Storage                        = (*store)(nil)
	_ op.ClientCredentialsStorage       = (*store)(nil)
	_ op.CanGetPrivateClaimsFromRequest = (*store)(nil)
	_ op.CanSetUserinfoFromRequest      = (*store)(nil)
)

func newStore(config Config, keys *keyring.Ring) *store {
	s := &store{
		config: config, keys: keys,
		people: map[string]Person{}, clients: map[string]Client{},
		signIns: map[string]*signIn{}, codes: map[string]string{}, tokens: map[string]token{},
	}
	for _, p := range config.People {
		s.people[p.Subject] = p
	}
	for _, c := range config.Clients {
		s.clients[c.ID] = c
	}
	return s
}

// CreateAuthRequest begins a sign-in. PKCE with S256 is needed from every client, confidential ones included.
func (s *store) CreateAuthRequest(_ context.Context, ask *oidc.AuthRequest, _ string) (op.AuthRequest, error) {
	if ask.CodeChallenge == "" || ask.CodeChallengeMethod != oidc.CodeChallengeMethodS256 {
		return nil, oidc.ErrInvalidRequest().WithDescription("PKCE with code_challenge_method S256 is required")
	}
	now := s.config.Now()
	started := &signIn{
		id: uuid.NewString(), session: uuid.NewString(), ask: *ask,
		audience: s.config.Audience, expires: now.Add(signInLifetime),
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget(now)
	s.signIns[started.id] = started
	return started.copy(), nil
}

// forget drops what has expired. Called with the lock held.
func (s *store) forget(now time.Time) {
	for id, started := range s.signIns {
		if now.After(started.expires) {
			delete(s.signIns, id)
		}
	}
	for code, id := range s.codes {
		if s.signIns[id] == nil {
			delete(s.codes, code)
		}
	}
	for id, issued := range s.tokens {
		if now.After(issued.expires) {
			delete(s.tokens, id)
		}
	}
}

// copy keeps callers from reading what the login page may be writing.
func (s *signIn) copy() *signIn {
	c := *s
	return &c
}

// AuthRequestByID finds a sign-in that is still open.
func (s *store) AuthRequestByID(_ context.Context, id string) (op.AuthRequest, error) {
	found, err := s.signIn(id)
	if err != nil {
		return nil, err
	}
	return found, nil
}

func (s *store) signIn(id string) (*signIn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.signIns[id]
	if found == nil || s.config.Now().After(found.expires) {
		return nil, oidc.ErrInvalidRequest().WithDescription("this sign-in is unknown or has expired")
	}
	return found.copy(), nil
}

// complete records who the login page chose.
func (s *store) complete(id string, person Person, roleID string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.signIns[id]
	if found == nil || s.config.Now().After(found.expires) {
		return errors.New("this sign-in is unknown or has expired")
	}
	found.person, found.roleID, found.at = person, roleID, s.config.Now()
	return nil
}

// SaveAuthCode remembers the code of a sign-in.
func (s *store) SaveAuthCode(_ context.Context, id, code string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.codes[code] = id
	return nil
}

// AuthRequestByCode uses a code up: whoever presents it, with a right or a wrong verifier, is the last who can. A code
// that was seen once is worthless to whoever stole it.
func (s *store) AuthRequestByCode(_ context.Context, code string) (op.AuthRequest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.signIns[s.codes[code]]
	if found == nil || s.config.Now().After(found.expires) {
		return nil, errors.New("code unknown, used or expired")
	}
	delete(s.codes, code)
	delete(s.signIns, found.id)
	return found.copy(), nil
}

// DeleteAuthRequest ends a sign-in.
func (s *store) DeleteAuthRequest(_ context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.signIns, id)
	return nil
}

// CreateAccessToken names a new access token and says when it ends.
func (s *store) CreateAccessToken(_ context.Context, request op.TokenRequest) (string, time.Time, error) {
	id, expires := uuid.NewString(), s.config.Now().Add(s.config.lifetime())
	if from, ok := request.(*signIn); ok {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.tokens[id] = token{person: from.person, roleID: from.roleID, expires: expires}
	}
	return id, expires, nil
}

// GetPrivateClaimsFromRequest gives the access token its claims beyond the registered ones.
func (s *store) GetPrivateClaimsFromRequest(_ context.Context, request op.TokenRequest, _ []string) (map[string]any, error) {
	switch from := request.(type) {
	case *signIn:
		return from.claims(), nil
	case systemGrant:
		return from.claims(), nil
	default:
		return nil, errNotServed
	}
}

// SetUserinfoFromRequest fills the ID token: a name and no role, so that an ID token that is presented to the gateway in
// place of an access token carries nothing to act on.
func (s *store) SetUserinfoFromRequest(_ context.Context, info *oidc.UserInfo, request op.IDTokenRequest, _ []string) error {
	info.Name = s.people[request.GetSubject()].Name
	return nil
}

// SetUserinfoFromToken answers the user info endpoint, in CIS2's shape.
func (s *store) SetUserinfoFromToken(_ context.Context, info *oidc.UserInfo, tokenID, subject, _ string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	issued, ok := s.tokens[tokenID]
	if !ok || issued.person.Subject != subject {
		return errors.New("token unknown to this process")
	}
	info.Subject = subject
	for name, value := range issued.person.claims(issued.roleID) {
		info.AppendClaims(name, value)
	}
	return nil
}

// GetClientByClientID finds a client.
func (s *store) GetClientByClientID(_ context.Context, id string) (op.Client, error) {
	client, ok := s.clients[id]
	if !ok {
		return nil, errors.New("client unknown")
	}
	return application{client: client, login: s.config.URL + "/login"}, nil
}

// AuthorizeClientIDSecret checks a client's secret. A client without one never passes.
func (s *store) AuthorizeClientIDSecret(_ context.Context, id, secret string) error {
	client := s.clients[id]
	if client.Secret == "" || subtle.ConstantTimeCompare([]byte(client.Secret), []byte(secret)) != 1 {
		return errors.New("client unknown or secret wrong")
	}
	return nil
}

// ClientCredentials authenticates a partner system.
func (s *store) ClientCredentials(ctx context.Context, id, secret string) (op.Client, error) {
	if err := s.AuthorizeClientIDSecret(ctx, id, secret); err != nil {
		return nil, err
	}
	return s.GetClientByClientID(ctx, id)
}

// ClientCredentialsTokenRequest makes the grant of an authenticated system.
func (s *store) ClientCredentialsTokenRequest(_ context.Context, id string, scopes []string) (op.TokenRequest, error) {
	client, ok := s.clients[id]
	if !ok || !client.system() {
		return nil, oidc.ErrUnauthorizedClient()
	}
	return systemGrant{client: client, audience: s.config.Audience, scopes: scopes}, nil
}

// SigningKey is the key that signs now.
func (s *store) SigningKey(context.Context) (op.SigningKey, error) {
	return signingKey{s.keys.Current()}, nil
}

// SignatureAlgorithms lists the one algorithm in use.
func (s *store) SignatureAlgorithms(context.Context) ([]jose.SignatureAlgorithm, error) {
	return []jose.SignatureAlgorithm{keyring.Algorithm}, nil
}

// KeySet is what is published.
func (s *store) KeySet(context.Context) ([]op.Key, error) {
	var keys []op.Key
	for _, key := range s.keys.Public() {
		keys = append(keys, signingKey{key})
	}
	return keys, nil
}

// Health of a store in memory is good.
func (s *store) Health(context.Context) error { return nil }
