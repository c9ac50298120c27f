// Package flow obtains tokens from an issuer as a real client would: staff tokens by the code flow with PKCE through the
// login page, system tokens by client credentials. It knows nothing of the issuer but its URL.
package flow

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// maxAnswer is the largest answer that is read, in bytes.
const maxAnswer = 1 << 20

// Client talks to one issuer.
type Client struct {
	http      *http.Client
	endpoints endpoints
}

// endpoints of the issuer's discovery document that the flows need.
type endpoints struct {
	Issuer        string `json:"issuer"`
	Authorization string `json:"authorization_endpoint"`
	Token         string `json:"token_endpoint"`
}

// Tokens is an issuer's answer.
type Tokens struct {
	// AccessToken is the JWT to present to the gateway.
	AccessToken string `json:"access_token"`
	// IDToken says who signed in; empty for systems.
	IDToken string `json:"id_token"`
	// ExpiresIn is in seconds.
	ExpiresIn int64 `json:"expires_in"`
}

// RefusedError is an OAuth error answer.
type RefusedError struct {
	// Status is the HTTP status.
	Status int `json:"-"`
	// Code is OAuth's error code, e.g. "invalid_grant". Description is for people.
	Code        string `json:"error"`
	Description string `json:"error_description"`
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("issuer refused: status %d, %s: %s", e.Status, e.Code, e.Description)
}

// New reads the discovery document of the issuer. transport may be nil for the default one; give one that trusts the
// development CA.
func New(ctx context.Context, issuerURL string, transport http.RoundTripper) (*Client, error) {
	client := &Client{http: &http.Client{
		Transport: transport,
		// The flow reads every redirect itself: the last one leads to an address that nobody serves.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	answer, err := client.get(ctx, strings.TrimSuffix(issuerURL, "/")+"/.well-known/openid-configuration")
	if err != nil {
		return nil, fmt.Errorf("discover issuer: %w", err)
	}
	if answer.status != http.StatusOK {
		return nil, fmt.Errorf("discover issuer: status %d", answer.status)
	}
	if err := json.Unmarshal(answer.body, &client.endpoints); err != nil {
		return nil, fmt.Errorf("discover issuer: %w", err)
	}
	if client.endpoints.Issuer != issuerURL {
		return nil, fmt.Errorf("discover issuer: it calls itself %q", client.endpoints.Issuer)
	}
	return client, nil
}

// SystemToken obtains a partner system's token by client credentials. A refusal is a *RefusedError.
func (c *Client) SystemToken(ctx context.Context, id, secret string) (Tokens, error) {
	return c.exchange(ctx, url.Values{"grant_type": {"client_credentials"}}, id, secret)
}

// answer of the issuer, read whole.
type answer struct {
	status   int
	location string
	body     []byte
}

func (c *Client) get(ctx context.Context, address string) (answer, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return answer{}, err
	}
	return c.do(request)
}

func (c *Client) post(ctx context.Context, address string, form url.Values, id, secret string) (answer, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return answer{}, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if secret != "" {
		request.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret))
	}
	return c.do(request)
}

func (c *Client) do(request *http.Request) (answer, error) {
	response, err := c.http.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return answer{}, fmt.Errorf("read answer: %w", err)
	}
	return answer{response.StatusCode, response.Header.Get("Location"), body}, nil
}

// exchange asks the token endpoint. Without a secret the client names itself in the form, as public clients do.
func (c *Client) exchange(ctx context.Context, form url.Values, id, secret string) (Tokens, error) {
	if secret == "" {
		form.Set("client_id", id)
	}
	got, err := c.post(ctx, c.endpoints.Token, form, id, secret)
	if err != nil {
		return Tokens{}, fmt.Errorf("ask for token: %w", err)
	}
	if got.status != http.StatusOK {
		refused := &RefusedError{Status: got.status}
		if err := json.Unmarshal(got.body, refused); err != nil {
			return Tokens{}, fmt.Errorf("ask for token: status %d", got.status)
		}
		return Tokens{}, refused
	}
	var tokens Tokens
	if err := json.Unmarshal(got.body, &tokens); err != nil {
		return Tokens{}, fmt.Errorf("decode token answer: %w", err)
	}
	return tokens, nil
}
