// Package credential gets the access tokens of partners' systems: from the one-command stack's own file, or from an
// OpenID Connect issuer by the client credentials grant.
package credential

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"
)

// ErrNoToken means that there are no credentials for a sender: its bundles cannot be sent.
var ErrNoToken = errors.New("no credentials for this sender")

// Source gives tokens. Its errors hold neither tokens nor secrets.
type Source interface {
	// Token is a bearer token of the organisation's system. fresh asks for another than the one given before,
	// which was not accepted; a source that has no other gives the same. ErrNoToken when the organisation is not
	// one of its own.
	Token(ctx context.Context, odsCode string, fresh bool) (string, error)
}

// callLimit bounds a call, a bundle of 16 MiB over a slow line included.
const callLimit = 2 * time.Minute

// HTTP makes a client that believes the authorities of a PEM file, or the system's when it is empty. It follows no
// redirect, which could carry a token elsewhere.
func HTTP(caFile string) (*http.Client, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if caFile != "" {
		pem, err := os.ReadFile(caFile)
		if err != nil {
			return nil, fmt.Errorf("read authorities: %w", err)
		}
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s holds no certificate", caFile)
		}
	}
	return &http.Client{
		Timeout:       callLimit,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			TLSClientConfig:     conf,
			ForceAttemptHTTP2:   true,
			MaxIdleConnsPerHost: 64,
			TLSHandshakeTimeout: 10 * time.Second,
			IdleConnTimeout:     30 * time.Second,
		},
	}, nil
}
