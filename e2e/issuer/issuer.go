package issuer

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/dorsetcarerecord/dcr/e2e/issuer/keyring"
)

// maxBody is the largest request that is read, in bytes; all of them are short forms.
const maxBody = 64 << 10

// Issuer is one running demonstration issuer. Its state, but for the keys, lives in memory.
type Issuer struct {
	config  Config
	keys    *keyring.Ring
	store   *store
	handler http.Handler
}

// New makes an issuer from its configuration. An error says what is wrong with the configuration or the key folder.
func New(config Config) (*Issuer, error) {
	config, err := config.normalise()
	if err != nil {
		return nil, fmt.Errorf("issuer configuration: %w", err)
	}
	keys, err := keyring.Open(config.KeyDir)
	if err != nil {
		return nil, err
	}
	i := &Issuer{config: config, keys: keys, store: newStore(config, keys)}
	provider, err := newProvider(config, i.store)
	if err != nil {
		return nil, err
	}
	i.handler = i.routes(provider)
	return i, nil
}

// URL is the issuer's identifier, the "iss" of its tokens.
func (i *Issuer) URL() string { return i.config.URL }

// Handler serves the issuer below the path of its URL, and /livez.
func (i *Issuer) Handler() http.Handler { return i.handler }

// Rotate makes a new signing key; tokens that earlier keys signed stay valid until Retire.
func (i *Issuer) Rotate() error { return i.keys.Rotate() }

// Retire stops publishing all keys but the one that signs.
func (i *Issuer) Retire() error { return i.keys.Retire() }

func newProvider(config Config, store *store) (*op.Provider, error) {
	options := []op.Option{op.WithLogger(config.Log), op.WithCORSOptions(nil)}
	if config.AllowHTTP {
		options = append(options, op.WithAllowInsecure())
	}
	settings := &op.Config{CodeMethodS256: true, AuthMethodPost: true}
	// The key encrypts authorization codes only; they do not outlive the process.
	if _, err := rand.Read(settings.CryptoKey[:]); err != nil {
		return nil, fmt.Errorf("make code key: %w", err)
	}
	provider, err := op.NewProvider(settings, store, op.StaticIssuer(config.URL), options...)
	if err != nil {
		return nil, fmt.Errorf("make provider: %w", err)
	}
	return provider, nil
}

// routes lists what is served. The library serves more (introspection, revocation, device flow, end of session); what is
// not listed here does not exist.
func (i *Issuer) routes(provider *op.Provider) http.Handler {
	base := i.path()
	protocol := http.StripPrefix(base, provider)
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+base+"/.well-known/openid-configuration", i.discover(provider))
	mux.Handle(base+"/authorize", protocol)
	mux.Handle("GET "+base+"/authorize/callback", protocol)
	mux.Handle("POST "+base+"/oauth/token", protocol)
	mux.Handle("GET "+base+"/userinfo", protocol)
	mux.Handle("GET "+base+"/keys", protocol)
	mux.HandleFunc("GET "+base+"/login", i.showLogin)
	mux.Handle("POST "+base+"/login", http.NewCrossOriginProtection().Handler(http.HandlerFunc(i.acceptLogin)))
	mux.HandleFunc("GET "+base+"/login.css", serveLoginStyle)
	if i.config.ControlSecret != "" {
		mux.HandleFunc("POST "+base+"/control/rotate-keys", i.rotateKeys)
	}
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	return http.MaxBytesHandler(mux, maxBody)
}

// path of the issuer's URL; normalise has parsed it before.
func (i *Issuer) path() string {
	u, err := url.Parse(i.config.URL)
	if err != nil {
		return PathSuffix
	}
	return u.Path
}

// lifetime of access tokens.
func (c Config) lifetime() time.Duration { return time.Duration(c.TokenLifetimeSeconds) * time.Second }
