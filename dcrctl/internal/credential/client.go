package credential

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// discoveryLimit bounds what is read of an issuer's discovery document.
const discoveryLimit = 1 << 20

// Client is one organisation's system at an OpenID Connect issuer.
type Client struct {
	odsCode string
	config  clientcredentials.Config
	http    *http.Client

	mu     sync.Mutex
	tokens oauth2.TokenSource
}

// ClientConfig says which system this is.
type ClientConfig struct {
	// ODSCode of the organisation that the client is bound to in the suite's register.
	ODSCode string
	// Issuer is its https URL.
	Issuer string
	// ID of the client, and the file that holds its secret.
	ID, SecretFile string
	// Scopes to ask for, if the issuer wants any.
	Scopes []string
	HTTP   *http.Client
}

// NewClient asks the issuer where tokens are to be had.
func NewClient(ctx context.Context, cfg ClientConfig) (*Client, error) {
	secret, err := os.ReadFile(cfg.SecretFile)
	if err != nil {
		return nil, fmt.Errorf("read the client's secret: %w", err)
	}
	endpoint, err := discover(ctx, cfg.HTTP, cfg.Issuer)
	if err != nil {
		return nil, fmt.Errorf("discover the issuer: %w", err)
	}
	return &Client{odsCode: cfg.ODSCode, http: cfg.HTTP, config: clientcredentials.Config{
		ClientID: cfg.ID, ClientSecret: strings.TrimSpace(string(secret)), TokenURL: endpoint,
		Scopes: cfg.Scopes, AuthStyle: oauth2.AuthStyleInHeader,
	}}, nil
}

// discover reads the issuer's discovery document.
func discover(ctx context.Context, client *http.Client, issuer string) (string, error) {
	if !strings.HasPrefix(issuer, "https://") {
		return "", errors.New("the issuer is no https URL")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(issuer, "/")+"/.well-known/openid-configuration", nil)
	if err != nil {
		return "", err
	}
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var doc struct {
		Issuer        string `json:"issuer"`
		TokenEndpoint string `json:"token_endpoint"`
	}
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("status %d", resp.StatusCode)
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, discoveryLimit)).Decode(&doc); err != nil {
		return "", errors.New("the answer is no discovery document")
	}
	if strings.TrimRight(doc.Issuer, "/") != strings.TrimRight(issuer, "/") {
		return "", errors.New("the document is another issuer's")
	}
	if !strings.HasPrefix(doc.TokenEndpoint, "https://") {
		return "", errors.New("the token endpoint is no https URL")
	}
	return doc.TokenEndpoint, nil
}

// Token is kept until it is near its end.
func (c *Client) Token(ctx context.Context, odsCode string, fresh bool) (string, error) {
	if odsCode != c.odsCode {
		return "", ErrNoToken
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tokens == nil || fresh {
		// The source outlives this call, so it must not end with this call's context.
		c.tokens = c.config.TokenSource(context.WithValue(context.WithoutCancel(ctx), oauth2.HTTPClient, c.http))
	}
	token, err := c.tokens.Token()
	if err != nil {
		return "", fmt.Errorf("get a token: %w", withoutBody(err))
	}
	return token.AccessToken, nil
}

// withoutBody keeps the code of an issuer's refusal and not its whole answer, which may repeat what was sent.
func withoutBody(err error) error {
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) {
		return err
	}
	if refused.ErrorCode != "" {
		return fmt.Errorf("the issuer says %s", refused.ErrorCode)
	}
	if refused.Response != nil {
		return fmt.Errorf("the issuer answers %d", refused.Response.StatusCode)
	}
	return errors.New("the issuer refuses")
}
