package authn

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	fetchLimit    = 5 * time.Second
	maxDocument   = 1 << 20
	discoveryPath = "/.well-known/openid-configuration"
)

// source reads an issuer's discovery document and keys over HTTPS.
type source struct {
	issuer Issuer
	client *http.Client
}

// newSource makes the HTTPS client of an issuer. It fails when the authorities
// cannot be read.
func newSource(i Issuer) (source, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if i.CAFile != "" {
		pem, err := os.ReadFile(i.CAFile)
		if err != nil {
			return source{}, fmt.Errorf("read authorities of issuer %s: %w", i.URL, err)
		}
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(pem) {
			return source{}, fmt.Errorf("authorities of issuer %s: no certificate in the file", i.URL)
		}
	}
	client := &http.Client{
		Timeout:   fetchLimit,
		Transport: &http.Transport{TLSClientConfig: conf, Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, MaxIdleConns: 2, IdleConnTimeout: time.Minute},
		// Keys come from where the issuer says, and nowhere else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return source{issuer: i, client: client}, nil
}

// discovery is what is needed of an issuer's metadata.
type discovery struct {
	Issuer        string `json:"issuer"`
	KeysURL       string `json:"jwks_uri"`
	Demonstration bool   `json:"dcr_demonstration"`
}

// keys reads the issuer's keys as it publishes them now. Its metadata is read
// each time too, so that an issuer may move its keys.
func (s source) keys(ctx context.Context) (map[string]jose.JSONWebKey, error) {
	var d discovery
	if err := s.get(ctx, strings.TrimRight(s.issuer.URL, "/")+discoveryPath, &d); err != nil {
		return nil, fmt.Errorf("read issuer's metadata: %w", err)
	}
	if d.Issuer != s.issuer.URL {
		return nil, errors.New("read issuer's metadata: it is another issuer's")
	}
	if d.Demonstration && !s.issuer.Demonstration {
		return nil, errors.New("read issuer's metadata: it is a demonstration issuer's, and is not configured as one")
	}
	if u, err := url.Parse(d.KeysURL); err != nil || u.Scheme != "https" || u.Host == "" {
		return nil, errors.New("read issuer's metadata: its keys are not behind https")
	}
	var set jose.JSONWebKeySet
	if err := s.get(ctx, d.KeysURL, &set); err != nil {
		return nil, fmt.Errorf("read issuer's keys: %w", err)
	}
	usable := map[string]jose.JSONWebKey{}
	for _, k := range set.Keys {
		if k.KeyID != "" && (k.Use == "" || k.Use == "sig") && k.IsPublic() && k.Valid() {
			usable[k.KeyID] = k
		}
	}
	if len(usable) == 0 {
		return nil, errors.New("read issuer's keys: none is usable")
	}
	return usable, nil
}

func (s source) get(ctx context.Context, from string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("Accept", "application/json")
	resp, err := s.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the issuer answers with status %d", resp.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxDocument+1))
	if err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if len(text) > maxDocument {
		return errors.New("the issuer's answer is too long")
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("parse answer: %w", err)
	}
	return nil
}
