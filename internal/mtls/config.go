// Package mtls is the identity of a process towards the others: a certificate,
// its key and the authorities it believes, read from files and read again when
// the files change, so that certificates rotate without a restart.
//
// A certificate's name is the path of its SPIFFE id: spiffe://<trust
// domain>/<name>. Who may call what is decided by name in package rpc, since a
// refusal inside TLS 1.3 looks to the client like an outage and is retried.
package mtls

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/spiffe/go-spiffe/v2/spiffeid"
)

// TrustDomain is the trust domain of the suite unless configuration says
// otherwise.
const TrustDomain = "dorsetcarerecord"

// defaultReload is how old the last look at the files may be at a handshake.
const defaultReload = 10 * time.Second

// Config says where the identity of a process lies. All three files are
// needed: there is no mode without TLS.
type Config struct {
	CertFile    string        `name:"tls-cert-file" env:"DCR_TLS_CERT_FILE" help:"PEM certificate of this process, leaf first; its SPIFFE id names it."`
	KeyFile     string        `name:"tls-key-file" env:"DCR_TLS_KEY_FILE" help:"PEM private key (PKCS #8) of the certificate."`
	CAFile      string        `name:"tls-ca-file" env:"DCR_TLS_CA_FILE" help:"PEM certificates of the authorities that peers are checked against."`
	TrustDomain string        `name:"tls-trust-domain" env:"DCR_TLS_TRUST_DOMAIN" default:"dorsetcarerecord" help:"SPIFFE trust domain of this process and of its peers."`
	Reload      time.Duration `name:"tls-reload" env:"DCR_TLS_RELOAD" default:"10s" help:"How long after a look at the files the next handshake looks again."`

	// Now is the clock; time.Now when nil.
	Now func() time.Time `kong:"-"`
	// Log is told of rotations and of new files that cannot be used; nothing
	// is logged when nil.
	Log *slog.Logger `kong:"-"`
}

// check refuses a configuration that is not whole, naming each setting.
func (c Config) check() error {
	var missing []error
	for _, f := range []struct{ setting, value string }{
		{"DCR_TLS_CERT_FILE", c.CertFile},
		{"DCR_TLS_KEY_FILE", c.KeyFile},
		{"DCR_TLS_CA_FILE", c.CAFile},
	} {
		if f.value == "" {
			missing = append(missing, fmt.Errorf("%s is not set", f.setting))
		}
	}
	if c.Reload < 0 {
		missing = append(missing, errors.New("DCR_TLS_RELOAD is negative"))
	}
	return errors.Join(missing...)
}

func (c Config) withDefaults() Config {
	if c.TrustDomain == "" {
		c.TrustDomain = TrustDomain
	}
	if c.Reload == 0 {
		c.Reload = defaultReload
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

func (c Config) trustDomain() (spiffeid.TrustDomain, error) {
	td, err := spiffeid.TrustDomainFromString(c.TrustDomain)
	if err != nil {
		return td, fmt.Errorf("DCR_TLS_TRUST_DOMAIN: %w", err)
	}
	return td, nil
}
