package flow

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
)

// Application is the client that staff sign in to.
type Application struct {
	ID string
	// Secret is empty for a public client.
	Secret string
	// RedirectURI as registered with the issuer. Nobody needs to serve it: the code is read off the redirect.
	RedirectURI string
}

// Grant is a code in hand: the code flow stopped just before its last step.
type Grant struct {
	Code     string
	Verifier string
}

// StaffToken signs a person in with one of their roles and returns the tokens. A refusal is a *RefusedError.
func (c *Client) StaffToken(ctx context.Context, app Application, subject, personRoleID string) (Tokens, error) {
	grant, err := c.SignIn(ctx, app, subject, personRoleID)
	if err != nil {
		return Tokens{}, err
	}
	return c.Redeem(ctx, app, grant)
}

// SignIn walks from the authorization request through the login page to the code.
func (c *Client) SignIn(ctx context.Context, app Application, subject, personRoleID string) (Grant, error) {
	state, verifier := rand.Text(), rand.Text()+rand.Text()
	login, err := c.authorize(ctx, app, state, challenge(verifier))
	if err != nil {
		return Grant{}, err
	}
	callback, err := c.submitLogin(ctx, login, subject, personRoleID)
	if err != nil {
		return Grant{}, err
	}
	code, err := c.collectCode(ctx, callback, state)
	if err != nil {
		return Grant{}, err
	}
	return Grant{Code: code, Verifier: verifier}, nil
}

// Redeem exchanges a code for tokens. A refusal is a *RefusedError.
func (c *Client) Redeem(ctx context.Context, app Application, grant Grant) (Tokens, error) {
	form := url.Values{
		"grant_type":    {"authorization_code"},
		"code":          {grant.Code},
		"redirect_uri":  {app.RedirectURI},
		"code_verifier": {grant.Verifier},
	}
	return c.exchange(ctx, form, app.ID, app.Secret)
}

func challenge(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// authorize sends the authorization request and returns where the login page is.
func (c *Client) authorize(ctx context.Context, app Application, state, challenge string) (*url.URL, error) {
	query := url.Values{
		"response_type":         {"code"},
		"client_id":             {app.ID},
		"redirect_uri":          {app.RedirectURI},
		"scope":                 {"openid profile"},
		"state":                 {state},
		"nonce":                 {rand.Text()},
		"code_challenge":        {challenge},
		"code_challenge_method": {"S256"},
	}
	got, err := c.get(ctx, c.endpoints.Authorization+"?"+query.Encode())
	if err != nil {
		return nil, fmt.Errorf("authorize: %w", err)
	}
	return redirect("authorize", got)
}

// submitLogin opens the login page and sends the form that belongs to the person.
func (c *Client) submitLogin(ctx context.Context, login *url.URL, subject, personRoleID string) (*url.URL, error) {
	page, err := c.get(ctx, login.String())
	if err != nil {
		return nil, fmt.Errorf("open login page: %w", err)
	}
	if page.status != http.StatusOK {
		return nil, fmt.Errorf("open login page: status %d", page.status)
	}
	form := url.Values{"id": {login.Query().Get("id")}, "subject": {subject}, "role": {personRoleID}}
	action := *login
	action.RawQuery = ""
	got, err := c.post(ctx, action.String(), form, "", "")
	if err != nil {
		return nil, fmt.Errorf("send login form: %w", err)
	}
	return redirect("send login form", got)
}

// collectCode follows the callback and reads the code off the redirect to the application.
func (c *Client) collectCode(ctx context.Context, callback *url.URL, state string) (string, error) {
	got, err := c.get(ctx, callback.String())
	if err != nil {
		return "", fmt.Errorf("collect code: %w", err)
	}
	target, err := redirect("collect code", got)
	if err != nil {
		return "", err
	}
	query := target.Query()
	if query.Get("state") != state {
		return "", errors.New("collect code: state differs")
	}
	if query.Get("code") == "" {
		return "", errors.New("collect code: none given")
	}
	return query.Get("code"), nil
}

// redirect reads where an answer leads. An OAuth error that travels in a redirect is a *RefusedError.
func redirect(step string, got answer) (*url.URL, error) {
	if got.status != http.StatusFound && got.status != http.StatusSeeOther {
		return nil, fmt.Errorf("%s: status %d, not a redirect", step, got.status)
	}
	target, err := url.Parse(got.location)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", step, err)
	}
	if query := target.Query(); query.Get("error") != "" {
		return nil, &RefusedError{got.status, query.Get("error"), query.Get("error_description")}
	}
	return target, nil
}
